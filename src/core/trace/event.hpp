// What happens in the engine, as typed events for whoever watches. Views are borrowed for
// the call that hands them over. No event holds a key or a byte of a stream.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <stt/bytes.hpp>
#include <stt/time.hpp>
#include <variant>

#include "base/route.hpp"
#include "core/wire/faults.hpp"
#include "core/wire/frame.hpp"

namespace stt::trace {

enum class Direction : std::uint8_t { sent, received };

// A session began here, with the keys of its handshake.
struct SessionStarted {
    bool is_initiator = false;
    Route remote;
    std::array<std::uint8_t, 32> peer_node_id{};
};
// What a side begins with. The peer's are the specification's: §8.1, §9.1.
struct ParametersSet {
    bool is_local = true;
    std::uint64_t stream_credit = 0;
    std::uint64_t session_credit = 0;
    std::uint64_t stream_limit = 0;
    // Of this side alone.
    Duration idle_timeout{};
    std::size_t datagram_size_max = 0;
    std::string_view controller;
};

// Spec protocol §4.5.
enum class SessionStage : std::uint8_t {
    handshake = 1,
    active = 2,
    key_rotating = 3,
    closing = 4,
    closed = 5,
};
struct SessionStateChanged {
    SessionStage from = SessionStage::handshake;
    SessionStage to = SessionStage::active;
};
struct SessionEnded {
    std::string_view cause;  // a word such as "idle"
    bool is_local = true;    // false: the peer closed it
    std::uint64_t code = 0;
    std::string_view reason;  // UTF-8, at most 255 bytes
};

struct DatagramMoved {
    Direction direction = Direction::sent;
    Route remote;
    std::size_t size = 0;
    std::uint8_t ecn = 0;  // the two bits of the IP header
};

// Spec protocol §4.
enum class HandshakeMessage : std::uint8_t { hello, response, auth_proof, final };
struct HandshakeMoved {
    Direction direction = Direction::sent;
    HandshakeMessage message = HandshakeMessage::hello;
    Route remote;
    std::size_t size = 0;  // of the frame
};

// A session's frame. Received ones have opened and were not repeated.
struct FrameMoved {
    Direction direction = Direction::sent;
    wire::FrameType type = wire::FrameType::data;
    std::uint16_t stream = 0;
    std::uint8_t flags = 0;
    std::uint64_t sequence = 0;
    std::uint64_t epoch = 0;
    std::size_t size = 0;          // of the frame
    std::size_t payload_size = 0;  // of its plaintext, padding included
    // CONTROL and STREAM_CONTROL: the plaintext without padding. May be malformed.
    Bytes messages;
    // DATA that parses: where its bytes lie, and how many there are.
    struct Data {
        std::uint64_t use = 0;
        std::uint64_t offset = 0;
        std::uint64_t back = 0;
        std::size_t size = 0;
    };
    std::optional<Data> data;
};

struct FrameDropped {
    wire::DropReason reason = wire::DropReason::frame_malformed;
    std::size_t size = 0;  // bytes; 0: not known
    // Of what the frame claims to be; absent when it could not be parsed.
    struct Claim {
        wire::FrameType type{};
        std::uint16_t stream = 0;
        std::uint64_t sequence = 0;
        std::uint64_t epoch = 0;
    };
    std::optional<Claim> claim;
};

// Why a frame was declared lost. Spec protocol §10.1, §10.5.
enum class LossCause : std::uint8_t {
    none,
    datagram_threshold,  // one sent three datagrams later was acknowledged
    time_threshold,      // one sent later was acknowledged, and it is overdue
    path_left,           // its path is no longer in use
    evicted,             // the log of sent frames had no more room
};
struct FrameLost {
    wire::FrameType type = wire::FrameType::data;
    std::uint16_t stream = 0;
    std::uint64_t sequence = 0;
    std::size_t size = 0;
    LossCause cause = LossCause::none;
    bool is_mtu_probe = false;
};
// A frame that had been declared lost was acknowledged.
struct LossSpurious {
    std::uint64_t sequence = 0;
};

// Of the path in use.
struct MetricsUpdated {
    Duration rtt_minimum{};
    Duration rtt_smoothed{};
    Duration rtt_latest{};
    Duration rtt_variation{};
    std::uint64_t congestion_window = 0;  // bytes
    std::uint64_t bytes_in_flight = 0;
    std::uint64_t pacing_rate = 0;     // bytes a second
    std::uint64_t probe_timeouts = 0;  // since an acknowledgement

    friend bool operator==(const MetricsUpdated&, const MetricsUpdated&) noexcept = default;
};
struct CongestionStateChanged {
    std::string_view from;  // empty at first
    std::string_view to;
};
enum class EcnState : std::uint8_t { testing, capable, failed };
struct EcnStateChanged {
    EcnState from = EcnState::testing;
    EcnState to = EcnState::testing;
};
// The path MTU, in bytes of a datagram's payload.
struct MtuChanged {
    std::size_t from = 0;
    std::size_t to = 0;
};

// Spec protocol §5.
struct KeyChanged {
    enum class Stage : std::uint8_t { announced, switched, wiped };
    Direction direction = Direction::sent;
    bool is_from_initiator = false;  // whose keys they are
    Stage stage = Stage::announced;
    std::uint64_t epoch = 0;
};

// Spec protocol §11.
struct PathChanged {
    // The last two are of the path in use. Spec protocol §12.2 (c).
    enum class Stage : std::uint8_t { candidate, validated, taken, unreachable, reachable };
    Stage stage = Stage::candidate;
    std::uint32_t number = 0;
    Route remote;
};

struct StreamChanged {
    enum class Stage : std::uint8_t { opened, reset, stopped, expired, closed };
    Stage stage = Stage::opened;
    bool is_local = true;  // done by this side, not by the peer
    std::uint16_t stream = 0;
    std::optional<std::uint64_t> use;
    std::optional<std::uint64_t> code;
};

struct ProbeTimedOut {
    unsigned count = 0;  // since an acknowledgement
};

using Event = std::variant<SessionStarted, ParametersSet, SessionStateChanged, SessionEnded,
                           DatagramMoved, HandshakeMoved, FrameMoved, FrameDropped, FrameLost,
                           LossSpurious, MetricsUpdated, CongestionStateChanged, EcnStateChanged,
                           MtuChanged, KeyChanged, PathChanged, StreamChanged, ProbeTimedOut>;

struct Record {
    Instant at{};
    // None: it is of no session, or of one that is not known yet.
    std::optional<wire::SessionId> session;
    Event event;
};

// Whoever watches. Called inside of the engine: it must not call back into it, and pays with
// the engine's time. Set in ConnectionConfig and EndpointConfig; must outlive what it watches.
class Sink {
public:
    virtual ~Sink() = default;
    virtual void on_event(const Record& record) = 0;

protected:
    Sink() = default;
    Sink(const Sink&) = default;
    Sink& operator=(const Sink&) = default;
};

// Words for logs, such as "time_threshold".
std::string_view name_of(LossCause cause) noexcept;
std::string_view name_of(SessionStage stage) noexcept;
std::string_view name_of(HandshakeMessage message) noexcept;
std::string_view name_of(EcnState state) noexcept;
std::string_view name_of(KeyChanged::Stage stage) noexcept;
std::string_view name_of(PathChanged::Stage stage) noexcept;
std::string_view name_of(StreamChanged::Stage stage) noexcept;

}  // namespace stt::trace
