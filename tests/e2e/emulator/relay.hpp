// A path between real sockets that has the qualities one asks for.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <queue>
#include <string>
#include <stt/address.hpp>
#include <stt/time.hpp>
#include <vector>

#include "testing/link.hpp"
#include "tests/e2e/emulator/settings.hpp"
#include "transport/udp/udp_socket.hpp"

namespace stt::emulator {

// Clients that one relay serves; datagrams of further ones are dropped. Chosen: tests have one.
inline constexpr std::size_t client_count_max = 64;
// Bytes under way in all; what is more is dropped. A gigabit for half a second.
inline constexpr std::size_t bytes_waiting_max = 64u << 20;

enum class Direction : std::uint8_t { up, down };
enum class Rebinding : std::uint8_t { port, address };

// Carries datagrams between clients and one server over the simulator's links, in real time.
//
// To the server every client is one socket on loopback, as behind a translator of addresses;
// rebind() gives all of them another port, or another address of 127.0.0.0/8. Which datagrams
// are lost, changed or held back depends on the seed and their order alone.
class Relay {
public:
    // Null when the address cannot be bound.
    static std::unique_ptr<Relay> open(const Address& server, std::uint64_t seed);

    Address local_address() const noexcept { return inward_.local_address(); }
    PathOptions options() const noexcept { return {links_[0].options(), links_[1].options()}; }
    void set_options(const PathOptions& options) noexcept;
    // Nothing is carried until then; what is under way arrives.
    void black_out(Direction direction, Instant until) noexcept {
        black_until_[static_cast<std::size_t>(direction)] = until;
    }
    void rebind(Rebinding kind);

    // Sockets to wait on for reading.
    std::vector<int> descriptors() const;
    void receive(Instant now);
    // Sends what has arrived at its end of the path.
    void release(Instant now);
    std::optional<Instant> next_release() const noexcept;

    // One line of counters and of how late datagrams left, in microseconds.
    std::string statistics() const;

private:
    struct Client {
        Address address;
        std::unique_ptr<transport::UdpSocket> outward;
    };
    // A datagram under way.
    struct Waiting {
        Instant at{};
        std::uint64_t order = 0;  // of equal times the first goes first
        std::size_t client = 0;
        Direction direction = Direction::up;
        std::uint8_t ecn = 0;
        std::vector<std::uint8_t> bytes;

        bool operator>(const Waiting& other) const noexcept {
            return at != other.at ? at > other.at : order > other.order;
        }
    };
    // Datagrams of one size to one place, that leave in one call.
    struct Burst {
        std::size_t client = 0;
        Direction direction = Direction::up;
        std::uint8_t ecn = 0;
        std::size_t segment_size = 0;
        bool is_complete = false;  // its last datagram was a shorter one
        std::vector<std::uint8_t> bytes;
    };

    Relay(const Address& server, transport::UdpSocket inward, std::uint64_t seed);
    std::unique_ptr<transport::UdpSocket> bind_outward() const;
    std::optional<std::size_t> client_of(const Address& address);
    void receive_from(transport::UdpSocket& socket, Instant now, Direction direction,
                      std::size_t client);
    void carry(Instant now, Direction direction, std::size_t client, Bytes datagram,
               std::uint8_t ecn);
    void append(const Waiting& waiting);
    void flush();

    Address server_;
    transport::UdpSocket inward_;
    transport::ReceiveBatch batch_;
    std::vector<Client> clients_;
    std::uint8_t host_number_ = 1;  // outward sockets are on 127.0.0.<this>
    std::array<testing::Link, 2> links_;
    std::array<Instant, 2> black_until_{};
    std::vector<testing::Link::Arrival> arrivals_;
    std::priority_queue<Waiting, std::vector<Waiting>, std::greater<>> waiting_;
    std::size_t bytes_waiting_ = 0;
    std::uint64_t order_ = 0;
    Burst burst_;

    struct Counters {
        std::uint64_t delivered = 0;
        std::uint64_t blacked_out = 0;
        std::uint64_t unsent = 0;  // a socket was full, or too much was under way
        std::uint64_t bursts = 0;
        Duration late_total{};
        Duration late_max{};
    };
    std::array<Counters, 2> counters_{};
};

}  // namespace stt::emulator
