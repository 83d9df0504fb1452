// A responder's streams, and a peer whose frames are written by hand.
#pragma once

#include <doctest/doctest.h>

#include <array>
#include <initializer_list>
#include <vector>

#include "codec/writer.hpp"
#include "core/stream/streams.hpp"
#include "stream_pair.hpp"

namespace stt::stream {

struct Victim {
    explicit Victim(const StreamsConfig& config = {}) : streams(config) {}
    Streams streams;
    std::vector<StreamEvent> events;

    Result<Taken, wire::Violation> control(std::uint16_t id, std::uint64_t use,
                                           std::initializer_list<wire::StreamControlMessage> sent) {
        std::array<std::uint8_t, 1'024> payload;
        codec::Writer writer(payload);
        writer.varint(use);
        for (const auto& message : sent) wire::write(writer, message);
        const auto messages = wire::StreamControlMessages::parse(writer.written());
        REQUIRE(messages.has_value());
        return streams.handle_stream_control(start, rtt, id, *messages);
    }
    Result<Taken, wire::Violation> data(std::uint16_t id, std::uint64_t use, std::uint64_t offset,
                                        std::size_t size, bool is_end = false) {
        const std::vector<std::uint8_t> bytes(size, 'x');
        const std::uint8_t flags = is_end ? wire::flag::stream_end : std::uint8_t{0};
        return streams.handle_data(start, rtt, id, flags, {use, offset, 0, bytes});
    }
    // A frame of stream 1 with MESSAGE.
    Result<Taken, wire::Violation> message(std::uint64_t offset, std::uint64_t back,
                                           const std::vector<std::uint8_t>& bytes,
                                           bool is_end = false) {
        const auto flags = static_cast<std::uint8_t>(
            wire::flag::message | (is_end ? wire::flag::stream_end : std::uint8_t{0}));
        return streams.handle_data(start, rtt, 1, flags, {0, offset, back, bytes});
    }
    // Takes what there is to take of stream 1.
    std::size_t read_messages() {
        std::vector<std::uint8_t> bytes;
        for (std::size_t count = 0;; ++count) {
            const auto outcome = streams.receive_message(start, rtt, {1, 0}, bytes);
            if (!outcome || !outcome->has_message) return count;
        }
    }
    // The limit of the last CREDIT for stream 1 among all that waits to be sent; 0: none.
    std::uint64_t credit_sent() {
        std::uint64_t limit = 0;
        take_all([&](const wire::StreamControlMessage& message) {
            if (const auto* credit = std::get_if<wire::Credit>(&message)) limit = credit->limit;
        });
        return limit;
    }
    // The code of a STOP among all that waits to be sent.
    std::optional<std::uint64_t> stop_sent() {
        std::optional<std::uint64_t> code;
        take_all([&](const wire::StreamControlMessage& message) {
            if (const auto* stop = std::get_if<wire::Stop>(&message)) code = stop->code;
        });
        return code;
    }
    // All that the streams send is acknowledged.
    void acknowledge_all() {
        take_all([](const wire::StreamControlMessage&) {});
    }

private:
    template <class Visit>
    void take_all(const Visit& visit) {
        std::array<std::uint8_t, 1'100> buffer;
        while (const auto candidate = streams.next_candidate()) {
            const auto planned = streams.plan(*candidate, buffer.size());
            REQUIRE(planned.has_value());
            const MutableBytes payload = MutableBytes(buffer).first(planned->payload_size);
            streams.fill(*planned, payload);
            if (planned->type == wire::FrameType::stream_control) {
                auto messages = wire::StreamControlMessages::parse(payload);
                REQUIRE(messages.has_value());
                while (const auto message = messages->next()) visit(*message);
            }
            streams.on_acknowledged(*planned);
        }
    }
};

inline const wire::StreamControlMessage open_bytes = wire::Open{0, 3, 0, {}};

inline wire::StreamControlMessage open_of(StreamKind kind) {
    return wire::Open{static_cast<std::uint64_t>(kind), 3, 1'000, {}};
}

// A message with its length field, of `size` bytes behind that.
inline std::vector<std::uint8_t> framed(std::size_t size, std::uint8_t value = 7) {
    std::vector<std::uint8_t> bytes(codec::varint_size(size) + size, value);
    codec::Writer writer(bytes);
    writer.varint(size);
    return bytes;
}
inline std::vector<std::uint8_t> part(const std::vector<std::uint8_t>& bytes, std::size_t from,
                                      std::size_t to) {
    return {bytes.begin() + static_cast<std::ptrdiff_t>(from),
            bytes.begin() + static_cast<std::ptrdiff_t>(to)};
}

template <class Value>
bool fails_with(const Result<Value, wire::Violation>& result, ErrorCode code) {
    return !result.has_value() && result.error().code == code;
}
inline bool is_taken(const Result<Taken, wire::Violation>& result) {
    return result.has_value() && *result == Taken::yes;
}
inline bool is_not_taken(const Result<Taken, wire::Violation>& result) {
    return result.has_value() && *result == Taken::no;
}

}  // namespace stt::stream
