// All streams of one session: what they carry, their credit, and who sends next.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <stt/bytes.hpp>
#include <stt/result.hpp>
#include <stt/time.hpp>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/fifo.hpp"
#include "core/stream/send_credit.hpp"
#include "core/stream/stream_key.hpp"
#include "core/stream/stream_state.hpp"
#include "core/wire/control.hpp"
#include "core/wire/faults.hpp"
#include "core/wire/frame.hpp"

namespace stt::stream {

// Ranges and begun messages that all streams of a session keep track of. Each costs up to 112
// bytes, so that they take no more memory than the credit that a session begins with. A frame
// that would add one is not taken, and so comes again.
inline constexpr std::size_t fragment_count_max = 16'384;
static_assert(fragment_count_max * 112 <= session_credit_initial);
// Bytes of all streams that wait for their OPEN: they are in no session's total yet.
inline constexpr std::uint64_t early_size_max = session_credit_initial;
// SKIPs of a stream that wait for their acknowledgement; then no further message begins.
inline constexpr std::size_t skip_count_max = 1'024;
// Unread DATAGRAMS of a stream, and of a session's streams together, in bytes: the oldest are
// dropped. Chosen: 20 ms at 100 Mbit/s; and the credit that the session's other streams have.
inline constexpr std::size_t datagram_queue_max = 262'144;
inline constexpr std::size_t datagram_total_max = session_credit_initial;
// Streams in one CREDITS. Chosen: more than a datagram has room for.
inline constexpr std::size_t credits_count_max = 256;
// The longest deadline that an OPEN can give; above it counts as this. About 49 days.
inline constexpr std::uint64_t deadline_ms_max = std::uint64_t{1} << 32;

// What a stream takes of its application: so many congestion windows of its path. One is under way,
// one waits, and two more may have come behind what was lost, and lost again.
inline constexpr std::size_t send_buffer_windows = 4;
// And so much where the path is slow: more than the largest message.
inline constexpr std::size_t send_buffer_min = 2u << 20;
static_assert(send_buffer_min > stt::message_size_max + message_overhead);

struct StreamsConfig {
    bool is_initiator = false;
    // Worst-case memory of a session: session_window_max of unread bytes, and
    // send_buffer_max for each stream that this side writes to.
    std::uint64_t stream_window_max = 16u << 20;
    std::uint64_t session_window_max = 64u << 20;
    std::size_t send_buffer_max = 16u << 20;
    // Where the streams' storage comes from; outlives them. Null: the allocator.
    BufferPool* buffers = nullptr;
    // The largest message that is taken, with its length field: at most 1,048,576. A longer one
    // is answered with STOP(5). Spec protocol §9.3.
    std::size_t message_size_max = stt::message_size_max;
    // Streams that the peer may have open, at least stream_limit_initial. One above that is told
    // by the first STREAM_LIMIT.
    std::uint64_t peer_stream_limit = stream_limit_initial;
};

struct OpenOptions {
    std::string_view endpoint;
    StreamKind kind = StreamKind::bytes;
    std::uint8_t priority = priority_default;  // 0 (first) to 7
    Duration deadline{};                       // EXPIRING: over 0; whole milliseconds count
};

struct StreamEvent {
    enum class Kind {
        opened,        // by the peer
        readable,      // bytes, a message or the end can be read; told once until that was asked
        writable,      // what had no room would have some now
        acknowledged,  // all written is settled, after wait_acknowledged()
        reset,         // the peer gave up sending: `code`
        stopped,       // the peer wants no more: `code`
        limit_raised,  // open() may work again
    };
    Kind kind;
    StreamKey key;
    std::uint64_t code = 0;
};

enum class OpenError { stream_limit, endpoint_name, priority, deadline };
enum class WriteError { unknown_stream, finished, stopped, wrong_kind };
enum class SendError { unknown_stream, finished, stopped, wrong_kind, too_large, would_block };
enum class ReadError { unknown_stream, reset, wrong_kind };

struct ReadOutcome {
    std::size_t size = 0;
    bool is_end = false;  // everything was read, and the peer finished
};
struct MessageOutcome {
    bool has_message = false;
    bool is_end = false;  // every message was read, and the peer finished
};

// How far a stream had come when its session was lost.
struct StreamProgress {
    StreamKey key;
    stt::StreamProgress progress;
};

// What became of a frame's content.
enum class Taken {
    yes,
    no,  // must not be acknowledged: it comes again
};

// What a session's two directions used of their credit (Spec protocol §9.1), in bytes, and how
// many streams each side opened of how many it may (§8.1, STREAM_LIMIT).
struct CreditUse {
    std::uint64_t sent = 0;
    std::uint64_t send_limit = 0;
    std::uint64_t received = 0;
    std::uint64_t receive_limit = 0;
    std::uint64_t opened = 0;  // by this side
    std::uint64_t opened_limit = 0;
    std::uint64_t accepted = 0;  // opened by the peer
    std::uint64_t accepted_limit = 0;
};

// The next frame of the streams, chosen but not written.
struct Planned {
    wire::FrameType type = wire::FrameType::data;
    StreamKey key;
    std::uint8_t flags = 0;
    std::size_t payload_size = 0;
    SendBuffer::Range range;   // of DATA, or of SKIP
    std::size_t repeated = 0;  // bytes of DATA that were sent before
    std::uint32_t items = 0;   // of STREAM_CONTROL
};

// Performs no I/O and reads no clock. Pointers and references into it are never handed out.
class Streams {
public:
    explicit Streams(const StreamsConfig& config);

