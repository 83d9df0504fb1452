// Two Streams, back to back, for tests: frames are carried by hand.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "core/stream/streams.hpp"

namespace stt::stream {

inline constexpr Duration rtt = std::chrono::milliseconds(10);
inline constexpr std::size_t payload_room = 1'100;
inline const Instant start(std::chrono::seconds(1));

// A frame between two Streams, with its content.
struct Frame {
    Planned planned;
    std::vector<std::uint8_t> payload;
};

struct Side {
    explicit Side(const StreamsConfig& config) : streams(config) {}
    Streams streams;
    std::vector<StreamEvent> events;
    Instant now = start;  // when frames arrive

    std::optional<Frame> next() {
        const auto candidate = streams.next_candidate();
        if (!candidate) return std::nullopt;
        const auto planned = streams.plan(*candidate, payload_room);
        REQUIRE(planned.has_value());
        Frame frame{*planned, std::vector<std::uint8_t>(planned->payload_size)};
        streams.fill(*planned, frame.payload);
        return frame;
    }
    Result<Taken, wire::Violation> handle(const Frame& frame) {
        const Planned& planned = frame.planned;
        if (planned.type == wire::FrameType::data) {
            const auto data = wire::parse_data(frame.payload, planned.flags);
            REQUIRE(data.has_value());
            return streams.handle_data(now, rtt, planned.key.id, planned.flags, *data);
        }
        const auto messages = wire::StreamControlMessages::parse(frame.payload);
        REQUIRE(messages.has_value());
        return streams.handle_stream_control(now, rtt, planned.key.id, *messages);
    }
    void poll() {
        while (const auto event = streams.poll_event()) events.push_back(*event);
    }
    std::size_t count(StreamEvent::Kind kind) const {
        return static_cast<std::size_t>(
            std::count_if(events.begin(), events.end(),
                          [kind](const StreamEvent& event) { return event.kind == kind; }));
    }
};

inline StreamsConfig config_of(bool is_initiator) {
    StreamsConfig config;
    config.is_initiator = is_initiator;
    return config;
}

struct Pair {
    Side one{config_of(true)};
    Side other{config_of(false)};

    // Carries everything there is, both ways, until nothing is left. Frames for which
    // `is_lost` says so are reported as lost.
    template <class IsLost>
    void carry(const IsLost& is_lost) {
        for (bool has_more = true; has_more;) {
            has_more = carry_from(one, other, is_lost);
            has_more = carry_from(other, one, is_lost) || has_more;
            one.poll();
            other.poll();
        }
    }
    void carry() {
        carry([](const Frame&) { return false; });
    }

private:
    template <class IsLost>
    static bool carry_from(Side& from, Side& to, const IsLost& is_lost) {
        std::vector<Frame> frames;
        while (const auto frame = from.next()) frames.push_back(*frame);
        for (const Frame& frame : frames) {
            bool is_taken = false;
            if (!is_lost(frame)) {
                const auto taken = to.handle(frame);
                REQUIRE(taken.has_value());
                is_taken = *taken == Taken::yes;
            }
            is_taken ? from.streams.on_acknowledged(frame.planned)
                     : from.streams.on_lost(frame.planned);
        }
        // What CONTROL would carry.
        if (const auto limit = from.streams.take_flow_credit()) {
            to.streams.handle_flow_credit(*limit);
            return true;
        }
        if (const auto limit = from.streams.take_stream_limit()) {
            to.streams.handle_stream_limit(*limit);
            return true;
        }
        return !frames.empty();
    }
};

inline StreamKey open(Side& side, StreamKind kind = StreamKind::bytes,
                      Duration deadline = std::chrono::seconds(1)) {
    const auto key = side.streams.open({.endpoint = "test", .kind = kind, .deadline = deadline});
    REQUIRE(key.has_value());
    return *key;
}

inline void write(Side& side, StreamKey key, std::size_t size) {
    std::vector<std::uint8_t> bytes(size, 9);
    const auto taken = side.streams.write(key, bytes);
    REQUIRE(taken.has_value());
    REQUIRE(*taken == size);
}

inline std::size_t read_all(Side& side, StreamKey key, bool* is_end = nullptr) {
    std::vector<std::uint8_t> buffer(100'000);
    std::size_t total = 0;
    while (true) {
        const auto outcome = side.streams.read(side.now, rtt, key, buffer);
        REQUIRE(outcome.has_value());
        total += outcome->size;
        if (is_end != nullptr) *is_end = outcome->is_end;
        if (outcome->size == 0) return total;
    }
}

inline std::vector<std::uint8_t> message_of(std::size_t size, std::uint8_t value = 7) {
    return std::vector<std::uint8_t>(size, value);
}

inline bool send(Side& side, StreamKey key, std::size_t size, std::uint8_t value = 7) {
    return side.streams.send_message(start, key, message_of(size, value)).has_value();
}

// The first bytes of the messages that can be read now.
inline std::vector<std::uint8_t> read_messages(Side& side, StreamKey key, bool* is_end = nullptr) {
    std::vector<std::uint8_t> first_bytes;
    std::vector<std::uint8_t> message;
    while (true) {
        const auto outcome = side.streams.receive_message(start, rtt, key, message);
        REQUIRE(outcome.has_value());
        if (is_end != nullptr) *is_end = outcome->is_end;
        if (!outcome->has_message) return first_bytes;
        first_bytes.push_back(message.empty() ? std::uint8_t{0} : message.front());
    }
}

}  // namespace stt::stream
