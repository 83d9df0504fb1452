// The paths of a session: the one in use, candidates, former ones. Spec protocol §10.5, §11.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <stt/time.hpp>
#include <vector>

#include "base/route.hpp"
#include "core/recovery/loss.hpp"
#include "core/wire/control.hpp"

namespace stt::connection {

// Challenges to one path before it is given up. Spec protocol §11.2 (c).
inline constexpr std::size_t challenge_count_max = 3;
// To an address that is not validated at most so many times the bytes that came from it.
// Spec protocol §11.2 (b).
inline constexpr std::uint64_t amplification_max = 3;
// Candidates and former paths that are kept; beyond that the oldest goes. Chosen: a peer has one
// of each at a time, and what more there is, somebody on the way has made by sending copies
// of its frames from elsewhere. About 1.5 KiB each while they last.
inline constexpr std::size_t candidate_count_max = 3;
inline constexpr std::size_t former_count_max = 2;
// The path in use and one that was replaced when this node's network changed are the others.
static_assert(candidate_count_max + former_count_max + 2 <= recovery::paths_max);

// A path that was left by this side's choice is not taken back for what comes from there, for at
// least so long: the peer needs three PTOs of a second before it has followed or given up. Spec
// protocol §11.4 (c).
inline constexpr Duration choice_hold_min = std::chrono::seconds(5);

// What the session's loss detection is told of a path by this class alone: it adds, takes and
// removes them there. A path that differs from another by its port alone shares the other's
// number, and with it RTT, congestion and MTU (Spec protocol §11.3 (a)).
//
// Everything here costs O(1): six paths at most, whatever a peer or somebody between does.
class PathSet {
public:
    struct Start {
        Route route;
        // False: of an initiator that went on from elsewhere; then what came and went so far.
        bool is_validated = true;
        std::uint64_t bytes_received = 0;
        std::uint64_t bytes_sent = 0;
    };
    // Adds the first path to `loss`, which must outlive this. `config` is for every path but for
    // what its route says.
    PathSet(recovery::LossDetection& loss, const recovery::PathConfig& config, const Start& start,
            Instant now);
    PathSet(const PathSet&) = delete;
    PathSet& operator=(const PathSet&) = delete;

    // ---- the path in use
    const Route& route() const noexcept { return paths_.front().route; }
    recovery::PathNumber number() const noexcept { return paths_.front().number; }
    bool is_validated() const noexcept { return paths_.front().is_validated; }
    // Bytes that may go there: SIZE_MAX once it is validated, 0 when it is closed.
    std::size_t send_limit() const noexcept { return limit_of(paths_.front()); }
    void on_sent(std::size_t size) noexcept { paths_.front().bytes_sent += size; }

    // ---- any route
    // Bytes that may go to a route, null for one that is none of the session's paths, or only kept
    // for when a WebSocket closes.
    std::optional<std::size_t> send_limit(const Route& route) const noexcept;
    void on_sent(const Route& route, std::size_t size) noexcept;
    std::optional<recovery::PathNumber> number_of(const Route& route) const noexcept;
    bool has(const Route& route) const noexcept { return find(route) != nullptr; }
    bool has_websocket(std::uint64_t connection) const noexcept;
    std::size_t count() const noexcept { return paths_.size(); }

    // ---- what happened
    struct Frame {
        std::size_t size = 0;        // bytes on the wire
        std::uint64_t sequence = 0;  // of this frame
        // It has the highest Sequence so far, and holds more than PATH_*, ACK and PADDING.
        bool is_moving = false;
    };
    // A frame opened. Spec protocol §11.1, §11.3 (b). True: another path was taken.
    bool on_frame(Instant now, const Route& from, const Frame& frame);
    // AUTH_PROOF came from another address than its HELLO. Spec protocol §4.2 (c). True: it was
    // taken, because there was no path any more.
    bool add_candidate(Instant now, const Route& from, const Frame& frame);
    struct Response {
        bool is_validated = false;  // the token was of a challenge to that route
        bool is_taken = false;      // and the path was taken
    };
    Response on_response(Instant now, const Route& from, const wire::Token& token);
    // A WebSocket closed. True: it was the path in use, and another was taken.
    bool on_closed(Instant now, const Route& route);
    // This side wants to go on by `route`: its peer is asked there, at once and whatever came from
    // there, and it is taken when it has answered, whatever the path in use brings; for a while
    // nothing from the former path undoes that. Of several that were chosen the first to answer is
    // taken. True: it was taken at once. Spec protocol §11.4.
    bool choose(Instant now, const Route& route);
    bool is_chosen(const Route& route) const noexcept;
    // This node's network changed: what was measured of the path in use says nothing any more.
    void on_network_changed(Instant now);
    void on_timeout(Instant now);
    std::optional<Instant> deadline() const noexcept;

    // ---- challenges
    // Where a PATH_CHALLENGE is due of a frame of at most `size` bytes; null: nowhere.
    std::optional<Route> challenge_due(Instant now, std::size_t size);
    // It was sent, with this token. Bytes are told by on_sent().
    void on_challenge_sent(Instant now, const Route& route, const wire::Token& token);

private:
    struct Path {
        Route route;
        recovery::PathNumber number = 0;
        bool is_validated = false;
        bool is_candidate = false;  // is challenged, and dropped if in vain
        bool is_chosen = false;     // by this side, and not validated yet
        bool is_left = false;       // for one that was chosen: what comes from here moves nothing
        bool is_closed = false;     // only the path in use, and only while there is no other
        std::uint8_t challenge_turns = 0;
        std::uint8_t token_count = 0;
        std::array<wire::Token, challenge_count_max> tokens{};
        std::optional<Instant> challenge_at;  // the next, or after the last the end
        std::optional<Instant> former_until;
        std::uint64_t newest_sequence = 0;  // of the frames that meet §11.1
        std::uint64_t bytes_received = 0;
        std::uint64_t bytes_sent = 0;
    };

    recovery::PathNumber new_number() noexcept;
    static std::size_t limit_of(const Path& path) noexcept;
    Path* find(const Route& route) noexcept;
    const Path* find(const Route& route) const noexcept;
    recovery::PathConfig config_of(const Route& route) const noexcept;
    Duration challenge_interval() const noexcept;
    static void challenge(Path& path, Instant now) noexcept;
    static void end_challenge(Path& path) noexcept;
    void take(Instant now, std::size_t index);
    void remove(Instant now, std::size_t index);
    void make_room(Instant now, bool is_candidate, std::size_t count_max);

    recovery::LossDetection* loss_;
    recovery::PathConfig config_;
    // The one in use first, the others oldest first.
    std::vector<Path> paths_;
    recovery::PathNumber next_number_ = 0;
    // Replaced when this node's network changed; forgotten when what it carried is settled.
    struct Retired {
        recovery::PathNumber number;
        Instant until;
    };
    std::optional<Retired> retired_;
};

}  // namespace stt::connection
