// The responder's side of all handshakes of a node. Spec protocol §4.1, §4.2.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <stt/bytes.hpp>
#include <stt/result.hpp>
#include <stt/time.hpp>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/keyed_hash.hpp"
#include "base/route.hpp"
#include "core/handshake/messages.hpp"
#include "core/handshake/nonce_store.hpp"
#include "core/handshake/rate_limit.hpp"
#include "core/handshake/session_id_in_use.hpp"
#include "core/handshake/shard.hpp"
#include "stc/random.hpp"

namespace stt::handshake {

// The caller's name for a seed.
using SeedId = std::uint64_t;

// A session that became ACTIVE. Move-only: the key is handed over once.
struct Established {
    wire::SessionId session_id{};
    stc::Key session_key;
    NodeId peer_node_id{};
    Capabilities used_capabilities{};
    SeedId seed_id = 0;
    Route hello_source;
    // AUTH_PROOF came from where HELLO did: the path is validated. Else the path is a
    // candidate (§11), as always after establish(), whose caller knows where its frame came
    // from and compares it with hello_source.
    bool is_path_validated = false;
    // FINAL: to be sent now, and again for each AUTH_PROOF whose fingerprint_of() is this one.
    SealedMessage final_message;
    std::optional<Digest32> auth_proof_fingerprint{};  // none after establish()
};

// Settable; the defaults are the specification's.
struct ResponderConfig {
    NodeId own_node_id{};
    Capabilities capabilities{};
    // HELLO's timestamp may be this far from the wall clock. 0: not checked.
    std::chrono::milliseconds timestamp_window{120'000};
    // How long nonces are remembered when timestamps are not checked.
    std::chrono::milliseconds nonce_lifetime_unchecked{120'000};
    std::chrono::microseconds half_open_lifetime{10'000'000};
    std::size_t half_open_count_max = 1'024;  // about 2 KiB each: 2 MiB
    std::size_t nonce_count_max = 65'536;     // about 100 bytes each: 6 MiB
    std::size_t repeat_count_max = 8;         // RESPONSEs beside the first
    RateLimitConfig rate;
    Shard shard;
    // For tables of what peers choose: where there are peers, a secret.
    HashKey hash_key = hash_key_public;
};

// Seeds, the nonces that were seen, and the half-open handshakes of one node, for all of its
// transports.
//
// Who does not know a seed costs one hint for each seed and no memory, and learns nothing:
// every drop is silent. `now` never goes back; `unix_ms` is the wall clock and may.
// What is dropped changes nothing.
class ResponderTable {
public:
    // `random` is borrowed for the life of this object.
    ResponderTable(const ResponderConfig& config, stc::RandomSource& random);

    // A seed whose HELLOs are answered. `context` is borrowed until remove_seed() or the end of
    // this object. False: there is a seed of that id already. Hints are computed in the order
    // of insertion.
    bool add_seed(SeedId id, const stc::Context& context);
    // Its half-open handshakes end. False: no such seed.
    bool remove_seed(SeedId id) noexcept;

    // How many sessions the caller has room for: half-open handshakes may become one each, and
    // no more begin. Without a call there is no such limit.
    void set_session_room(std::size_t count) noexcept { session_room_ = count; }

    // A HANDSHAKE frame of kind seed_with_hint. Gives RESPONSE's frame, of 1,200 bytes, to be
    // sent to `from` and nowhere else; the bytes are good until the next call that is not
    // const. `is_in_use` says whether the caller has a session of that id.
    // Drops: handshake_unexpected (not a HELLO frame), handshake_malformed,
    // handshake_seed_unknown, not_authentic, handshake_version, handshake_own_node,
    // handshake_timestamp, handshake_commitment, handshake_replayed, handshake_wrong_address (a
    // repeat from elsewhere), handshake_repeat_limit, handshake_half_open_limit,
    // handshake_nonce_limit, handshake_rate, handshake_source_rate, session_limit,
    // handshake_session_id_in_use (`is_in_use` says so of every one that is drawn).
    Result<Bytes, wire::DropReason> handle_hello(Instant now, std::int64_t unix_ms,
                                                 const Route& from, const wire::FrameView& frame,
                                                 SessionIdInUse is_in_use);

    // An AUTH frame. Its half-open handshake is consumed when it is good. Drops:
    // handshake_unexpected (no half-open handshake of this Session ID: the caller looks
    // for a repeat among its sessions first), not_authentic, handshake_malformed,
    // handshake_commitment.
    Result<Established, wire::DropReason> handle_auth_proof(Instant now, std::int64_t unix_ms,
                                                            const Route& from,
                                                            const wire::FrameView& frame);

    // For a session's frame that may come before AUTH_PROOF: the key of the half-open session,
    // null when there is none. Good until the next call that is not const.
    const stc::Key* half_open_session_key(const wire::SessionId& session_id) const noexcept;
    // A frame opened under the keys that come from half_open_session_key(): the session is
    // ACTIVE without AUTH_PROOF. Only for a session_id that is half-open.
    Established establish(std::int64_t unix_ms, const wire::SessionId& session_id) noexcept;

    // When the oldest half-open handshake ends; handle_timeout() then forgets it. The other
    // handle_* do the same by themselves.
    std::optional<Instant> poll_timeout() const noexcept;
    void handle_timeout(Instant now) noexcept;

    std::size_t half_open_count() const noexcept { return half_open_.size(); }
    std::size_t nonce_count() const noexcept { return nonces_.count(); }
    std::size_t seed_count() const noexcept { return seeds_.size(); }

private:
    struct Seed {
        SeedId id = 0;
        const stc::Context* context = nullptr;
    };
    struct HalfOpen {
        Seed seed;
        Parties parties;
        Digest32 th2{};
        stc::Key session_key{};
        Capabilities used{};
        Route source;
        Instant expiry;
        Digest32 hello_tag{};
        std::size_t repeat_count = 0;
        std::array<std::uint8_t, padded_frame_size> response_frame{};
    };
    struct OpenedHello;

    Result<OpenedHello, wire::DropReason> open_hello(const wire::FrameView& frame) const;
    Result<void, wire::DropReason> check_hello(const OpenedHello& hello,
                                               std::int64_t unix_ms) const;
    Result<Bytes, wire::DropReason> repeat_response(HalfOpen& half_open, const Route& from,
                                                    const Digest32& tag) noexcept;
    Result<void, wire::DropReason> check_limits(Instant now, const Route& from) const;
    Result<Bytes, wire::DropReason> begin(Instant now, std::int64_t unix_ms, const Route& from,
                                          const OpenedHello& hello, SessionIdInUse is_in_use);
    HalfOpen& keep(const wire::SessionId& session_id, HalfOpen&& half_open);
    std::optional<wire::SessionId> draw_session_id(Parties& parties, SessionIdInUse is_in_use);
    void draw_nonce(Parties& parties);
    std::int64_t nonce_clock_ms(Instant now, std::int64_t unix_ms) const noexcept;
    std::int64_t nonce_expiry_ms(std::int64_t clock_ms, std::int64_t timestamp) const noexcept;
    Established consume(std::int64_t unix_ms, const wire::SessionId& session_id) noexcept;
    void erase(const wire::SessionId& session_id) noexcept;

    ResponderConfig config_;
    stc::RandomSource* random_;
    std::vector<Seed> seeds_;
    std::vector<const stc::Context*> contexts_;  // of seeds_, in their order
    std::size_t session_room_ = SIZE_MAX;
    RateLimit rate_;
    NonceStore nonces_;
    using HalfOpenMap = std::unordered_map<wire::SessionId, HalfOpen, KeyedHash>;
    HalfOpenMap half_open_;
    // Entries of handshakes that have ended, for the next ones.
    std::vector<HalfOpenMap::node_type> spare_;
    std::unordered_map<HandshakeNonce, wire::SessionId, KeyedHash> by_nonce_;
    std::set<std::pair<Instant, wire::SessionId>> by_expiry_;
};

}  // namespace stt::handshake