    // Commands of the application.
    Result<StreamKey, OpenError> open(const OpenOptions& options);
    // For streams of kind BYTES: takes as much as there is room for.
    Result<std::size_t, WriteError> write(StreamKey key, Bytes data);
    Result<ReadOutcome, ReadError> read(Instant now, Duration rtt, StreamKey key,
                                        MutableBytes output);
    // For the other kinds: takes the whole message or nothing. After would_block a `writable`
    // event says when to try again. too_large: over 1,048,576 bytes with its length, over what
    // may wait, or on DATAGRAMS over what a datagram carries now. On EXPIRING `deadline` counts
    // from `now`, in place of the stream's.
    Result<void, SendError> send_message(Instant now, StreamKey key, Bytes message,
                                         std::optional<Duration> deadline = std::nullopt);
    // Moves the next whole message into `output`, whose memory is used again.
    Result<MessageOutcome, ReadError> receive_message(Instant now, Duration rtt, StreamKey key,
                                                      std::vector<std::uint8_t>& output);
    void finish(StreamKey key);
    void reset(StreamKey key, std::uint64_t code);
    void stop(Instant now, Duration rtt, StreamKey key, std::uint64_t code);
    // A stream of the peer whose endpoint nobody serves: RESET(7) and STOP(7). It is released.
    void refuse(Instant now, Duration rtt, StreamKey key);
    // 0 (first) to 7, for what this side sends; the peer is asked to do the same. False: over 7.
    bool set_priority(StreamKey key, std::uint8_t priority);
    // The application lets go: what is finished is still delivered, what is not is given up.
    void release(Instant now, Duration rtt, StreamKey key);
    // Asks for an `acknowledged` event. It never comes for what was reset: `stopped` when the
    // peer wanted no more, `finished` when this side gave up.
    Result<void, WriteError> wait_acknowledged(StreamKey key);

