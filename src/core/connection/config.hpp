// What a session's engine is given. Times are protocol time, sizes bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stt/time.hpp>

#include "core/connection/custom_frames.hpp"
#include "core/connection/padding.hpp"
#include "core/recovery/congestion.hpp"
#include "core/recovery/path_mtu.hpp"
#include "core/stream/stream_kind.hpp"
#include "core/trace/event.hpp"

namespace stt::connection {

// Datagrams are never larger: so the length of a payload takes two bytes at most, and
// a full frame can be made to fill its datagram exactly.
inline constexpr std::size_t datagram_size_limit = 16'000;

// What a WebSocket carries in the place of a datagram, a frame if it can be, several to a message.
// Eight of them fill the largest buffer, and fold side by side.
inline constexpr std::size_t websocket_datagram_size = 8'188;
// With padding: the largest plaintext that Spec protocol §12.1 (b) has there, and room for all that
// a frame has around it.
inline constexpr std::size_t padded_size_max = 16'384;
inline constexpr std::size_t padded_datagram_size = padded_size_max + 64;

// The defaults are the specification's; all are settable.
struct ConnectionConfig {
    // Spec protocol §5.1: a direction's keys are rotated after so much.
    std::uint64_t rotation_bytes = 1'000'000'000;
    std::uint64_t rotation_frames = 100'000;
    Duration rotation_time = std::chrono::seconds(3'600);

    Duration keep_alive = std::chrono::seconds(15);     // Spec protocol §12.2
    Duration idle_timeout = std::chrono::seconds(300);  // Spec protocol §12.2
    // A peer from which nothing came for so long after it was asked is silent, and never before
    // three PTOs have passed: time to see whether another route is open. Chosen: the two probes
    // that a path of 100 ms has in it are seldom both lost by chance.
    Duration silent_after = std::chrono::seconds(1);
    // A peer from which nothing came for so long after it was asked is unreachable; never before
    // three PTOs have passed. Chosen: on a path of 50 ms that is four probes in vain, and a route
    // that changes is back sooner.
    Duration unreachable_after = std::chrono::seconds(4);
    // An unreachable peer is asked this often, so that a session goes on as soon as a path is
    // there again; a PING of under 60 bytes each. At least a millisecond.
    Duration probe_interval_max = std::chrono::seconds(2);
    // An unreachable session ends when nothing authentic came for so long: Spec protocol §12.2.
    // Longer keeps a session for those who sleep.
    Duration resume_timeout = std::chrono::seconds(300);
    // Spec protocol §4.3: resending HELLO and AUTH_PROOF, and giving up.
    Duration handshake_resend_first = std::chrono::milliseconds(250);
    Duration handshake_resend_max = std::chrono::seconds(2);
    Duration handshake_timeout = std::chrono::seconds(10);

    // Spec protocol §13.1; on IPv6 never over 1,452 unless set to another value than 1,472.
    // 1,200 to datagram_size_limit.
    std::size_t datagram_size_max = recovery::datagram_size_ceiling_ipv4;
    recovery::CongestionAlgorithm congestion = recovery::CongestionAlgorithm::bbr;

    // Worst-case memory of a session: session_window_max of unread bytes, send_buffer_max for
    // each stream that is written to, and 9.5 MiB of records of frames in flight.
    std::uint64_t stream_window_max = 16u << 20;
    std::uint64_t session_window_max = 64u << 20;
    std::size_t send_buffer_max = 16u << 20;
    // The largest message that is taken, with its length field; at most 1,048,576. Spec protocol
    // §9.3.
    std::size_t message_size_max = stt::message_size_max;
    // Streams of the peer's that may be open at once, 128 to 32,767: beyond that it waits. Above
    // 128 it is told at the session's start, by a STREAM_LIMIT. Spec protocol §8.1. Each costs
    // 1.6 KiB while nothing waits on it (measured: sim_attacks), and its name.
    std::uint64_t peer_stream_limit = 1'024;

    PaddingPolicy padding = PaddingPolicy::none;  // Spec protocol §12.1
    // Frame types of the application that are kept for it in every session: see receive_custom().
    // May change while there are sessions.
    CustomTypes custom_types;

    // Told what happens; null: nobody watches, and nothing is spent on it. Borrowed.
    trace::Sink* trace = nullptr;
};

}  // namespace stt::connection
