// In which order the handshakes and the sessions of an endpoint send.
#include <doctest/doctest.h>

#include <vector>

#include "tests/unit/core/connection/seeded_endpoint.hpp"

namespace stt::connection {
namespace {

struct Speaker : SeededEndpoint {
    explicit Speaker(std::uint8_t number) : SeededEndpoint(number, config_of(number)) {}
    static EndpointConfig config_of(std::uint8_t number) {
        EndpointConfig config;
        config.identity.fill(number);
        return config;
    }
    // The bytes that leave next; none when there are none.
    std::vector<std::uint8_t> next() {
        std::vector<std::uint8_t> buffer(65'507);
        const auto transmit = endpoint.poll_transmit(moment, buffer);
        buffer.resize(transmit ? transmit->size : 0);
        return buffer;
    }
    void connect() { endpoint.connect(moment, seed, {&peer, 1}); }
    void take(std::vector<std::uint8_t> datagram) {
        REQUIRE_FALSE(datagram.empty());
        CHECK(endpoint.handle_datagrams(moment, peer, datagram, datagram.size(), 0));
    }

    const Route peer = Address::ipv4({10, 0, 0, 1}, 1);
    Moment moment{Instant(Duration(1'000)), 1'700'000'000'000};
};

wire::FrameType type_of(std::vector<std::uint8_t> datagram) {
    const auto frame = wire::parse_frame(datagram);
    REQUIRE(frame.has_value());
    return frame->type;
}

}  // namespace

TEST_CASE("handshakes and sessions take turns to send: an AUTH_PROOF waits for one HELLO at most") {
    constexpr std::size_t count = 20;
    Speaker client(1);
    Speaker server(2);
    for (std::size_t i = 0; i < count; ++i) client.connect();
    for (std::size_t i = 0; i < count; ++i) server.take(client.next());
    REQUIRE(server.endpoint.half_open_count() == count);
    std::vector<std::vector<std::uint8_t>> responses;
    for (std::size_t i = 0; i < count; ++i) responses.push_back(server.next());
    // Each RESPONSE makes a session, and as many handshakes begin.
    for (const auto& response : responses) {
        client.take(response);
        client.connect();
    }
    std::size_t hello_count = 0;
    for (std::size_t proof_count = 0; proof_count < count;) {
        const auto datagram = client.next();
        if (type_of(datagram) == wire::FrameType::auth) {
            ++proof_count;
        } else {
            REQUIRE(type_of(datagram) == wire::FrameType::handshake);
            ++hello_count;
            CHECK(hello_count <= proof_count + 1);
        }
        server.take(datagram);
    }
    CHECK(hello_count >= count - 1);
    CHECK(server.endpoint.half_open_count() == hello_count);
    CHECK(server.endpoint.session_count() == count);
}

}  // namespace stt::connection
