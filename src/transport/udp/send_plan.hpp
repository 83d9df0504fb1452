// How outgoing messages are cut into messages of the kernel.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <transport/udp/socket_address.hpp>
#include <transport/udp/udp_socket.hpp>

namespace stt::transport {

struct SendLimits {
    int socket_family = AF_INET;
    std::size_t messages = 1;  // 1 to message_count_max
    std::size_t segments = 1;  // in one message of the kernel: 1 to segment_count_max
};

// One message of the kernel: `size` bytes, from the front of an Outgoing.
struct SendPiece {
    std::size_t size = 0;
    std::size_t segments = 0;
};

// Arguments of sendmmsg(2) with all they point to. It is 18 kB, made once for a socket.
class SendPlan {
public:
    // Plans pieces of `messages` in their order, as many as the limits allow, and stops
    // before a message that cannot be sent: one without data, or of another family than
    // the socket. So none is planned when the first is such a message.
    void make(std::span<const Outgoing> messages, const SendLimits& limits) noexcept;

    std::span<const SendPiece> pieces() const noexcept { return {pieces_.data(), count_}; }
    // As sendmmsg(2) takes them; borrow the data of the messages.
    std::span<mmsghdr> headers() noexcept { return {headers_.data(), count_}; }

private:
    void add(const Outgoing& message, Bytes data, const SocketAddress& to, int family) noexcept;

    // The cmsgs of ECN and of UDP_SEGMENT.
    static constexpr std::size_t control_size =
        CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(std::uint16_t));
    struct alignas(cmsghdr) Control {
        std::array<std::uint8_t, control_size> bytes;
    };

    std::size_t count_ = 0;
    std::array<SendPiece, message_count_max> pieces_;
    std::array<mmsghdr, message_count_max> headers_;
    std::array<iovec, message_count_max> vectors_;
    std::array<SocketAddress, message_count_max> addresses_;
    std::array<Control, message_count_max> controls_;
};

// Takes `piece` from the front of messages[index]; goes to the next message when none is left.
void take_from_front(std::span<Outgoing> messages, std::size_t& index, SendPiece piece) noexcept;

}  // namespace stt::transport
