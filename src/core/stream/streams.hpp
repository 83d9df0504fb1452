// All streams of one session: what they carry, their credit, and who sends next.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <stt/bytes.hpp>
#include <stt/result.hpp>
#include <stt/time.hpp>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/fifo.hpp"
#include "core/stream/stream_key.hpp"
#include "core/stream/stream_state.hpp"
#include "core/wire/control.hpp"
#include "core/wire/faults.hpp"
#include "core/wire/frame.hpp"

namespace stt::stream {

struct StreamsConfig {
    bool is_initiator = false;
    // Worst-case memory of a session: session_window_max of unread bytes, and
    // send_buffer_max for each stream that this side writes to.
    std::uint64_t stream_window_max = 16u << 20;
    std::uint64_t session_window_max = 64u << 20;
    std::size_t send_buffer_max = 4u << 20;
};

struct StreamEvent {
    enum class Kind {
        opened,        // by the peer
        readable,      // bytes or the end can be read; told once until read() was called
        writable,      // write() would take bytes again, after it took fewer than given
        acknowledged,  // all written is acknowledged, after wait_acknowledged()
        reset,         // the peer gave up sending: `code`
        stopped,       // the peer wants no more: `code`
        limit_raised,  // open() may work again
    };
    Kind kind;
    StreamKey key;
    std::uint64_t code = 0;
};

enum class OpenError { stream_limit, endpoint_name };
enum class WriteError { unknown_stream, finished, stopped };
enum class ReadError { unknown_stream, reset };

struct ReadOutcome {
    std::size_t size = 0;
    bool is_end = false;  // everything was read, and the peer finished
};

// What became of a frame's content.
enum class Taken {
    yes,
    no,  // must not be acknowledged: it comes again
};

// The next frame of the streams, chosen but not written.
struct Planned {
    wire::FrameType type = wire::FrameType::data;
    StreamKey key;
    std::uint8_t flags = 0;
    std::size_t payload_size = 0;
    SendBuffer::Range range;  // of DATA
    std::uint32_t items = 0;  // of STREAM_CONTROL
};

// Performs no I/O and reads no clock. Pointers and references into it are never handed out.
class Streams {
public:
    explicit Streams(const StreamsConfig& config);

    // Commands of the application.
    Result<StreamKey, OpenError> open(std::string_view endpoint);
    Result<std::size_t, WriteError> write(StreamKey key, Bytes data);
    Result<ReadOutcome, ReadError> read(Instant now, Duration rtt, StreamKey key,
                                        MutableBytes output);
    void finish(StreamKey key);
    void reset(StreamKey key, std::uint64_t code);
    void stop(Instant now, Duration rtt, StreamKey key, std::uint64_t code);
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
    // The code of the peer's RESET, or else of its STOP; none: it sent neither.
    std::optional<std::uint64_t> peer_code(StreamKey key) const;
    std::size_t open_count() const noexcept { return open_count_; }
    // Bytes of the peer's that count against the session's credit and were not read.
    std::uint64_t unread() const noexcept { return received_total_ - read_total_; }

    // What the peer sent. A Violation closes the session.
    Result<Taken, wire::Violation> handle_data(Instant now, Duration rtt, std::uint16_t id,
                                               std::uint8_t flags, const wire::DataView& data);
    Result<Taken, wire::Violation> handle_stream_control(Instant now, Duration rtt,
                                                         std::uint16_t id,
                                                         wire::StreamControlMessages messages);
    Result<void, wire::Violation> handle_credits(const wire::Credits& credits);
    void handle_flow_credit(std::uint64_t limit);
    void handle_stream_limit(std::uint64_t limit);

    // The stream whose frame goes next, STREAM_CONTROL before DATA, then by priority, in
    // turn within one. Then plan() with the room there is for a payload, then fill().
    // plan() may find that nothing fits.
    struct Candidate {
        wire::FrameType type;
        StreamKey key;
    };
    std::optional<Candidate> next_candidate();
    std::optional<Planned> plan(const Candidate& candidate, std::size_t payload_room);
    void fill(const Planned& planned, MutableBytes payload) const;

