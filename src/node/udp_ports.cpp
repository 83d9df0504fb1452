#include "node/udp_ports.hpp"

#include <asio/post.hpp>
#include <stt/failure.hpp>

#include "node/nap.hpp"
#include "platform/clock.hpp"

namespace stt::node {
namespace {

// Receives of up to 512 KiB before sending has its turn. Chosen: a few hundred microseconds at
// 10 Gbit/s.
constexpr int receives_per_turn = 4;
// Looks at a socket before timers and other descriptors have their turn, when polling busily.
// Chosen: a few microseconds, so that what the loop does in between is little of the time.
constexpr int looks_per_turn = 16;

}  // namespace

UdpPorts::Socket::Socket(asio::io_context& context, transport::UdpSocket socket_given)
    : socket(std::move(socket_given)), descriptor(context, socket.native_handle()) {}

UdpPorts::Socket::~Socket() {
    descriptor.release();
}

bool UdpPorts::Socket::serves(const Address& address) const noexcept {
    const auto family = socket.local_address().family();
    // A socket on "[::]" takes both families.
    const bool is_dual = socket.local_address().with_port(0) == Address::ipv6({}, 0);
    return family == address.family() || is_dual;
}

Result<UdpPorts::Socket*, std::error_code> UdpPorts::bind(const Address& address) {
    STT_TRY(transport::UdpSocket socket, transport::UdpSocket::bind(address));
    return take(std::move(socket));
}

UdpPorts::Socket* UdpPorts::take(transport::UdpSocket socket) {
    sockets_.push_back(std::make_unique<Socket>(context_, std::move(socket)));
    Socket& bound = *sockets_.back();
    const auto buffers = bound.socket.buffers();
    owner_.log(LogLevel::debug, "bound " + bound.socket.local_address().to_string() +
                                    ", receive buffer " + std::to_string(buffers.receive_size) +
                                    " bytes, offload " +
                                    (bound.socket.has_segmentation_offload() ? "GSO " : "no GSO ") +
                                    (bound.socket.has_receive_offload() ? "GRO" : "no GRO"));
    wait_readable(bound);
    return &bound;
}

Result<Address, std::error_code> UdpPorts::listen(transport::UdpSocket socket) {
    if (socket_for(socket.local_address()) != nullptr) {
        return Unexpected(make_error_code(Failure::already_listening));
    }
    return take(std::move(socket))->socket.local_address();
}

Result<Address, std::error_code> UdpPorts::listen(const Address& address) {
    // Which of two sockets of one family a peer spoke to would be lost on the way back.
    if (socket_for(address) != nullptr) {
        return Unexpected(make_error_code(Failure::already_listening));
    }
    STT_TRY(const Socket* socket, bind(address));
    return socket->socket.local_address();
}

Result<void, std::error_code> UdpPorts::reach(const Address& address) {
    if (socket_for(address) != nullptr) return {};
    const bool is_ipv6 = address.family() == Address::Family::ipv6;
    STT_TRY_VOID(bind(is_ipv6 ? Address::ipv6({}, 0) : Address::ipv4({}, 0)));
    return {};
}

UdpPorts::Socket* UdpPorts::socket_for(const Address& address) noexcept {
    for (const auto& socket : sockets_) {
        if (socket->serves(address)) return socket.get();
    }
    return nullptr;
}

void UdpPorts::wait_readable(Socket& socket) {
    socket.descriptor.async_wait(
        asio::posix::stream_descriptor::wait_read,
        [this, &socket, watch = socket.lifetime.watch()](std::error_code error) {
            if (error || watch.is_over()) return;
            receive(socket);
        });
}

// Gives the owner what has come, and returns its bytes; null: the socket is gone.
std::optional<std::size_t> UdpPorts::hand_over(Socket& socket) {
    const Lifetime::Watch watch = socket.lifetime.watch();
    std::size_t size = 0;
    bool more = true;
    for (int turn = 0; more && turn < receives_per_turn; ++turn) {
        const auto outcome = socket.socket.receive(received_);
        if (!outcome) {
            owner_.log(LogLevel::warning, "receiving failed: " + outcome.error().message());
            break;
        }
        for (const auto& datagrams : outcome->datagrams) {
            size += datagrams.data.size();
            owner_.handle_datagrams(datagrams.from, datagrams.data, datagrams.segment_size,
                                    datagrams.ecn);
            // It may have been the last that anybody wanted here.
            if (watch.is_over()) return std::nullopt;
        }
        more = outcome->more;
    }
    return size;
}

void UdpPorts::receive(Socket& socket) {
    const Lifetime::Watch watch = socket.lifetime.watch();
    const Instant begun = platform::now();
    std::optional<std::size_t> size = hand_over(socket);
    for (int look = 1; size == 0 && look < looks_per_turn && owner_.is_polling_busily(); ++look) {
        size = hand_over(socket);
    }
    // With the socket this object and its owner may be gone.
    if (!size) return;
    if (*size > 0) owner_.run();
    if (watch.is_over()) return;
    const Instant ended = platform::now();
    if (*size > 0) {
        socket.is_in_flow = *size >= flow_burst_min && begun - socket.emptied_at <= nap_min;
        socket.emptied_at = ended;
    }
    socket.is_in_flow = socket.is_in_flow && ended - socket.emptied_at <= nap_min;
    if (!socket.is_in_flow && !owner_.is_polling_busily()) return wait_readable(socket);
    asio::post(context_, [this, &socket, watch] {
        if (!watch.is_over()) receive(socket);
    });
}

bool UdpPorts::send(const connection::Transmit& transmit, Bytes bytes) {
    Socket* const socket = socket_for(transmit.to.address);
    if (socket == nullptr) return true;
    transport::Outgoing message{transmit.to.address, bytes, transmit.segment_size, transmit.ecn};
    const auto outcome = socket->socket.send({&message, 1});
    if (!outcome) {
        owner_.log(LogLevel::warning, "sending failed: " + outcome.error().message());
        return true;
    }
    if (!outcome->would_block) return true;
    blocked_.emplace();
    blocked_->bytes.assign(message.data.begin(), message.data.end());
    blocked_->message = message;
    blocked_->message.data = blocked_->bytes;
    wait_writable(*socket);
    return false;
}

void UdpPorts::wait_writable(Socket& socket) {
    socket.descriptor.async_wait(
        asio::posix::stream_descriptor::wait_write,
        [this, &socket, watch = socket.lifetime.watch()](std::error_code error) {
            if (error || watch.is_over() || !blocked_) return;
            const auto outcome = socket.socket.send({&blocked_->message, 1});
            if (outcome && outcome->would_block) return wait_writable(socket);
            blocked_.reset();
            owner_.run();
        });
}

}  // namespace stt::node
