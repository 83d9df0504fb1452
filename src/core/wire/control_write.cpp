#include <stt/check.hpp>

#include "codec/varint.hpp"
#include "core/wire/control.hpp"
#include "core/wire/control_kinds.hpp"

namespace stt::wire {
namespace {

using codec::varint_size;
using codec::Writer;

// Takes what Writer takes, and counts the bytes: so that a body is described once.
class Counter {
public:
    std::size_t size() const noexcept { return size_; }
    void varint(std::uint64_t value) noexcept { size_ += varint_size(value); }
    void bytes(Bytes value) noexcept { size_ += value.size(); }
    void zeros(std::size_t count) noexcept { size_ += count; }

private:
    std::size_t size_ = 0;
};

// The kinds of messages that are one token, or one number.
ControlKind kind_of(const Padding&) noexcept {
    return ControlKind::padding;
}
ControlKind kind_of(const Ping&) noexcept {
    return ControlKind::ping;
}
ControlKind kind_of(const Pong&) noexcept {
    return ControlKind::pong;
}
ControlKind kind_of(const FlowCredit&) noexcept {
    return ControlKind::flow_credit;
}
ControlKind kind_of(const KeyRotation&) noexcept {
    return ControlKind::key_rotation;
}
ControlKind kind_of(const SessionClose&) noexcept {
    return ControlKind::session_close;
}
ControlKind kind_of(const ErrorNotice&) noexcept {
    return ControlKind::error;
}
ControlKind kind_of(const Ack& ack) noexcept {
    return ack.ecn ? ControlKind::ack_ecn : ControlKind::ack;
}
ControlKind kind_of(const PathChallenge&) noexcept {
    return ControlKind::path_challenge;
}
ControlKind kind_of(const PathResponse&) noexcept {
    return ControlKind::path_response;
}
ControlKind kind_of(const StreamLimit&) noexcept {
    return ControlKind::stream_limit;
}
ControlKind kind_of(const ObservedAddress&) noexcept {
    return ControlKind::observed_address;
}
ControlKind kind_of(const Credits&) noexcept {
    return ControlKind::credits;
}
StreamControlKind kind_of(const Open&) noexcept {
    return StreamControlKind::open;
}
StreamControlKind kind_of(const Credit&) noexcept {
    return StreamControlKind::credit;
}
StreamControlKind kind_of(const Reset&) noexcept {
    return StreamControlKind::reset;
}
StreamControlKind kind_of(const Stop&) noexcept {
    return StreamControlKind::stop;
}
StreamControlKind kind_of(const Priority&) noexcept {
    return StreamControlKind::priority;
}
StreamControlKind kind_of(const Skip&) noexcept {
    return StreamControlKind::skip;
}
std::uint64_t kind_of(const UnknownMessage& message) noexcept {
    return message.kind;
}

template <class Output>
struct BodyWriter {
    Output& output;

    void operator()(const Padding& message) const { output.zeros(message.size); }
    void operator()(const Ping& message) const { output.bytes(message.token); }
    void operator()(const Pong& message) const { output.bytes(message.token); }
    void operator()(const FlowCredit& message) const { output.varint(message.limit); }
    void operator()(const KeyRotation& message) const {
        output.varint(message.epoch);
        output.bytes(message.nonce);
    }
    void operator()(const SessionClose& message) const {
        STT_CHECK(message.reason.size() <= text_size_max);
        output.varint(message.code);
        output.bytes(message.reason);
    }
    void operator()(const ErrorNotice& message) const {
        output.varint(message.code);
        output.bytes(message.detail);
    }
    void operator()(const Ack& message) const {
        output.varint(message.largest);
        output.varint(message.delay_us);
        output.varint(message.first_range);
        output.varint(message.range_count);
        output.bytes(message.ranges);
        if (!message.ecn) return;
        output.varint(message.ecn->ect0);
        output.varint(message.ecn->ect1);
        output.varint(message.ecn->ce);
    }
    void operator()(const PathChallenge& message) const { output.bytes(message.token); }
    void operator()(const PathResponse& message) const { output.bytes(message.token); }
    void operator()(const StreamLimit& message) const { output.varint(message.limit); }
    void operator()(const ObservedAddress& message) const { output.bytes(message.address); }
    void operator()(const Credits& message) const {
        output.varint(message.count);
        output.bytes(message.entries);
    }
    void operator()(const UnknownMessage&) const {}

    void operator()(const Open& message) const {
        STT_CHECK(message.endpoint.size() <= text_size_max);
        output.varint(message.kind);
        output.varint(message.priority);
        output.varint(message.deadline_ms);
        output.bytes(message.endpoint);
    }
    void operator()(const Credit& message) const { output.varint(message.limit); }
    void operator()(const Reset& message) const {
        output.varint(message.code);
        output.varint(message.final_offset);
    }
    void operator()(const Stop& message) const { output.varint(message.code); }
    void operator()(const Priority& message) const { output.varint(message.priority); }
    void operator()(const Skip& message) const {
        output.varint(message.from);
        output.varint(message.to);
    }
};

template <class Message>
std::uint64_t kind_number(const Message& message) noexcept {
    return std::visit([](const auto& of) { return static_cast<std::uint64_t>(kind_of(of)); },
                      message);
}

template <class Message>
std::size_t body_size(const Message& message) noexcept {
    Counter counter;
    std::visit(BodyWriter<Counter>{counter}, message);
    return counter.size();
}

template <class Message>
std::size_t message_size(const Message& message) noexcept {
    const std::size_t size = body_size(message);
    return varint_size(kind_number(message)) + varint_size(size) + size;
}

template <class Message>
void write_message(Writer& writer, const Message& message) noexcept {
    writer.varint(kind_number(message));
    writer.varint(body_size(message));
    std::visit(BodyWriter<Writer>{writer}, message);
}

}  // namespace

std::size_t encoded_size(const ControlMessage& message) noexcept {
    return message_size(message);
}
void write(Writer& writer, const ControlMessage& message) noexcept {
    write_message(writer, message);
}
std::size_t encoded_size(const StreamControlMessage& message) noexcept {
    return message_size(message);
}
void write(Writer& writer, const StreamControlMessage& message) noexcept {
    write_message(writer, message);
}

}  // namespace stt::wire
