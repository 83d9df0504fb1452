// A path between two nodes that can be cut, and that moves.
#pragma once

#include <array>
#include <asio/io_context.hpp>
#include <asio/ip/udp.hpp>
#include <cstdint>
#include <memory>
#include <stt/address.hpp>

namespace stt::node_test {

// Carries datagrams between one client and the server at `server`, on loopback.
class Relay {
public:
    Relay(asio::io_context& context, const Address& server)
        : context_(context),
          server_(asio::ip::address_v4::loopback(), server.port()),
          inward_(context, Endpoint(asio::ip::address_v4::loopback(), 0)) {
        receive_inward();
        rebind();
    }

    Address address() const {
        return Address::ipv4({127, 0, 0, 1}, inward_.local_endpoint().port());
    }
    void set_cut(bool is_cut) noexcept { is_cut_ = is_cut; }
    // The server sees the client at another port from now on.
    void rebind() {
        outward_ =
            std::make_unique<Socket>(context_, Endpoint(asio::ip::address_v4::loopback(), 0));
        receive_outward();
    }

private:
    using Socket = asio::ip::udp::socket;
    using Endpoint = asio::ip::udp::endpoint;

    void receive_inward() {
        inward_.async_receive_from(asio::buffer(up_), client_,
                                   [this](std::error_code error, std::size_t size) {
                                       if (error) return;
                                       send(*outward_, server_, up_, size);
                                       receive_inward();
                                   });
    }
    void receive_outward() {
        outward_->async_receive(asio::buffer(down_),
                                [this](std::error_code error, std::size_t size) {
                                    if (error) return;
                                    send(inward_, client_, down_, size);
                                    receive_outward();
                                });
    }
    template <class Buffer>
    void send(Socket& socket, const Endpoint& to, const Buffer& buffer, std::size_t size) {
        std::error_code ignored;
        if (!is_cut_) socket.send_to(asio::buffer(buffer.data(), size), to, 0, ignored);
    }

    asio::io_context& context_;
    Endpoint server_;
    Endpoint client_;
    Socket inward_;
    std::unique_ptr<Socket> outward_;
    std::array<std::uint8_t, 2'048> up_;
    std::array<std::uint8_t, 2'048> down_;
    bool is_cut_ = false;
};

}  // namespace stt::node_test
