// The UDP sockets of a node: one for each family, or one for both.
#pragma once

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <memory>
#include <optional>
#include <stt/address.hpp>
#include <stt/result.hpp>
#include <system_error>
#include <vector>

#include "base/lifetime.hpp"
#include "core/connection/events.hpp"
#include "node/transport_owner.hpp"
#include "transport/udp/udp_socket.hpp"

namespace stt::node {

class UdpPorts {
public:
    // `received` is room for what comes, which others of the loop may share; it outlives this.
    UdpPorts(asio::io_context& context, TransportOwner& owner, transport::ReceiveBatch& received)
        : context_(context), owner_(owner), received_(received) {}

    // Returns the address bound. Failure::already_listening where there is one for the family.
    Result<Address, std::error_code> listen(const Address& address);
    // The same with a socket that is bound already.
    Result<Address, std::error_code> listen(transport::UdpSocket socket);
    // Binds a socket to any port where none can reach the address.
    Result<void, std::error_code> reach(const Address& address);
    // False: the socket has no room; what is in `transmit` is kept, and nothing may be sent until
    // the owner's next run().
    bool send(const connection::Transmit& transmit, Bytes bytes);
    bool is_blocked() const noexcept { return blocked_.has_value(); }
    void close() { sockets_.clear(); }

private:
    struct Socket {
        Socket(asio::io_context& context, transport::UdpSocket socket_given);
        ~Socket();
        Socket(const Socket&) = delete;
        Socket& operator=(const Socket&) = delete;

        bool serves(const Address& address) const noexcept;

        transport::UdpSocket socket;
        asio::posix::stream_descriptor descriptor;  // borrows the socket's
        Lifetime lifetime;
        // Bursts follow one another so closely that the next is not slept for; see nap_min.
        bool is_in_flow = false;
        Instant emptied_at{};
    };
    // A transmission that the socket had no room for.
    struct Blocked {
        std::vector<std::uint8_t> bytes;
        transport::Outgoing message;
    };

    Result<Socket*, std::error_code> bind(const Address& address);
    Socket* take(transport::UdpSocket socket);
    Socket* socket_for(const Address& address) noexcept;
    void wait_readable(Socket& socket);
    void wait_writable(Socket& socket);
    void receive(Socket& socket);
    std::optional<std::size_t> hand_over(Socket& socket);

    asio::io_context& context_;
    TransportOwner& owner_;
    std::vector<std::unique_ptr<Socket>> sockets_;
    transport::ReceiveBatch& received_;
    std::optional<Blocked> blocked_;
};

}  // namespace stt::node
