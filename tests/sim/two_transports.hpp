// Two endpoints with a UDP path and a WebSocket between them.
#pragma once

#include <array>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "core/connection/endpoint.hpp"
#include "testing/link.hpp"
#include "testing/pattern.hpp"
#include "testing/seeded_random.hpp"

namespace stt::testing {

// TCP as a session sees it: bytes arrive in order, a rate below them, a queue before that.
struct WebSocketOptions {
    Duration delay = std::chrono::milliseconds(10);
    std::uint64_t rate = 0;  // bytes a second; 0: no limit
    // The sender is told to wait above the first, and to go on below the second. In bytes.
    std::size_t full = 256 << 10;
    std::size_t room = 64 << 10;
    // A bridge behind it: each frame is lost with this chance, and those over 1,472 bytes.
    PerMillion loss = 0;
    bool is_bridge = false;
};

// Node 0 begins. Each writes its bytes to a stream of its own, and reads the other's; the test says
// how many. The same seed and calls give the same run.
class TwoTransports {
public:
    TwoTransports(std::uint64_t seed, const LinkOptions& udp, const WebSocketOptions& websocket);

    // Runs until `done` or the limit of virtual time has passed; true: it was done.
    template <class Done>
    bool run_until(Duration limit, const Done& done) {
        const Instant end = now_ + limit;
        while (!done()) {
            if (!step(end)) return false;
        }
        return true;
    }
    void run_for(Duration time) {
        run_until(time, [] { return false; });
    }

    enum class Way { udp, websocket };
    void connect(Way way);
    bool is_connected() const { return nodes_[0].session != 0 && nodes_[1].session != 0; }
    // From a node to the other: this many more bytes.
    void write(std::size_t from, std::uint64_t size);
    std::uint64_t received(std::size_t at) const { return nodes_[at].received; }
    // All bytes that came were where they belong.
    bool is_whole() const { return nodes_[0].is_whole && nodes_[1].is_whole; }

    // What the node 0 does of its own accord, as PathKeeper would.
    void move_to(Way way);
    Way way(std::size_t node);
    std::size_t moves(std::size_t node) const { return nodes_[node].moves; }
    bool was_silent() const { return nodes_[0].was_silent; }
    void forget_silence() { nodes_[0].was_silent = false; }
    void cut_udp();
    void mend_udp();
    // Breaks the WebSocket that is open, at both ends; a new one has another number.
    void break_websocket();
    bool is_lossy(std::size_t node);

    Instant now() const { return now_; }
    std::uint64_t datagrams() const { return datagrams_; }

private:
    struct Node {
        explicit Node(std::uint64_t seed) : random(seed) {}

        SeededRandom random;
        std::unique_ptr<connection::Endpoint> endpoint;
        handshake::SeedId seed = 0;
        connection::SessionHandle session = 0;
        std::optional<stream::StreamKey> stream;
        std::uint64_t to_write = 0;
        std::uint64_t written = 0;
        std::uint64_t received = 0;
        bool is_whole = true;
        bool was_silent = false;
        std::size_t moves = 0;
        // Of the WebSocket, towards the other node.
        std::deque<std::vector<std::uint8_t>> queue;
        std::size_t queued = 0;
        bool is_full = false;
        Instant free_at{};
    };
    struct Arrival {
        std::size_t to = 0;
        bool is_websocket = false;
        std::uint64_t connection = 0;
        std::uint8_t ecn = 0;
        std::vector<std::uint8_t> bytes;
    };

    bool step(Instant end);
    void drain(std::size_t number);
    void send(std::size_t from, const connection::Transmit& transmit);
    void pump(std::size_t from);
    void deliver(Arrival& arrival);
    void handle(std::size_t number, const connection::EndpointEvent& event);
    void fill(std::size_t number);
    void read(std::size_t number);
    connection::Moment moment() const { return {now_, 1'700'000'000'000}; }
    Route websocket(std::size_t at) const { return {address(1 - at), connection_}; }
    static Address address(std::size_t node);

    SeededRandom random_;
    WebSocketOptions options_;
    std::array<Node, 2> nodes_;
    std::array<Link, 2> udp_;  // from a node to the other
    std::uint64_t connection_ = 1;
    std::multimap<Instant, Arrival> arrivals_;
    std::multimap<Instant, std::size_t> pumps_;  // a node's WebSocket may go on
    std::vector<std::uint8_t> buffer_ = std::vector<std::uint8_t>(65'507);
    Instant now_{std::chrono::seconds(1)};
    std::uint64_t datagrams_ = 0;
};

}  // namespace stt::testing