    bool is_readable(StreamKey key) const;
    std::string endpoint(StreamKey key) const;
    // All that was written below this offset has arrived; null: unknown stream. Readable also
    // when the session has ended, until its engine is gone.
    std::optional<std::uint64_t> acknowledged_end(StreamKey key) const;
    std::optional<StreamKind> kind(StreamKey key) const;
    std::optional<std::uint8_t> priority(StreamKey key) const;
    std::optional<StreamStatistics> statistics(StreamKey key) const;
    // Of every stream that is not both closed and released, by key.
    std::vector<StreamProgress> progress() const;
    // The code of the peer's RESET, or else of its STOP; none: it sent neither.
    std::optional<std::uint64_t> peer_code(StreamKey key) const;
    std::size_t open_count() const noexcept { return open_count_; }
    // With those that are closed and not released.
    std::size_t state_count() const noexcept { return streams_.size(); }
    // Bytes of the peer's that count against the session's credit and were not read.
    std::uint64_t unread() const noexcept { return received_total_ - read_total_; }
    // Ranges and begun messages of all streams, of at most fragment_count_max.
    std::size_t fragment_count() const noexcept { return fragment_count_; }
    const SendCredit& send_credit() const noexcept { return credit_; }
    CreditUse credit_use() const noexcept {
        return {credit_.sent,  credit_.limit, received_total_,    session_window_.limit(),
                opened_count_, open_limit_,   peer_opened_count_, peer_limit_};
    }

    // What the peer sent. A Violation closes the session.
    Result<Taken, wire::Violation> handle_data(Instant now, Duration rtt, std::uint16_t id,
                                               std::uint8_t flags, const wire::DataView& data);
    Result<Taken, wire::Violation> handle_stream_control(Instant now, Duration rtt,
                                                         std::uint16_t id,
                                                         wire::StreamControlMessages messages);
    Result<void, wire::Violation> handle_credits(const wire::Credits& credits);
    void handle_flow_credit(std::uint64_t limit);
    void handle_stream_limit(std::uint64_t limit);

    // When messages of EXPIRING streams expire next, if any wait for that.
    std::optional<Instant> deadline() const noexcept;
    void handle_timeout(Instant now);

    // The largest payload of a DATA frame that an empty datagram has room for.
    void set_payload_room(std::size_t room) noexcept { payload_room_max_ = room; }
    // How many bytes of frames with DATA a stream sends before the next of its priority has its
    // turn: one frame at least.
    void set_turn_size(std::size_t size) noexcept { turn_size_ = size; }
    // The congestion window of the path in use: each stream takes send_buffer_windows of it, at
    // least send_buffer_min and at most what was configured.
    void set_send_window(std::size_t window) noexcept;
    // The stream whose frame goes next, STREAM_CONTROL before DATA, then by priority, in
    // turn within one. Then plan() at once with the room there is for a payload, then fill().
    // plan() may find that nothing fits.
    struct Candidate {
        wire::FrameType type;
        StreamKey key;
    };
    std::optional<Candidate> next_candidate();
    // DATA stands in a queue, or waits for credit.
    bool has_data() const noexcept;
    std::optional<Planned> plan(const Candidate& candidate, std::size_t payload_room);
    void fill(const Planned& planned, MutableBytes payload) const;

    // The fate of a frame that plan() gave; or of `frame_count` of DATA of one stream whose ranges
    // are neighbours, as one range.
    void on_acknowledged(const Planned& planned, std::size_t frame_count = 1);
    void on_lost(const Planned& planned);
    // Not lost, but to be sent once more if its kind resends at all.
    void repeat(const Planned& planned);

    // Session-wide values for CONTROL messages, when they changed; told again by the
    // caller until acknowledged.
    std::optional<std::uint64_t> take_flow_credit() noexcept;
    std::optional<std::uint64_t> take_stream_limit() noexcept;
    void resend_flow_credit() noexcept { is_flow_credit_pending_ = true; }
    void resend_stream_limit() noexcept { is_stream_limit_pending_ = true; }
    // Entries of one CREDITS message for several streams that have a CREDIT to send, written to
    // `entries`. Null: fewer than two have, or fit; their CREDITs go out as STREAM_CONTROL. The
    // caller tells what became of the frame, by the batch's number.
    struct CreditsBatch {
        std::uint64_t number = 0;
        std::uint64_t count = 0;
        std::size_t size = 0;  // of the entries
    };
    std::optional<CreditsBatch> take_credits(MutableBytes entries);
    void on_credits_acknowledged(std::uint64_t number);
    void on_credits_lost(std::uint64_t number);
    bool has_session_credit_pending() const noexcept {
        return is_flow_credit_pending_ || is_stream_limit_pending_;
    }

