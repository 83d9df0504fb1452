// What a congestion controller is told and asked. Spec protocol §10.4.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <stt/congestion.hpp>
#include <stt/time.hpp>

namespace stt::recovery {

// RFC 9002 §7.2, in datagrams.
inline constexpr std::size_t window_initial_datagrams = 10;
inline constexpr std::size_t window_min_datagrams = 2;
// A window cannot be used beyond the session's credit, whose cap is 64 MiB (Spec protocol
// §9.2); growing further would only make the first loss worse.
inline constexpr std::size_t window_max_bytes = std::size_t{64} << 20;

// How fast the path delivered between two points of one flight
// (draft-cheng-iccrg-delivery-rate-estimation). `interval` is zero when there is no sample.
struct RateSample {
    std::uint64_t bytes = 0;  // delivered within `interval`
    Duration interval{};
    // Of the newest frame acknowledged: the path's total delivered when it was sent, the bytes in
    // flight then, itself among them, and the bytes that were declared lost since.
    std::uint64_t delivered_before = 0;
    std::uint64_t in_flight = 0;
    std::uint64_t lost = 0;
    bool is_app_limited = false;

    std::uint64_t bytes_per_second() const noexcept;  // 0 without a sample
};

// One ACK's news of one path.
struct AckSample {
    Instant now{};
    std::size_t bytes = 0;                // newly acknowledged, in flight before
    std::size_t bytes_past_recovery = 0;  // of these, sent after the last congestion event began
    std::size_t in_flight_before = 0;     // bytes, before this ACK
    std::size_t in_flight = 0;            // bytes, after it and after its losses
    // The sender used the window up (in slow start: half of it) within the last round. If
    // false the window must not grow (RFC 9002 §7.8).
    bool is_window_limited = false;
    std::optional<Duration> round_trip;  // this ACK's sample
    Duration round_trip_smoothed{};
    Duration round_trip_minimum{};
    std::uint64_t datagram = 0;       // the newest datagram newly acknowledged
    std::uint64_t datagram_next = 0;  // the number that the next one sent gets
    std::uint64_t delivered = 0;      // bytes, on the path, in all
    RateSample rate;
};

struct CongestionEvent {
    enum class Cause : std::uint8_t { loss, ecn };
    Instant now{};
    Cause cause = Cause::loss;
    Instant sent_at{};          // of the newest frame lost, or marked
    std::size_t in_flight = 0;  // bytes, without what was lost
};

struct LossSample {
    Instant now{};
    std::size_t bytes = 0;        // declared lost together
    std::size_t in_flight = 0;    // bytes, without them
    std::uint64_t delivered = 0;  // bytes, on the path, in all
    // Of the newest frame of these: bytes in flight when it was sent, itself among them, and
    // bytes declared lost since then, these among them.
    std::uint64_t in_flight_when_sent = 0;
    std::uint64_t lost_since_sent = 0;
};

// Decides how many bytes may be in flight on one path. Bytes are those of whole frames.
//
// The path sees to recovery epochs (RFC 9002 §7.3.2): on_congestion_event() is called once for
// each, at the first loss or CE mark of a frame sent after the last epoch began. MTU
// probes never count as lost here.
class CongestionController {
public:
    virtual ~CongestionController() = default;

    virtual std::string_view name() const noexcept = 0;
    // Bytes that may be in flight: at least 2 datagrams, at most window_max_bytes.
    virtual std::size_t window() const noexcept = 0;
    virtual bool is_in_slow_start() const noexcept = 0;
    // A word for what it is doing; for traces.
    virtual std::string_view state() const noexcept {
        return is_in_slow_start() ? "slow_start" : "congestion_avoidance";
    }
    // Bytes a second; null: the pacer derives it from window and round trip.
    virtual std::optional<std::uint64_t> pacing_rate() const noexcept { return std::nullopt; }

    // It sends less than the path carries, to measure: what arrives now says nothing of the rate.
    virtual bool is_holding_back() const noexcept { return false; }

    virtual void on_sent(Instant /*now*/, std::size_t /*bytes*/, std::size_t /*in_flight*/) {}
    virtual void on_acked(const AckSample& sample) = 0;
    // Every batch of losses, before the event that it may be.
    virtual void on_lost(const LossSample& /*sample*/) {}
    virtual void on_congestion_event(const CongestionEvent& event) = 0;
    // After on_congestion_event(): the losses span three probe timeouts (RFC 9002 §7.6).
    virtual void on_persistent_congestion(Instant now) = 0;
    // Every loss of the current epoch proved spurious: the reduction may be undone.
    virtual void on_spurious_congestion(Instant now) = 0;
    // The path's datagrams have this size from now on (RFC 9002 §7.2). Bytes.
    virtual void set_datagram_size(std::size_t size) = 0;

protected:
    CongestionController() = default;
    CongestionController(const CongestionController&) = default;
    CongestionController& operator=(const CongestionController&) = default;
};

// Cubic and new_reno take loss for congestion; bbr builds a model of the path; background yields
// to whoever else is there.
using stt::CongestionAlgorithm;

std::unique_ptr<CongestionController> make_congestion_controller(CongestionAlgorithm algorithm,
                                                                 std::size_t datagram_size);

}  // namespace stt::recovery
