// What the tests of recovery share: instants, ACKs made of ranges, a sender to drive.
#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <random>
#include <stt/time.hpp>
#include <vector>

#include "core/recovery/loss.hpp"
#include "core/wire/control.hpp"

namespace stt::recovery::testing {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

// An instant by its distance from an arbitrary start that is not zero.
inline Instant at(Duration since_start) {
    return Instant(seconds(1'000) + since_start);
}

// Deterministic on every platform, as the standard's distributions are not.
class Random {
public:
    explicit Random(std::uint64_t seed) : engine_(seed) {}
    std::uint64_t below(std::uint64_t bound) { return engine_() % bound; }
    bool one_in(std::uint64_t n) { return below(n) == 0; }

private:
    std::mt19937_64 engine_;
};

// An ACK with the bytes that it borrows. Ranges descend.
class OwnedAck {
public:
    explicit OwnedAck(std::span<const wire::SequenceRange> descending) {
        ack_.largest = descending.front().last;
        ack_.first_range = descending.front().last - descending.front().first;
        ack_.range_count = descending.size() - 1;
        for (std::size_t i = 1; i < descending.size(); ++i) {
            put(descending[i - 1].first - descending[i].last - 2);
            put(descending[i].last - descending[i].first);
        }
    }
    OwnedAck(std::initializer_list<wire::SequenceRange> descending)
        : OwnedAck(std::span(descending.begin(), descending.size())) {}

    OwnedAck& delay(Duration delay) {
        ack_.delay_us = static_cast<std::uint64_t>(delay.count());
        return *this;
    }
    OwnedAck& ecn(wire::EcnCounts counts) {
        ack_.ecn = counts;
        return *this;
    }
    wire::Ack get() const {
        wire::Ack ack = ack_;
        ack.ranges = bytes_;
        return ack;
    }

private:
    void put(std::uint64_t value) {  // Spec protocol §1
        while (value >= 0x80) {
            bytes_.push_back(static_cast<std::uint8_t>(value | 0x80));
            value >>= 7;
        }
        bytes_.push_back(static_cast<std::uint8_t>(value));
    }

    wire::Ack ack_;
    std::vector<std::uint8_t> bytes_;
};

inline SentFrame eliciting(std::uint64_t sequence, std::uint32_t size = 1'200) {
    SentFrame frame;
    frame.sequence = sequence;
    frame.size = size;
    frame.elicits_ack = true;
    frame.cargo.offset = sequence * 1'000;
    return frame;
}

inline SentFrame silent(std::uint64_t sequence) {
    SentFrame frame;
    frame.sequence = sequence;
    frame.size = 40;
    return frame;
}

// LossDetection with one UDP path in use, number 1.
class Sender {
public:
    explicit Sender(const PathConfig& config = {}) {
        loss.add_path(1, config);
        loss.take_path(at(Duration(0)), 1);
    }

    // One datagram with `frame_count` eliciting frames. Returns the sequence of the first.
    std::uint64_t send(Instant now, std::size_t frame_count = 1, PathNumber path = 1) {
        const std::uint64_t first = loss.next_sequence();
        std::vector<SentFrame> frames;
        for (std::size_t i = 0; i < frame_count; ++i) {
            frames.push_back(eliciting(first + i, static_cast<std::uint32_t>(1'200 / frame_count)));
        }
        loss.on_datagram_sent(now, {.path = path, .size = 1'200}, frames);
        return first;
    }
    void send_silent(Instant now, PathNumber path = 1) {
        const SentFrame frame = silent(loss.next_sequence());
        loss.on_datagram_sent(now, {.path = path, .size = 40}, {&frame, 1});
    }

    // An ACK that must be accepted.
    AckOutcome ack(Instant now, std::initializer_list<wire::SequenceRange> descending,
                   Duration delay = Duration(0)) {
        return accepted(loss.on_ack(now, OwnedAck(descending).delay(delay).get()));
    }
    static AckOutcome accepted(Result<AckOutcome, wire::Violation> outcome) {
        STT_CHECK(outcome.has_value());
        return *outcome;
    }

    PathRecovery& path() { return loss.path(1); }
    const RttEstimator& rtt() { return path().rtt(); }

    LossDetection loss;
};

inline std::vector<std::uint64_t> sequences(std::span<const SentFrame> frames) {
    std::vector<std::uint64_t> sequences;
    for (const SentFrame& frame : frames) sequences.push_back(frame.sequence);
    return sequences;
}

using Sequences = std::vector<std::uint64_t>;

}  // namespace stt::recovery::testing
