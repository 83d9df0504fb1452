// What the sources of UdpSocket share; nobody else includes it.
#pragma once

#include <array>
#include <transport/udp/file_descriptor.hpp>
#include <transport/udp/send_plan.hpp>
#include <transport/udp/udp_socket.hpp>

namespace stt::transport {

struct UdpSocket::State {
    FileDescriptor descriptor;
    int family = 0;  // AF_INET or AF_INET6
    std::size_t messages_per_call = message_count_max;
    bool has_segmentation_offload = false;
    bool has_receive_offload = false;
    Address local;
    UdpBuffers buffers;
    UdpCounters counters;
    SendPlan plan;
};

}  // namespace stt::transport
