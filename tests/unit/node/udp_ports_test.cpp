// What a node's sockets do when the node ends while they serve it.
#include "node/udp_ports.hpp"

#include <doctest/doctest.h>

#include <array>
#include <asio/io_context.hpp>
#include <chrono>
#include <memory>

namespace stt::node {
namespace {

// Ends with the first datagram, as a bridge's flow may.
struct ShortLived final : TransportOwner {
    ShortLived(asio::io_context& context, transport::ReceiveBatch& received,
               std::unique_ptr<ShortLived>& place_given, bool is_busy_given)
        : place(place_given), is_busy(is_busy_given), ports(context, *this, received) {}

    bool handle_datagrams(const Route&, MutableBytes, std::size_t, std::uint8_t) override {
        place.reset();
        return true;
    }
    void run() override {}
    void handle_route_closed(const Route&) override {}
    void set_route_full(const Route&, bool) override {}
    bool carries_session(const Route&) const override { return false; }
    bool is_polling_busily() const override { return is_busy; }
    void log(LogLevel, const std::string&) const override {}

    std::unique_ptr<ShortLived>& place;
    bool is_busy;
    UdpPorts ports;
};

}  // namespace

TEST_CASE("a socket's owner may end in what it is handed, whether it polls busily or sleeps") {
    for (const bool is_busy : {false, true}) {
        CAPTURE(is_busy);
        asio::io_context context(1);
        transport::ReceiveBatch received;
        std::unique_ptr<ShortLived> owner;
        owner = std::make_unique<ShortLived>(context, received, owner, is_busy);
        const auto address = owner->ports.listen(Address::ipv4({127, 0, 0, 1}, 0));
        REQUIRE(address.has_value());
        auto sender = transport::UdpSocket::bind(Address::ipv4({127, 0, 0, 1}, 0));
        REQUIRE(sender.has_value());
        // One of them ends it; the other waits in the same receive, or in the socket.
        constexpr std::array<std::uint8_t, 3> bytes{1, 2, 3};
        std::array<transport::Outgoing, 2> messages{
            {{*address, bytes, bytes.size(), 0}, {*address, bytes, bytes.size(), 0}}};
        REQUIRE(sender->send(messages).has_value());
        context.run_for(std::chrono::seconds(1));
        CHECK(owner == nullptr);
    }
}

}  // namespace stt::node
