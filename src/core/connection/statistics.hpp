// What a session measured and counted so far.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <stt/time.hpp>

#include "core/connection/events.hpp"
#include "core/trace/event.hpp"
#include "core/wire/control.hpp"

namespace stt::connection {

// A copy of the moment: sizes in bytes, rates in bytes a second, counts since the session began.
// What belongs to a path is of the one in use.
struct SessionStatistics {
    // The path. Round trips are the initial assumption until has_rtt_sample.
    bool has_rtt_sample = false;
    Duration rtt_minimum{};
    Duration rtt_smoothed{};
    Duration rtt_latest{};
    Duration rtt_variation{};
    std::size_t path_mtu = 0;
    std::string_view controller;        // a literal, such as "cubic"
    std::string_view controller_state;  // a literal, such as "slow_start"
    std::uint64_t congestion_window = 0;
    std::uint64_t bytes_in_flight = 0;
    std::uint64_t pacing_rate = 0;    // 0: not paced yet
    std::uint64_t delivery_rate = 0;  // of the newest sample
    std::uint64_t congestion_events = 0;
    std::uint64_t probe_timeouts = 0;
    trace::EcnState ecn = trace::EcnState::testing;
    wire::EcnCounts ecn_reported{};               // frames by mark, as the peer last told
    std::optional<wire::EcnCounts> ecn_received;  // as they came; none: no mark was ever seen

    // Frames and bytes on the wire.
    std::uint64_t frames_sent = 0;
    std::uint64_t frames_received = 0;
    std::uint64_t bytes_sent = 0;
    std::uint64_t bytes_received = 0;
    std::uint64_t datagrams_sent = 0;
    std::uint64_t datagrams_received = 0;  // with a frame that opened
    std::uint64_t send_rate = 0;           // smoothed over a second
    std::uint64_t receive_rate = 0;
    std::uint64_t acks_sent = 0;
    std::uint64_t acks_received = 0;
    std::uint64_t frames_lost = 0;
    std::uint64_t bytes_lost = 0;
    std::uint64_t losses_spurious = 0;       // declared lost, and acknowledged later
    std::uint64_t frames_retransmitted = 0;  // DATA with bytes that had been sent before
    std::uint64_t bytes_retransmitted = 0;   // of streams

    // Credit of the session: Spec protocol §9.
    std::uint64_t send_credit_limit = 0;
    std::uint64_t send_credit_used = 0;
    std::uint64_t receive_credit_limit = 0;
    std::uint64_t receive_credit_used = 0;
    std::uint64_t bytes_unread = 0;

    std::size_t streams_open = 0;
    std::uint64_t streams_opened = 0;  // by this side
    std::uint64_t streams_opened_limit = 0;
    std::uint64_t streams_accepted = 0;  // opened by the peer
    std::uint64_t streams_accepted_limit = 0;

    std::uint64_t send_epoch = 0;
    std::uint64_t receive_epoch = 0;
    bool is_rotating = false;

    // What was dropped, by wire::DropReason.
    DropCounters drops{};
    std::uint64_t frames_dropped() const noexcept {
        std::uint64_t sum = 0;
        for (const std::uint64_t count : drops) sum += count;
        return sum;
    }
};

}  // namespace stt::connection
