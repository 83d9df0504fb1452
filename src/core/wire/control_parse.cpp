#include <algorithm>
#include <stt/value.hpp>

#include "core/wire/control.hpp"
#include "core/wire/control_kinds.hpp"
#include "core/wire/frame.hpp"

namespace stt::wire {
namespace {

using codec::Reader;

constexpr std::uint64_t priority_max = 7;

Unexpected<Violation> malformed(std::string_view text) noexcept {
    return Unexpected(Violation(ErrorCode::protocol, text));
}

template <std::size_t size>
Result<std::array<std::uint8_t, size>, Violation> fixed(Reader& body) noexcept {
    STT_TRY(const Bytes bytes, body.bytes(size));
    std::array<std::uint8_t, size> value;
    std::copy(bytes.begin(), bytes.end(), value.begin());
    return value;
}

// The rest of the body, as text.
Result<Bytes, Violation> text(const Reader& body, std::size_t size_max) noexcept {
    const Bytes rest = body.remaining();
    if (rest.size() > size_max) return malformed("text too long");
    if (!is_valid_utf8(rest)) return malformed("text is not UTF-8");
    return rest;
}

Result<std::uint64_t, Violation> priority(Reader& body) noexcept {
    STT_TRY(const std::uint64_t value, body.varint());
    if (value > priority_max) return malformed("priority over 7");
    return value;
}

template <class Message>
Result<ControlMessage, Violation> token_message(Reader& body) noexcept {
    STT_TRY(const Token token, fixed<8>(body));
    return ControlMessage(Message{token});
}

template <class Message>
Result<ControlMessage, Violation> limit_message(Reader& body) noexcept {
    STT_TRY(const std::uint64_t limit, body.varint());
    return ControlMessage(Message{limit});
}

Result<ControlMessage, Violation> key_rotation(Reader& body) noexcept {
    KeyRotation message;
    STT_TRY(message.epoch, body.varint());
    STT_TRY(message.nonce, fixed<rotation_nonce_size>(body));
    return ControlMessage(message);
}

Result<ControlMessage, Violation> session_close(Reader& body) noexcept {
    SessionClose message;
    STT_TRY(message.code, body.varint());
    STT_TRY(message.reason, text(body, text_size_max));
    return ControlMessage(message);
}

Result<ControlMessage, Violation> error_notice(Reader& body) noexcept {
    ErrorNotice message;
    STT_TRY(message.code, body.varint());
    // §8.1 bounds the other texts, and not this one: the frame does.
    STT_TRY(message.detail, text(body, body.remaining().size()));
    return ControlMessage(message);
}

// Goes over the ranges, so that AckRanges can walk them without asking. RFC 9000 §19.3.1.
Result<void, Violation> check_ranges(const Ack& ack, Reader& body) noexcept {
    if (ack.first_range > ack.largest) return malformed("ACK of a Sequence below zero");
    std::uint64_t lowest = ack.largest - ack.first_range;
    for (std::uint64_t i = 0; i < ack.range_count; ++i) {
        STT_TRY(const std::uint64_t gap, body.varint());
        STT_TRY(const std::uint64_t range, body.varint());
        // A gap of 0 leaves out one Sequence: the next range ends gap + 2 below.
        if (lowest < 2 || gap > lowest - 2) return malformed("ACK of a Sequence below zero");
        const std::uint64_t highest = lowest - gap - 2;
        if (range > highest) return malformed("ACK of a Sequence below zero");
        lowest = highest - range;
    }
    return {};
}

Result<ControlMessage, Violation> ack(Reader& body, bool has_ecn) noexcept {
    Ack message;
    STT_TRY(message.largest, body.varint());
    STT_TRY(message.delay_us, body.varint());
    STT_TRY(message.first_range, body.varint());
    STT_TRY(message.range_count, body.varint());
    // A range takes two bytes at least: compare before the loop believes the count.
    if (message.range_count > body.remaining().size() / 2) return malformed("ACK count too large");
    const Bytes before = body.remaining();
    STT_TRY_VOID(check_ranges(message, body));
    message.ranges = before.first(before.size() - body.remaining().size());
    if (has_ecn) {
        EcnCounts counts;
        STT_TRY(counts.ect0, body.varint());
        STT_TRY(counts.ect1, body.varint());
        STT_TRY(counts.ce, body.varint());
        message.ecn = counts;
    }
    return ControlMessage(message);
}

Result<ControlMessage, Violation> observed_address(const Reader& body) noexcept {
    const Bytes address = body.remaining();
    if (address.size() != 4 + 2 && address.size() != 16 + 2) {
        return malformed("OBSERVED_ADDRESS of a wrong size");
    }
    return ControlMessage(ObservedAddress{address});
}

Result<ControlMessage, Violation> credits(Reader& body) noexcept {
    Credits message;
    STT_TRY(message.count, body.varint());
    // An entry takes three bytes at least.
    if (message.count > body.remaining().size() / 3) return malformed("CREDITS count too large");
    const Bytes before = body.remaining();
    for (std::uint64_t i = 0; i < message.count; ++i) {
        STT_TRY(const std::uint64_t stream, body.varint());
        STT_TRY_VOID(body.varint());  // use
        STT_TRY_VOID(body.varint());  // limit
        if (stream == 0 || stream > stream_id_max) return malformed("CREDITS of no user stream");
    }
    message.entries = before.first(before.size() - body.remaining().size());
    return ControlMessage(message);
}

Result<ControlMessage, Violation> parse_control_body(std::uint64_t kind, Reader& body) noexcept {
    switch (static_cast<ControlKind>(kind)) {
        case ControlKind::padding:
            return ControlMessage(Padding{body.remaining().size()});
        case ControlKind::ping:
            return token_message<Ping>(body);
        case ControlKind::pong:
            return token_message<Pong>(body);
        case ControlKind::flow_credit:
            return limit_message<FlowCredit>(body);
        case ControlKind::key_rotation:
            return key_rotation(body);
        case ControlKind::session_close:
            return session_close(body);
        case ControlKind::error:
            return error_notice(body);
        case ControlKind::ack:
            return ack(body, false);
        case ControlKind::ack_ecn:
            return ack(body, true);
        case ControlKind::path_challenge:
            return token_message<PathChallenge>(body);
        case ControlKind::path_response:
            return token_message<PathResponse>(body);
        case ControlKind::stream_limit:
            return limit_message<StreamLimit>(body);
        case ControlKind::observed_address:
            return observed_address(body);
        case ControlKind::credits:
            return credits(body);
    }
    return ControlMessage(UnknownMessage{kind});
}

Result<StreamControlMessage, Violation> open(Reader& body) noexcept {
    Open message;
    STT_TRY(message.kind, body.varint());
    STT_TRY(message.priority, priority(body));
    STT_TRY(message.deadline_ms, body.varint());
    STT_TRY(message.endpoint, text(body, text_size_max));
    return StreamControlMessage(message);
}

// The messages whose body is two varints.
template <class Message>
Result<StreamControlMessage, Violation> pair_message(Reader& body) noexcept {
    STT_TRY(const std::uint64_t first, body.varint());
    STT_TRY(const std::uint64_t second, body.varint());
    return StreamControlMessage(Message{first, second});
}

Result<StreamControlMessage, Violation> parse_stream_control_body(std::uint64_t kind,
                                                                  Reader& body) noexcept {
    switch (static_cast<StreamControlKind>(kind)) {
        case StreamControlKind::open:
            return open(body);
        case StreamControlKind::credit: {
            STT_TRY(const std::uint64_t limit, body.varint());
            return StreamControlMessage(Credit{limit});
        }
        case StreamControlKind::reset:
            return pair_message<Reset>(body);
        case StreamControlKind::stop: {
            STT_TRY(const std::uint64_t code, body.varint());
            return StreamControlMessage(Stop{code});
        }
        case StreamControlKind::priority: {
            STT_TRY(const std::uint64_t value, priority(body));
            return StreamControlMessage(Priority{value});
        }
        case StreamControlKind::skip:
            return pair_message<Skip>(body);
    }
    return StreamControlMessage(UnknownMessage{kind});
}

template <class Message>
using BodyParser = Result<Message, Violation> (*)(std::uint64_t, Reader&) noexcept;

// kind ‖ length ‖ body. A body longer than its fields is allowed.
template <class Message>
Result<Message, Violation> next_message(Reader& reader, BodyParser<Message> parse_body) noexcept {
    STT_TRY(const std::uint64_t kind, reader.varint());
    STT_TRY(const Bytes bytes, reader.length_prefixed());
    Reader body(bytes);
    return parse_body(kind, body);
}

template <class Message>
Result<void, Violation> check_all(Reader reader, BodyParser<Message> parse_body) noexcept {
    if (reader.is_at_end()) return malformed("no message");
    while (!reader.is_at_end()) {
        STT_TRY_VOID(next_message(reader, parse_body));
    }
    return {};
}

}  // namespace

Result<ControlMessages, Violation> ControlMessages::parse(Bytes payload) noexcept {
    STT_TRY_VOID(check_all(Reader(payload), parse_control_body));
    return ControlMessages(payload);
}

std::optional<ControlMessage> ControlMessages::next() noexcept {
    if (reader_.is_at_end()) return std::nullopt;
    return *next_message(reader_, parse_control_body);
}

Result<StreamControlMessages, Violation> StreamControlMessages::parse(Bytes payload) noexcept {
    Reader reader(payload);
    STT_TRY(const std::uint64_t use, reader.varint());
    STT_TRY_VOID(check_all(reader, parse_stream_control_body));
    return StreamControlMessages(use, reader);
}

std::optional<StreamControlMessage> StreamControlMessages::next() noexcept {
    if (reader_.is_at_end()) return std::nullopt;
    return *next_message(reader_, parse_stream_control_body);
}

}  // namespace stt::wire
