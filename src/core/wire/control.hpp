// CONTROL and STREAM_CONTROL messages. Spec protocol §8.1.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <stt/bytes.hpp>
#include <stt/result.hpp>
#include <variant>

#include "codec/reader.hpp"
#include "codec/writer.hpp"
#include "core/wire/faults.hpp"

namespace stt::wire {

using Token = std::array<std::uint8_t, 8>;
inline constexpr std::size_t text_size_max = 255;  // reason, endpoint; detail has no limit
inline constexpr std::size_t rotation_nonce_size = 32;

// Sequences first to last, both included.
struct SequenceRange {
    std::uint64_t first = 0;
    std::uint64_t last = 0;

    friend bool operator==(const SequenceRange&, const SequenceRange&) noexcept = default;
};

struct Padding {
    std::size_t size = 0;  // of the body
};
struct Ping {
    Token token{};
};
struct Pong {
    Token token{};
};
struct FlowCredit {
    std::uint64_t limit = 0;
};
struct KeyRotation {
    std::uint64_t epoch = 0;
    std::array<std::uint8_t, rotation_nonce_size> nonce{};
};
struct SessionClose {
    std::uint64_t code = 0;
    Bytes reason;  // UTF-8, at most 255 bytes
};
struct ErrorNotice {
    std::uint64_t code = 0;
    Bytes detail;  // UTF-8
};
struct EcnCounts {
    std::uint64_t ect0 = 0;
    std::uint64_t ect1 = 0;
    std::uint64_t ce = 0;
};
// Ranges as RFC 9000 §19.3.1; they were checked when the message was parsed.
struct Ack {
    std::uint64_t largest = 0;
    std::uint64_t delay_us = 0;
    std::uint64_t first_range = 0;
    std::uint64_t range_count = 0;  // beside the first
    Bytes ranges;                   // range_count × (gap, range), encoded
    std::optional<EcnCounts> ecn;   // present: ACK_ECN
};
struct PathChallenge {
    Token token{};
};
struct PathResponse {
    Token token{};
};
struct StreamLimit {
    std::uint64_t limit = 0;
};
struct ObservedAddress {
    Bytes address;  // 4 + 2 or 16 + 2 bytes: octets, then the port
};
// Entries: (stream, use, limit), encoded; checked when the message was parsed.
struct Credits {
    std::uint64_t count = 0;
    Bytes entries;
};
// A kind of message that this version does not know: skipped.
struct UnknownMessage {
    std::uint64_t kind = 0;
};

using ControlMessage = std::variant<Padding, Ping, Pong, FlowCredit, KeyRotation, SessionClose,
                                    ErrorNotice, Ack, PathChallenge, PathResponse, StreamLimit,
                                    ObservedAddress, Credits, UnknownMessage>;

struct Open {
    std::uint64_t kind = 0;
    std::uint64_t priority = 0;  // 0 (first) to 7
    std::uint64_t deadline_ms = 0;
    Bytes endpoint;  // UTF-8, at most 255 bytes
};
struct Credit {
    std::uint64_t limit = 0;
};
struct Reset {
    std::uint64_t code = 0;
    std::uint64_t final_offset = 0;
};
struct Stop {
    std::uint64_t code = 0;
};
struct Priority {
    std::uint64_t priority = 0;
};
struct Skip {
    std::uint64_t from = 0;
    std::uint64_t to = 0;
};

using StreamControlMessage =
    std::variant<Open, Credit, Reset, Stop, Priority, Skip, UnknownMessage>;

// The messages of one CONTROL payload. parse() has gone over all of them, so
// that nothing acts before the whole payload is known to be good; next() then
// hands them out one by one. Borrows the payload.
//
// Error 1: empty, cut off, not UTF-8, a text over 255 bytes, an address of another size, a
// priority over 7, an ACK of Sequences below 0, CREDITS of no user stream. What only a
// stream's state can judge (whether an offset, or a range of SKIP, makes sense) is left to it.
class ControlMessages {
public:
    static Result<ControlMessages, Violation> parse(Bytes payload) noexcept;
    std::optional<ControlMessage> next() noexcept;

private:
    explicit ControlMessages(Bytes payload) noexcept : reader_(payload) {}
    codec::Reader reader_;
};

// The same for a STREAM_CONTROL payload: `use`, then messages.
class StreamControlMessages {
public:
    static Result<StreamControlMessages, Violation> parse(Bytes payload) noexcept;
    std::uint64_t use() const noexcept { return use_; }
    std::optional<StreamControlMessage> next() noexcept;

private:
    StreamControlMessages(std::uint64_t use, codec::Reader reader) noexcept
        : use_(use), reader_(reader) {}
    std::uint64_t use_;
    codec::Reader reader_;
};

// Walks the ranges of an ACK from the largest down.
class AckRanges {
public:
    explicit AckRanges(const Ack& ack) noexcept;
    std::optional<SequenceRange> next() noexcept;

private:
    codec::Reader reader_;
    std::uint64_t rest_;
    std::optional<SequenceRange> current_;
};

// Walks the entries of CREDITS.
struct CreditsEntry {
    std::uint64_t stream = 0;
    std::uint64_t use = 0;
    std::uint64_t limit = 0;
};
class CreditsEntries {
public:
    explicit CreditsEntries(const Credits& credits) noexcept : reader_(credits.entries) {}
    std::optional<CreditsEntry> next() noexcept;

private:
    codec::Reader reader_;
};

// Bytes of a message with its kind and length, and the message itself. A writer
// without room breaks an STT_CHECK: ask first.
std::size_t encoded_size(const ControlMessage& message) noexcept;
void write(codec::Writer& writer, const ControlMessage& message) noexcept;
std::size_t encoded_size(const StreamControlMessage& message) noexcept;
void write(codec::Writer& writer, const StreamControlMessage& message) noexcept;

// Ranges that a sender puts into an ACK. Spec protocol §10.2.
inline constexpr std::size_t ack_range_count_max = 64;

// An ACK from ranges in descending order, at least one Sequence apart from each other (at
// least one; as many as fit into `room` bytes and at most 64 are taken: Spec protocol §10.2).
// Returns how many ranges went in; 0: no room at all, and nothing was written.
std::size_t write_ack(codec::Writer& writer, std::span<const SequenceRange> descending,
                      std::uint64_t delay_us, const std::optional<EcnCounts>& ecn,
                      std::size_t room) noexcept;

// DATA plaintext: use ‖ offset ‖ [back] ‖ bytes. Spec protocol §7.1.
struct DataView {
    std::uint64_t use = 0;
    std::uint64_t offset = 0;
    std::uint64_t back = 0;  // only with MESSAGE
    Bytes bytes;
};
// One space of byte offsets. Spec protocol §7.1.
inline constexpr std::uint64_t stream_offset_end = std::uint64_t{1} << 62;

// `flags` are the frame's. Error 1: does not decode, empty without STREAM_END, offset
// or its end over 2^62. Error 5: `back` over `offset`.
Result<DataView, Violation> parse_data(Bytes plaintext, std::uint8_t flags) noexcept;

// What stands before the bytes of a DATA frame; `back` is there when the frame has MESSAGE.
std::size_t data_prefix_size(std::uint64_t use, std::uint64_t offset,
                             std::optional<std::uint64_t> back = std::nullopt) noexcept;
void write_data_prefix(codec::Writer& writer, std::uint64_t use, std::uint64_t offset,
                       std::optional<std::uint64_t> back = std::nullopt) noexcept;

}  // namespace stt::wire
