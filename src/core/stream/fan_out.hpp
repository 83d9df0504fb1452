// One writer, many streams: what is written is held once, and each takes it at its own pace.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <stt/bytes.hpp>
#include <stt/fan_out_types.hpp>
#include <stt/result.hpp>
#include <utility>
#include <vector>

#include "base/byte_ring.hpp"
#include "base/fifo.hpp"
#include "core/stream/streams.hpp"

namespace stt::stream {

// The stream of one receiver, as a fan-out uses it. What is called here must not call the
// fan-out: what happens to the stream comes later, by FanOut::handle_*.
class FanOutStream {
public:
    virtual ~FanOutStream() = default;
    // As Streams::write(): how many bytes it took. None: handle_writable() follows.
    virtual Result<std::size_t, WriteError> write(Bytes data) = 0;
    // As Streams::send_message(). SendError::would_block: handle_writable() follows.
    virtual Result<void, SendError> send_message(Bytes message) = 0;
    // Ends it after all that it took; handle_ended() follows when that was acknowledged. False:
    // it had ended already.
    virtual bool finish() = 0;
    virtual void reset(std::uint64_t code) = 0;
};

enum class FanOutError : std::uint8_t {
    would_block,  // no room: a `writable` event follows when there is some
    too_large,    // a message that buffer_size_max cannot hold
    finished,
};

struct FanOutEvent {
    enum class Kind : std::uint8_t {
        writable,  // what would have blocked may be tried again
        left,      // the receiver is none any more; its stream is not used again
    };
    Kind kind = Kind::writable;
    ReceiverId receiver{};  // of left
};

// Sends the same bytes, or the same messages, to many streams: of different sessions, and of
// different endpoints if the caller likes, as it reaches them by FanOutStream alone.
//
// A message goes to all receivers or to a chosen set; bytes go to all. There is one buffer, in
// order: a receiver that is behind holds it back for messages to others as well, by the policy.
//
// What all take at once is never copied here. A write costs O(log receivers) for each receiver
// that it is for, and nothing for others; who is behind goes on when its own stream has room.
class FanOut {
public:
    // Receivers' streams are of a kind that fits `content`. Skipping needs messages, and the buffer
    // a byte: anything else breaks an STT_CHECK.
    FanOut(const FanOutOptions& options, FanOutContent content);

    // From here on it is sent what is written. `stream` is borrowed until the receiver has left or
    // was removed. After finish() the stream is finished at once.
    ReceiverId add(FanOutStream& stream);
    // It gets no more; its stream stays as it is. False: it has left.
    bool remove(ReceiverId receiver);
    std::size_t receiver_count() const noexcept { return receivers_.size(); }
    // O(what waits). Null: it has left.
    std::optional<ReceiverStatistics> statistics(ReceiverId receiver) const;

    // Bytes to all: takes as many as there is room for, at least one.
    Result<std::size_t, FanOutError> write(Bytes data);
    // A message to all, or to those of `receivers` that have not left; all or nothing. To how many.
    Result<std::size_t, FanOutError> send(
        Bytes message, std::optional<std::span<const ReceiverId>> receivers = std::nullopt);
    // Finishes each stream after what waits for it; receivers leave when that was acknowledged.
    void finish();

    void handle_writable(ReceiverId receiver);
    // Its stream or session has ended, it takes nothing more, or all was acknowledged.
    void handle_ended(ReceiverId receiver);
    std::optional<FanOutEvent> poll_event();

    // Bytes that some receiver has yet to take, with what messages count beside their bytes.
    std::size_t buffered() const noexcept { return static_cast<std::size_t>(end_ - begin_); }

private:
    struct Receiver {
        FanOutStream* stream = nullptr;
        bool is_waiting = false;   // something in the buffer is for it to take
        std::uint64_t cursor = 0;  // while it is waiting: it has taken all below
        ReceiverStatistics statistics;
    };
    using Receivers = std::map<ReceiverId, Receiver>;

    // One in the buffer: of so many bytes, before some that only count.
    struct Message {
        std::uint64_t begin = 0;
        std::size_t size = 0;
        std::uint64_t end = 0;
        std::optional<std::vector<ReceiverId>> receivers;  // sorted; null: all

        bool is_for(ReceiverId receiver) const noexcept;
    };
    using Messages = std::deque<Message>;

    void append(Bytes data, std::size_t size, const std::optional<std::vector<ReceiverId>>& chosen);
    void offer(Receivers::iterator receiver, std::uint64_t begin);
    // Gives a receiver all that its stream takes.
    void feed(Receivers::iterator receiver);
    std::optional<std::size_t> feed_bytes(Receiver& receiver, std::uint64_t cursor);
    std::optional<std::size_t> feed_message(ReceiverId id, Receiver& receiver,
                                            std::uint64_t cursor);
    Bytes buffered_bytes(std::uint64_t begin, std::size_t size);
    Messages::const_iterator message_at(std::uint64_t offset) const noexcept;
    void move_cursor(Receivers::iterator receiver, std::uint64_t cursor);
    void leave(Receivers::iterator receiver);
    void forget(Receivers::iterator receiver);
    // Room for `size` more bytes, by the policy; how many there are in the end.
    std::size_t make_room(std::size_t size);
    void overtake(Receivers::iterator receiver, std::uint64_t needed_begin);
    void advance();

    FanOutOptions options_;
    FanOutContent content_;
    ByteRing ring_;
    std::uint64_t begin_ = 0;
    std::uint64_t end_ = 0;
    Messages messages_;  // those in the buffer
    // What is being written, from this offset on: not in the ring before somebody has to wait.
    Bytes fresh_;
    std::uint64_t fresh_begin_ = 0;
    Receivers receivers_;
    std::uint64_t last_id_ = 0;
    std::set<std::pair<std::uint64_t, ReceiverId>> waiting_;  // by cursor
    std::vector<std::uint8_t> chunk_;
    Fifo<FanOutEvent> events_;
    bool is_writable_wanted_ = false;
    bool is_finished_ = false;
};

}  // namespace stt::stream
