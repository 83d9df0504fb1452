// What a node that is one shard of several has to do with the others: it hands over frames that
// came to the wrong one, and joins sessions and WebSockets of different shards. Spec protocol §4.1
// (j).
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "core/connection/endpoint.hpp"
#include "node/shard_mail.hpp"
#include "node/transport_owner.hpp"
#include "node/websocket_ports.hpp"

namespace stt::node {

// Which shard a node is; without `mail` it is none, and alone.
struct ShardSeat {
    std::size_t index = 0;
    std::size_t count = 1;
    ShardMail* mail = nullptr;  // outlives the node

    // Numbers of WebSockets, in all shards different, tell whose they are.
    std::uint64_t first_number() const noexcept { return index + count; }
    std::size_t shard_of(const Route& websocket) const noexcept {
        return static_cast<std::size_t>(websocket.connection % count);
    }
};

// Kinds of records.
enum class ShardRecord : std::uint8_t {
    frames,   // to their session's shard
    message,  // to a WebSocket's, to be sent
    // Whether a WebSocket carries sessions of the shard that tells.
    in_use,
    unused,
    // The state of a WebSocket, to those that use it.
    has_room,
    has_no_room,
    has_closed,
};

// All of it runs on the shard's thread. The other side of a WebSocket that is not this shard's is
// spoken to by records; each side tells the other the state that it has when there is room for the
// record, so that none is lost and none waits but by its number.
class ShardExchange final : public connection::StraySink {
public:
    // Refers to the last three when it is first called.
    ShardExchange(const ShardSeat& seat, TransportOwner& owner, connection::Endpoint& endpoint,
                  WebSocketPorts& websockets)
        : seat_(seat),
          owner_(owner),
          endpoint_(endpoint),
          websockets_(websockets),
          waiting_(seat.count) {}

    void take_stray(std::size_t shard, const Route& from, Bytes frames, std::uint8_t ecn) override;
    // All that others sent.
    void take_mail();

    bool is_elsewhere(const Route& route) const noexcept {
        return route.is_reliable() && seat_.shard_of(route) != seat_.index;
    }
    // A message for a WebSocket of another shard.
    void send(const Route& route, Bytes message);
    // The last session of this shard on a WebSocket of any is gone.
    void release(const Route& route);

    // Of this shard's own WebSockets.
    void handle_closed(const Route& route);
    void handle_full_changed(const Route& route);
    bool is_used_elsewhere(const Route& route) const { return users_.contains(route.connection); }

    // What is counted: a session that a peer began, and how many there are at the end of a turn.
    void count_accepted() noexcept;
    void count_sessions() noexcept;
    // The node is closing and has sent all. False: others may still send by its WebSockets.
    bool finish();

private:
    using Connection = std::uint64_t;
    // Why a WebSocket of another shard takes nothing now.
    struct Full {
        bool by_socket = false;
        bool by_mail = false;
    };

    // What a peer's WebSocket brought for a shard that has no room.
    struct Waiting {
        Route from;
        std::vector<std::uint8_t> frames;
    };

    void drain();
    bool send_frames(std::size_t shard, const Route& from, Bytes frames, std::uint8_t ecn);
    void send_waiting();
    void handle_frames(const Route& from, MutableBytes frames, std::uint8_t ecn);
    void handle_use(std::size_t user, const Route& route, bool is_used);
    void handle_state(const Route& route, ShardRecord state);
    void tell_use(const Route& route);
    void tell_state(std::size_t user, const Route& route);
    void tell(std::size_t to, ShardRecord kind, const Route& route);
    void tell_again();
    void find_room();
    void set_full(const Route& route, Full full);
    void set_full_by_mail(std::size_t shard);

    ShardSeat seat_;
    TransportOwner& owner_;
    connection::Endpoint& endpoint_;
    WebSocketPorts& websockets_;
    // Shards that have sessions on a WebSocket of this one.
    std::map<Connection, std::set<std::size_t>> users_;
    // WebSockets of others that carry sessions of this one, and those that are full.
    std::set<Connection> carriers_;
    std::map<Connection, Full> full_;
    // By shard. While something waits, its WebSocket is not read: so no more than one read of each,
    // of transport::read_room_size.
    std::vector<std::deque<Waiting>> waiting_;
    // What could not be told for want of room: the WebSocket, by the shard to be told and its
    // number.
    std::map<std::pair<std::size_t, Connection>, Route> untold_;
    bool is_finished_ = false;
};

}  // namespace stt::node