    std::optional<StreamEvent> poll_event();

    // Keys of streams that closed since the last call, for whoever caches something for them.
    std::vector<std::uint16_t> take_closed_ids() noexcept { return std::exchange(closed_ids_, {}); }

private:
    // What is known of a Stream ID: how often it was used, and whether it is in use.
    struct Slot {
        std::uint64_t use = 0;
        bool is_open = false;
    };
    // Whether a stream has DATA to send, or what holds it back.
    enum class Readiness {
        idle,
        ready,
        blocked,  // bytes wait for session credit
        waiting,  // a message waits to begin for session credit
    };
    using Expiry = std::tuple<Instant, StreamKey, std::uint64_t>;  // the last: message number

    bool is_opened_here(std::uint16_t id) const noexcept {
        return ((id & 1) == 1) == config_.is_initiator;
    }
    StreamState* find(StreamKey key) noexcept;
    const StreamState* find(StreamKey key) const noexcept;
    StreamState& create(StreamKey key, bool is_local);
    // Finds, or makes, the stream that a frame of the peer is about. Spec protocol §8.3.
    Result<StreamState*, wire::Violation> locate(std::uint16_t id, std::uint64_t use);
    Result<void, wire::Violation> end_older(StreamKey key);

    // Receiving.
    Result<Taken, wire::Violation> receive_data(StreamState& stream, bool is_message, bool is_end,
                                                const wire::DataView& data);
    Result<Taken, wire::Violation> receive_datagram(Instant now, Duration rtt, StreamState& stream,
                                                    bool is_end, const wire::DataView& data);
    Result<void, wire::Violation> keep_datagram(StreamState& stream, const wire::DataView& data);
    void push_datagram(StreamState& stream, Bytes message);
    Result<void, wire::Violation> check_data(const StreamState& stream, bool is_message,
                                             std::uint64_t end) const;
    bool has_early_room(const StreamState& stream, std::uint64_t end) const noexcept;
    Result<void, wire::Violation> check_limits(const StreamState& stream, std::uint64_t end) const;
    Result<void, wire::Violation> account(Instant now, Duration rtt, StreamState& stream,
                                          std::uint64_t highest_before, std::uint64_t read_before);
    Result<Taken, wire::Violation> apply(Instant now, Duration rtt, StreamState& stream,
                                         const wire::StreamControlMessage& message);
    Result<void, wire::Violation> apply_open(Instant now, Duration rtt, StreamState& stream,
                                             const wire::Open& open);
    Result<void, wire::Violation> check_early(StreamState& stream);
    Result<Taken, wire::Violation> apply_reset(Instant now, Duration rtt, StreamState& stream,
                                               const wire::Reset& reset);
    Result<Taken, wire::Violation> apply_skip(Instant now, Duration rtt, StreamState& stream,
                                              const wire::Skip& skip);
    void apply_priority(StreamState& stream, std::uint8_t priority);
    void apply_stop(StreamState& stream, std::uint64_t code);
    void apply_credit(StreamState& stream, std::uint64_t limit);
    void on_limit_raised(StreamState& stream);
    Result<void, wire::Violation> count_received(StreamState& stream, std::uint64_t highest_before);
    // The peer still has bytes to send that are wanted.
    static bool needs_credit(const StreamState& stream) noexcept {
        return stream.is_credited && !stream.receive.final_offset() && !stream.stop_code;
    }
    void update_credit(Instant now, Duration rtt, StreamState& stream, std::uint64_t read_before);
    void count_fragments(StreamState& stream) noexcept;
    void drop_unread(Instant now, Duration rtt, StreamState& stream);
    void clear_datagrams(StreamState& stream);

