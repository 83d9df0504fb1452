// Messages in what a peer sent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <stt/bytes.hpp>
#include <stt/result.hpp>
#include <vector>

#include "core/stream/receive_buffer.hpp"
#include "core/stream/stream_kind.hpp"

namespace stt::stream {

// Messages of a stream of which some but not all bytes are here: each costs a record. What
// would begin one more is not taken, and so comes again. Chosen: as many as there may be gaps.
inline constexpr std::size_t partial_message_count_max = receive_gap_count_max;

// Where messages begin and end among the ranges of a ReceiveBuffer. Spec protocol §7.2.
//
// Only messages that are not complete have a record. Complete ones are ranges, in which length
// fields say where the next begins, so that a million small messages cost what a large one does.
class MessageAssembly {
public:
    using Outcome = ReceiveBuffer::Outcome;

    // `size_max`: of a message with its length field.
    explicit MessageAssembly(std::size_t size_max) noexcept : size_max_(size_max) {}

    // Stores the bytes of a DATA frame with MESSAGE, of which `offset` is `back` behind the start
    // of its message. Error 5: what ReceiveBuffer::receive() refuses; bytes beyond their message;
    // messages that overlap; a STREAM_END inside one. Error 1: a length that does not decode.
    // `may_grow`: the session has room to keep track of one more range or message.
    Result<Outcome, wire::Violation> receive(ReceiveBuffer& buffer, std::uint64_t offset,
                                             std::uint64_t back, Bytes bytes, bool is_end,
                                             bool may_grow = true);
    // SKIP: what is complete of [from, to) stays, all else is consumed. Error 5: it ends before
    // it begins, cuts a message, or goes beyond the final offset.
    Result<Outcome, wire::Violation> skip(ReceiveBuffer& buffer, std::uint64_t from,
                                          std::uint64_t to, bool may_grow = true);

    bool has_message() const noexcept { return !ready_.is_empty(); }
    // Moves the first complete message into `output`, without its length field.
    void take(ReceiveBuffer& buffer, std::vector<std::uint8_t>& output);
    // A message was begun and is not complete.
    bool is_partial() const noexcept { return !partial_.empty(); }
    void clear();

    // A message was begun that is longer than `size_max`.
    bool is_too_long() const noexcept { return is_too_long_; }
    // Where the last message that was begun ends, as far as it is known: the peer needs credit
    // up to there. Spec protocol §9.3.
    std::uint64_t begun_end() const noexcept { return begun_end_; }
    // Begun messages beside the one that the application waits for: what they cost is counted.
    std::size_t waiting_count(const ReceiveBuffer& buffer) const noexcept {
        const bool is_first = !partial_.empty() && partial_.begin()->first == buffer.read_end();
        return partial_.size() - (is_first ? 1 : 0);
    }

private:
    struct Partial {
        std::optional<std::uint64_t> end;  // none before its length is known
        std::uint64_t highest_end = 0;     // of the bytes that came

        std::uint64_t known_end() const noexcept { return end ? *end : highest_end; }
    };
    using Partials = std::map<std::uint64_t, Partial>;  // by where they begin

    Result<void, wire::Violation> check_end(std::uint64_t end) const;
    Result<void, wire::Violation> check_free(const ReceiveBuffer& buffer, std::uint64_t begin,
                                             std::uint64_t end) const;
    // Reads the length field, when it is there, and checks all that follows from it.
    Result<void, wire::Violation> measure(const ReceiveBuffer& buffer, std::uint64_t begin,
                                          Partial& partial);

    std::size_t size_max_;
    Partials partial_;
    IntervalSet ready_;  // whole messages, unread
    std::uint64_t begun_end_ = 0;
    bool is_too_long_ = false;
};

}  // namespace stt::stream
