// The keys of a session's two directions, their epochs, and the keys of streams.
// Spec protocol §5, Spec stc §Stream contexts.
//
// Session key, then direction keys, then stream keys: each is wiped as soon as nothing
// more is derived from it. Copies of keys are never handed out, only references.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <stt/result.hpp>
#include <unordered_map>

#include "core/session/role.hpp"
#include "core/wire/control.hpp"
#include "core/wire/faults.hpp"
#include "core/wire/frame.hpp"
#include "stc/cke.hpp"
#include "stc/dsf.hpp"

namespace stt::session {

using RotationNonce = std::array<std::uint8_t, wire::rotation_nonce_size>;
using StreamKeyCache = std::unordered_map<std::uint16_t, stc::FoldKey>;

// Stream keys that a receiver caches for each epoch. More streams than that work, but
// derive their key for each frame. Chosen, because 4,096 keys of about 250 bytes in three
// epochs take 3 MB, the most that a peer can make a session hold here.
inline constexpr std::size_t receive_stream_key_count_max = 4'096;

// The keys of the direction in which this node sends.
class SendKeys {
public:
    // `from` is this node's role. The session key is only read; SessionKeys wipes it.
    SendKeys(const stc::DerivationKey& session_key, Role from,
             const wire::SessionId& session_id) noexcept;

    std::uint64_t epoch() const noexcept { return epoch_; }

    // The key of a stream in the current epoch, derived on first use. The reference stays
    // good until forget(stream) or commit(). Stream 0 is the control stream. Memory: one key
    // of about 250 bytes for each stream since used and not forgotten.
    const stc::FoldKey& key_of(std::uint16_t stream);
    // Wipes the key of a stream that is closed. A later key_of() derives it again.
    void forget(std::uint16_t stream) noexcept { stream_keys_.erase(stream); }

    // Begins a rotation to epoch() + 1; `nonce` is fresh random bytes. One at a time: a
    // second before commit() breaks an STT_CHECK. Frames go on under the current epoch.
    void prepare(const RotationNonce& nonce) noexcept;
    bool is_rotating() const noexcept { return pending_nonce_.has_value(); }
    // The message to send, and to send again unchanged until it is acknowledged. Only while
    // is_rotating().
    wire::KeyRotation pending() const noexcept;
    // KEY_ROTATION was acknowledged: from here on frames are of the next epoch. The old
    // direction key and all its stream keys are wiped. Only while is_rotating().
    void commit() noexcept;

private:
    wire::SessionId session_id_;
    std::uint64_t epoch_ = 0;
    stc::Key direction_key_;
    StreamKeyCache stream_keys_;
    std::optional<RotationNonce> pending_nonce_;
};

// A key to open one frame with: either borrowed from the cache of ReceiveKeys, or freshly
// derived and owned, because no frame of that stream has opened under it yet.
//
// For a batch: collect one for each frame, take get() of each once they no longer move,
// unfold them together, then confirm() each that opened. get() of a borrowed key is good
// until announce(), wipe_previous() or forget() is called; confirm() does not look at it.
class OpeningKey {
public:
    explicit OpeningKey(const stc::FoldKey* cached) noexcept : cached_(cached) {}
    explicit OpeningKey(stc::FoldKey&& derived) noexcept : derived_(std::move(derived)) {}
    OpeningKey(OpeningKey&&) noexcept = default;
    OpeningKey& operator=(OpeningKey&&) noexcept = default;

    bool is_cached() const noexcept { return cached_ != nullptr; }
    const stc::FoldKey* get() const noexcept { return is_cached() ? cached_ : &*derived_; }

private:
    friend class ReceiveKeys;
    const stc::FoldKey* cached_ = nullptr;
    std::optional<stc::FoldKey> derived_;
};

enum class AnnounceOutcome : std::uint8_t {
    accepted,  // the next epoch's key was derived
    repeated,  // a retransmission: acknowledge, and do nothing
};

// What a receiver holds of one epoch. Not inside its class: clang cannot make an optional of a
// nested class with initialisers before the outer one is complete.
struct Epoch {
    std::uint64_t number = 0;
    std::optional<RotationNonce> nonce;  // that announced it; none for epoch 0
    stc::Key direction_key;
    StreamKeyCache stream_keys;
};

// The keys of the direction in which the peer sends: of the previous epoch while late
// frames may come, of the current one, and of one that was announced. Spec protocol §5.2.
class ReceiveKeys {
public:
    // `from` is the peer's role. The session key is only read; SessionKeys wipes it.
    ReceiveKeys(const stc::DerivationKey& session_key, Role from,
                const wire::SessionId& session_id) noexcept;

    // The epoch of the newest frame that opened.
    std::uint64_t epoch() const noexcept { return current_.number; }
    bool has_previous() const noexcept { return previous_.has_value(); }
    bool has_announced() const noexcept { return announced_.has_value(); }

    // The key for a frame that claims this epoch and stream; nothing changes, and a stranger's
    // frame leaves nothing behind. Drops: epoch_unknown (never announced, or wiped).
    Result<OpeningKey, wire::DropReason> opening_key(std::uint64_t epoch,
                                                     std::uint16_t stream) const noexcept;
    // A frame opened under `key`, which opening_key(epoch, stream) gave: its key enters the
    // cache. No effect when it is there already, the epoch was wiped since, or the cache is
    // full. Do not call it for streams that are closed: nobody would forget() them.
    void confirm(std::uint64_t epoch, std::uint16_t stream, OpeningKey&& key);
    // Wipes the keys of a stream that is closed, in all epochs.
    void forget(std::uint16_t stream) noexcept;

    // To be called for each frame that opened, before its plaintext acts. True when it is the
    // first of the announced epoch, which thereby becomes the current one: the caller then
    // calls wipe_previous() three PTOs later.
    [[nodiscard]] bool frame_opened(std::uint64_t epoch) noexcept;
    void wipe_previous() noexcept { previous_.reset(); }

    // KEY_ROTATION arrived. Accepted: the previous epoch is wiped and the next one's key is
    // derived. Error 2: another nonce for an epoch that is known, or an epoch that is not the
    // one after the current.
    Result<AnnounceOutcome, wire::Violation> announce(const wire::KeyRotation& rotation) noexcept;
    Result<AnnounceOutcome, wire::Violation> announce(std::uint64_t epoch,
                                                      const RotationNonce& nonce) noexcept {
        return announce(wire::KeyRotation{epoch, nonce});
    }

private:
    const Epoch* find(std::uint64_t number) const noexcept;
    Epoch* find(std::uint64_t number) noexcept;

    wire::SessionId session_id_;
    std::optional<Epoch> previous_;
    Epoch current_;
    std::optional<Epoch> announced_;
};

// Both directions of a session. Deriving them consumes the session key: it is wiped.
struct SessionKeys {
    SendKeys send;
    ReceiveKeys receive;

    SessionKeys(stc::Key&& session_key, Role own_role, const wire::SessionId& session_id) noexcept;

private:
    SessionKeys(const stc::DerivationKey& session_key, Role own_role,
                const wire::SessionId& session_id) noexcept;
};

}  // namespace stt::session