    // Sending.
    void queue_items(StreamState& stream, std::uint32_t items);
    void queue_data(StreamState& stream);
    void unqueue_data(StreamState& stream) noexcept;
    void place_data(StreamState& stream, Readiness readiness);
    Readiness readiness(const StreamState& stream) const noexcept;
    Readiness readiness_to_begin(const StreamState& stream) const noexcept;
    std::uint64_t stream_limit(const StreamState& stream) const noexcept;
    std::uint64_t data_limit(const StreamState& stream) const noexcept;
    // Counts a frame with `sent` bytes of DATA; true: the stream's turn is over.
    bool count_in_turn(StreamState& stream, std::size_t sent) const noexcept;
    bool is_session_open() const noexcept { return begin_queue_.is_empty() && credit_.room() > 0; }
    StreamState* next_with_data(std::size_t priority);
    void begin_message(StreamState& stream);
    void begin_waiting_messages();
    void leave_begin_queue(StreamState& stream);
    void drop_oversize(StreamState& stream);
    void discard_send(StreamState& stream);
    std::optional<Planned> plan_items(StreamState& stream, std::size_t payload_room);
    std::optional<Planned> plan_data(StreamState& stream, std::size_t payload_room);
    void expire(StreamState& stream, std::uint64_t number);
    void give_up(StreamState& stream, SendBuffer::Message& message);
    void after_settled(StreamState& stream);
    std::size_t send_room(const StreamState& stream) const noexcept;

    template <class Settle>
    void settle_credits(std::uint64_t number, Settle settle);

    std::size_t queue_kept() const noexcept;
    void tell_readable(StreamState& stream);
    void tell_writable(StreamState& stream);
    void tell_acknowledged(StreamState& stream);
    void tell_reset(StreamState& stream);
    void tell_stopped(StreamState& stream);
    void refuse(Instant now, Duration rtt, StreamState& stream);
    void close_if_ended(StreamState& stream);
    void erase_if_unused(StreamKey key);

    StreamsConfig config_;
    std::map<StreamKey, std::unique_ptr<StreamState>> streams_;
    std::unordered_map<std::uint16_t, Slot> slots_;
    std::vector<std::uint16_t> free_ids_;  // of this side, closed
    std::uint32_t next_id_;

    std::uint64_t open_limit_ = stream_limit_initial;  // given by the peer
    std::uint64_t opened_count_ = 0;                   // by this side
    std::uint64_t peer_limit_;                         // given to the peer
    std::uint64_t peer_opened_count_ = 0;
    std::size_t open_count_ = 0;
    bool is_limit_waited_for_ = false;

    SendCredit credit_;
    std::uint64_t received_total_ = 0;
    std::uint64_t read_total_ = 0;
    ReceiveWindow session_window_;
    std::size_t fragment_count_ = 0;
    std::uint64_t early_total_ = 0;  // of at most early_size_max
    std::size_t datagram_total_ = 0;
    bool is_flow_credit_pending_ = false;
    bool is_stream_limit_pending_;

    template <ListLink<StreamState> StreamState::*link>
    using StreamList = LinkedList<StreamState, link>;
    using DataList = StreamList<&StreamState::data_link>;
    StreamList<&StreamState::control_link> control_queue_;
    StreamList<&StreamState::credit_link> credit_queue_;
    // The streams of each CREDITS under way, batch by batch: as many as frames in flight hold.
    struct CreditTold {
        std::uint64_t batch;
        StreamKey key;
        bool is_settled = false;  // acknowledged or lost, but not what was told before
    };
    Fifo<CreditTold> credits_told_;
    std::uint64_t next_credits_batch_ = 0;
    std::array<DataList, priority_count> data_queues_;
    // For each priority, who has bytes and waits for session credit.
    std::array<DataList, priority_count> blocked_;
    // Whose next message waits for session credit, the longest first. Spec protocol §9.3.
    StreamList<&StreamState::begin_link> begin_queue_;
    std::set<Expiry> expiries_;
    std::size_t payload_room_max_ = 1'100;
    std::size_t turn_size_ = 0;
    std::size_t send_limit_;  // of each stream: what its application may hand over
    Fifo<StreamEvent> events_;
    std::vector<std::uint16_t> closed_ids_;
};

}  // namespace stt::stream
