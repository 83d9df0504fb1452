// One writer, many receivers: what is sent is held once, and each takes it at its own pace.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <stt/bytes.hpp>
#include <stt/result.hpp>
#include <utility>
#include <vector>

#include "base/byte_ring.hpp"
#include "base/fifo.hpp"
#include "core/connection/endpoint.hpp"

namespace stt::connection {

// What becomes of a member that is so far behind that the buffer has no room for what is new.
enum class LaggardPolicy : std::uint8_t {
    wait,  // the writer waits for it
    drop,  // its stream is reset
    skip,  // it goes on with a later message: only for messages
};

struct FanOutConfig {
    // Bytes held for all members together, beside what each stream has in its own buffer.
    std::size_t buffer_size_max = std::size_t{1} << 20;
    LaggardPolicy laggards = LaggardPolicy::wait;
    std::uint64_t drop_code = 8;  // of the RESET, by default "timeout" (Spec protocol §8.4)
    // True: write() takes whole messages, and members are streams of a kind that carries those;
    // false: bytes, and streams of kind BYTES.
    bool has_messages = false;
};

enum class FanOutError : std::uint8_t {
    would_block,  // no room: a `writable` event follows when there is some
    too_large,    // a message that buffer_size_max cannot hold: it takes a byte more than it has
};

// A stream of one of the endpoint's sessions.
struct FanOutMember {
    SessionHandle session = 0;
    stream::StreamKey key;
    friend auto operator<=>(const FanOutMember&, const FanOutMember&) noexcept = default;
};

struct FanOutEvent {
    enum class Kind : std::uint8_t {
        writable,  // write() would take something again
        dropped,   // a laggard: its stream was reset
        left,      // its stream or session ended, or takes nothing more
    };
    Kind kind = Kind::writable;
    FanOutMember member;  // of dropped and left
};

// Sends the same bytes, or the same messages, to a set of streams: all of a node's sessions or
// some of them, as the caller adds them. Uses the endpoint as any application does: it touches
// the sessions that it writes to, and is to be given the events of its members by
// handle_event(); the endpoint is then to be drained as after any command.
//
// A write costs O(log members) for each member that takes some of it at once, and nothing for
// the others: each of those goes on when its own stream has room.
class FanOut {
public:
    // `endpoint` must outlive this object. Skipping needs messages: anything else breaks an
    // STT_CHECK.
    FanOut(Endpoint& endpoint, const FanOutConfig& config);

    // From here on it is sent what is written. False: it is one already.
    bool add(const Moment& moment, const FanOutMember& member);
    // It gets no more; its stream stays as it is. False: it is none.
    bool remove(const FanOutMember& member);
    std::size_t member_count() const noexcept { return members_.size(); }

    // Bytes: takes as many as there is room for, at least one. Messages: all or nothing.
    Result<std::size_t, FanOutError> write(const Moment& moment, Bytes data);
    // True when it was about a member, whose application need not look at it.
    bool handle_event(const Moment& moment, const EndpointEvent& event);
    std::optional<FanOutEvent> poll_event();

    std::uint64_t written() const noexcept { return end_; }
    // Bytes that some member has yet to take; a message counts one more than it has.
    std::size_t buffered() const noexcept { return static_cast<std::size_t>(end_ - begin_); }
    // Messages that a member did not get, being a laggard.
    std::uint64_t messages_skipped() const noexcept { return messages_skipped_; }
    std::uint64_t members_dropped() const noexcept { return members_dropped_; }

private:
    struct State {
        std::uint64_t cursor = 0;  // it has taken all below
        bool is_blocked = false;   // waits for its stream's `writable`
    };
    using Members = std::map<FanOutMember, State>;

    // Gives a member all that its stream takes. False: it takes nothing more for good.
    bool feed(const Moment& moment, Members::iterator member);
    std::optional<std::size_t> feed_once(const Moment& moment, Connection& connection,
                                         const Members::value_type& member);
    void move_cursor(Members::iterator member, std::uint64_t cursor);
    void end_member(Members::iterator member, FanOutEvent::Kind kind);
    // Room for `size` more bytes, by the policy; how many there are in the end.
    std::size_t make_room(std::size_t size);
    void overtake(Members::iterator member, std::uint64_t needed_begin);
    void advance();

    Endpoint& endpoint_;
    FanOutConfig config_;
    ByteRing ring_;
    std::uint64_t begin_ = 0;
    std::uint64_t end_ = 0;
    Fifo<std::uint64_t> message_ends_;  // of those in the buffer
    Members members_;
    std::set<std::pair<std::uint64_t, FanOutMember>> by_cursor_;
    std::set<FanOutMember> unblocked_;
    std::vector<std::uint8_t> chunk_;
    Fifo<FanOutEvent> events_;
    bool is_writable_wanted_ = false;
    std::uint64_t messages_skipped_ = 0;
    std::uint64_t members_dropped_ = 0;
};

}  // namespace stt::connection