    // The fate of a frame that plan() gave.
    void on_acknowledged(const Planned& planned);
    void on_lost(const Planned& planned);

    // Session-wide values for CONTROL messages, when they changed; told again by the
    // caller until acknowledged.
    std::optional<std::uint64_t> take_flow_credit() noexcept;
    std::optional<std::uint64_t> take_stream_limit() noexcept;
    void resend_flow_credit() noexcept { is_flow_credit_pending_ = true; }
    void resend_stream_limit() noexcept { is_stream_limit_pending_ = true; }
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

    bool is_opened_here(std::uint16_t id) const noexcept {
        return ((id & 1) == 1) == config_.is_initiator;
    }
    StreamState* find(StreamKey key) noexcept;
    const StreamState* find(StreamKey key) const noexcept;
    StreamState& create(StreamKey key, bool is_local);
    // Finds, or makes, the stream that a frame of the peer is about. Spec protocol §8.3.
    Result<StreamState*, wire::Violation> locate(std::uint16_t id, std::uint64_t use);
    Result<void, wire::Violation> end_older(StreamKey key);
    Result<Taken, wire::Violation> apply(Instant now, Duration rtt, StreamState& stream,
                                         const wire::StreamControlMessage& message);
    Result<void, wire::Violation> apply_open(Instant now, Duration rtt, StreamState& stream,
                                             const wire::Open& open);
    Result<Taken, wire::Violation> apply_reset(Instant now, Duration rtt, StreamState& stream,
                                               const wire::Reset& reset);
    Result<void, wire::Violation> apply_priority(StreamState& stream, std::uint64_t priority);
    void apply_stop(StreamState& stream, std::uint64_t code);
    Result<void, wire::Violation> count_received(StreamState& stream, std::uint64_t highest_before);
    // The peer still has bytes to send that are wanted.
    static bool needs_credit(const StreamState& stream) noexcept {
        return !stream.receive.final_offset() && !stream.stop_code;
    }
    void count_read(Instant now, Duration rtt, StreamState& stream, std::uint64_t read_before);

    void queue_items(StreamState& stream, std::uint32_t items);
    void queue_data(StreamState& stream);
    void tell_readable(StreamState& stream);
    void tell_acknowledged(StreamState& stream);
    void tell_reset(StreamState& stream);
    void tell_stopped(StreamState& stream);
    void refuse(Instant now, Duration rtt, StreamState& stream, std::uint64_t kind);
    void close_if_ended(StreamState& stream);
    void erase_if_unused(StreamKey key);
    std::uint64_t data_limit(const StreamState& stream) const noexcept;
    std::optional<Planned> plan_items(StreamState& stream, std::size_t payload_room);
    std::optional<Planned> plan_data(StreamState& stream, std::size_t payload_room);

    StreamsConfig config_;
    std::map<StreamKey, std::unique_ptr<StreamState>> streams_;
    std::unordered_map<std::uint16_t, Slot> slots_;
    std::vector<std::uint16_t> free_ids_;  // of this side, closed
    std::uint32_t next_id_;

    std::uint64_t open_limit_ = stream_limit_initial;  // given by the peer
    std::uint64_t opened_count_ = 0;                   // by this side
    std::uint64_t peer_limit_ = stream_limit_initial;  // given to the peer
    std::uint64_t peer_opened_count_ = 0;
    std::size_t open_count_ = 0;
    bool is_limit_waited_for_ = false;

    std::uint64_t send_total_ = 0;
    std::uint64_t send_total_limit_ = session_credit_initial;
    std::uint64_t received_total_ = 0;
    std::uint64_t read_total_ = 0;
    ReceiveWindow session_window_;
    bool is_flow_credit_pending_ = false;
    bool is_stream_limit_pending_ = false;

    Fifo<StreamKey> control_queue_;
    std::array<Fifo<StreamKey>, priority_count> data_queues_;
    std::vector<StreamKey> blocked_by_session_;
    Fifo<StreamEvent> events_;
    std::vector<std::uint16_t> closed_ids_;
};

}  // namespace stt::stream
