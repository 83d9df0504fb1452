// What ReceiveBatch and UdpSocket::receive() share; nobody else includes it.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <transport/udp/receive_batch.hpp>
#include <vector>

namespace stt::transport {

struct ReceiveBatch::State {
    // The cmsgs of ECN and of UDP_GRO, both an int at most.
    struct alignas(cmsghdr) Control {
        std::array<std::uint8_t, 2 * CMSG_SPACE(sizeof(int))> bytes;
    };

    State(std::size_t slot_count, std::size_t slot_size);
    // Makes the first `count` headers ready for recvmmsg(2), which writes into them.
    void prepare(std::size_t count) noexcept;

    std::unique_ptr<std::uint8_t[]> memory;
    std::vector<mmsghdr> headers;
    std::vector<iovec> vectors;
    std::vector<sockaddr_storage> addresses;
    std::vector<Control> controls;
    std::vector<ReceivedDatagrams> received;
};

}  // namespace stt::transport
