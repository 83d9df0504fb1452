// What a UDP socket is asked for, and what it says it did.
#pragma once

#include <cstddef>
#include <cstdint>
#include <platform/shared_port.hpp>

namespace stt::transport {

// Segments in one message with segmentation offload: Linux takes 64 before version
// 6.10 and 128 since, so 64 is what every kernel takes.
inline constexpr std::size_t segment_count_max = 64;
// Bytes of UDP payload in one IP packet: 65,535 less the headers of IPv4 and UDP. The
// same bound is kept on IPv6, and for the sum of the segments of one message.
inline constexpr std::size_t udp_payload_size_max = 65'507;
// Messages handed to the kernel in one system call.
inline constexpr std::size_t message_count_max = 64;

struct UdpOptions {
    // Of an address of IPv6: takes no IPv4. Off, "[::]" serves both families.
    bool is_ipv6_only = false;
    // UDP_SEGMENT: one system call and one pass through the stack for many datagrams.
    bool use_segmentation_offload = true;
    // UDP_GRO: datagrams of one sender and size arrive as one.
    bool use_receive_offload = true;
    // sendmmsg and recvmmsg: from 1 to message_count_max. 1 is a call for each message.
    std::size_t messages_per_call = message_count_max;
    // Bytes of socket buffer to ask for. At 10 Gbit/s, 8 MiB are 7 ms of a busy process.
    // The kernel may grant less: UdpSocket::buffers() tells.
    std::size_t receive_buffer_size = 8u << 20;
    std::size_t send_buffer_size = 4u << 20;
    platform::PortUse port_use = platform::PortUse::alone;
};

// Bytes of socket buffer that the kernel granted.
struct UdpBuffers {
    std::size_t receive_size = 0;
    std::size_t send_size = 0;
};

// Counts since bind(). Datagrams are what travels: segments, not messages.
struct UdpCounters {
    std::uint64_t datagrams_sent = 0;
    std::uint64_t bytes_sent = 0;
    std::uint64_t send_calls = 0;
    std::uint64_t datagrams_too_large = 0;    // for the interface: counted as lost on the way
    std::uint64_t datagrams_unreachable = 0;  // no route, refused, filtered, wrong family
    std::uint64_t offload_failures = 0;       // segmentation offload was given up (0 or 1)
    std::uint64_t datagrams_received = 0;
    std::uint64_t bytes_received = 0;
    std::uint64_t receive_calls = 0;
    std::uint64_t messages_truncated = 0;  // longer than a slot: dropped
    std::uint64_t datagrams_empty = 0;     // of 0 bytes: dropped
};

}  // namespace stt::transport
