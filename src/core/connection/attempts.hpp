// Handshakes that this node has begun: several addresses of a peer, raced. Spec protocol §4.3.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string_view>
#include <stt/result.hpp>
#include <stt/time.hpp>
#include <utility>
#include <vector>

#include "base/fifo.hpp"
#include "base/route.hpp"
#include "core/connection/outbox.hpp"
#include "core/handshake/initiator.hpp"
#include "core/handshake/responder.hpp"
#include "stc/random.hpp"

namespace stt::connection {

using AttemptId = std::uint64_t;

// Settable.
struct AttemptConfig {
    // Spec protocol §4.3 (a): the same HELLO again, and giving up, for each address.
    Duration resend_first = std::chrono::milliseconds(250);
    Duration resend_max = std::chrono::seconds(2);
    Duration timeout = std::chrono::seconds(10);
    // From the HELLO to one address until the one to the next (RFC 8305 §5, Connection Attempt
    // Delay). 0: to all at once.
    Duration address_delay = std::chrono::milliseconds(250);
    // About 5 KiB each while it is tried.
    std::size_t address_count_max = 64;
};

// Why an attempt failed. Only what was authentic can say more than "timeout".
enum class ConnectError : std::uint8_t {
    timeout,             // no address answered
    wrong_peer,          // another node than the one that was wanted answered, and it did not
    incompatible,        // what answered holds the seed, and speaks another protocol
    no_address,          // none was given
    too_many_addresses,  // more than address_count_max
    seed_unknown,        // there is no such seed
    seed_removed,        // the seed was removed, or expired, meanwhile
    too_many_sessions,   // session_count_max
    count_,
};
inline constexpr std::size_t connect_error_count = static_cast<std::size_t>(ConnectError::count_);

// A word for logs, such as "wrong_peer".
std::string_view name_of(ConnectError error) noexcept;

// Addresses in the order in which they are tried: families in turn, beginning with the first
// one's, each in the order given (RFC 8305 §4, First Address Family Count of 1).
std::vector<Route> interleaved(std::span<const Route> addresses);

// All attempts of a node. Each tries its addresses one after the other in the order
// of interleaved(), a delay apart, and goes on with all of them until one answers; nothing is sent
// to take leave of the others: at a peer they leave half-open state, which times out.
class Attempts {
public:
    // `random` must outlive this object.
    Attempts(const AttemptConfig& config, const handshake::NodeId& own_node_id,
             const handshake::Capabilities& capabilities, stc::RandomSource& random) noexcept
        : config_(config), node_id_(own_node_id), capabilities_(capabilities), random_(&random) {}

    struct Request {
        handshake::SeedId seed = 0;
        // Borrowed until the attempt has ended.
        const stc::Context* context = nullptr;
        std::span<const Route> addresses;  // 1 to address_count_max
        std::optional<handshake::NodeId> wanted;
    };
    // Both clocks, as handshake timestamps need the wall's.
    struct Time {
        Instant now{};
        std::int64_t unix_ms = 0;
    };
    AttemptId begin(const Time& time, const Request& request, Outbox& outbox);
    // Without effect when it has ended.
    void cancel(AttemptId id);
    // Ends all attempts with a seed, and tells which.
    std::vector<AttemptId> cancel_all_of(handshake::SeedId seed);

    // An answer is for one of these.
    bool is_awaited(const handshake::HandshakeId& id) const noexcept {
        return by_handshake_id_.contains(id);
    }
    struct Won {
        AttemptId attempt = 0;
        std::unique_ptr<handshake::Initiator> initiator;
        Route route;
        std::vector<Route> addresses;  // of the attempt
        handshake::SeedId seed = 0;
        Instant started_at{};
        // From HELLO to RESPONSE; none after a resend, as it is not known which was answered.
        std::optional<Duration> round_trip;
    };
    // A RESPONSE to one of is_awaited(). Taken: the attempt has ended. Drops: those of
    // Initiator::handle_response(), handshake_wrong_address.
    Result<Won, wire::DropReason> handle_response(const Time& time, const Route& from,
                                                  const wire::FrameView& frame,
                                                  handshake::SessionIdInUse is_in_use);

    // A WebSocket closed: nobody answers there any more. What failed is given out by poll_failed().
    void handle_route_closed(const Route& route);
    // Sends what is due. What failed is given out by poll_failed().
    void handle_timeout(const Time& time, Outbox& outbox);
    struct Failed {
        AttemptId attempt = 0;
        ConnectError error = ConnectError::timeout;
    };
    std::optional<Failed> poll_failed();
    std::optional<Instant> poll_timeout() const noexcept;

    std::size_t count() const noexcept { return attempts_.size(); }

private:
    // One address, once its HELLO was sent.
    struct Try {
        std::unique_ptr<handshake::Initiator> initiator;
        Instant started_at{};
        Instant due_at{};  // the next resend, or its end
        Duration interval{};
        unsigned sent_count = 0;
    };
    struct Attempt {
        handshake::SeedId seed = 0;
        const stc::Context* context = nullptr;
        std::optional<handshake::NodeId> wanted;
        std::vector<Route> addresses;
        std::vector<Try> tries;  // of the first addresses
        std::size_t open_count = 0;
        Instant started_at{};
        std::optional<Instant> next_at;  // the next address's turn
        ConnectError error = ConnectError::timeout;
    };
    struct Place {
        AttemptId attempt = 0;
        std::size_t index = 0;  // begin_next: the next address's turn
        friend auto operator<=>(const Place&, const Place&) noexcept = default;
    };
    static constexpr std::size_t begin_next = SIZE_MAX;

    void begin_try(const Time& time, AttemptId id, Attempt& attempt, Outbox& outbox);
    void send_hello(Instant now, const Place& place, Try& one, const Route& to, Outbox& outbox);
    void end_try(const Place& place, Attempt& attempt);
    void note(Attempt& attempt, wire::DropReason reason) noexcept;

    AttemptConfig config_;
    handshake::NodeId node_id_;
    handshake::Capabilities capabilities_;
    stc::RandomSource* random_;
    std::map<AttemptId, Attempt> attempts_;
    std::map<handshake::HandshakeId, Place> by_handshake_id_;
    std::set<std::pair<Instant, Place>> timers_;
    Fifo<Failed> failed_;
    AttemptId next_id_ = 1;
};

}  // namespace stt::connection
