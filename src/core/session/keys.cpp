#include "core/session/keys.hpp"

#include <stt/check.hpp>
#include <utility>

#include "codec/dict_encoder.hpp"
#include "stc/pcf.hpp"

namespace stt::session {
namespace {

// direction_key[0]. Spec stc §Stream contexts.
stc::Key direction_key_of(const stc::DerivationKey& session_key, Role from) noexcept {
    codec::ContextDict context;
    context.string("from", from == Role::initiator ? "initiator" : "responder")
        .string("purpose", "direction");
    return session_key.derive_key(context.encoded());
}

// stream_key[e][s] from direction_key[e]. Spec stc §Stream contexts.
stc::FoldKey stream_key_of(const stc::Key& direction_key, const wire::SessionId& session_id,
                           std::uint16_t stream) noexcept {
    codec::ContextDict context;
    context.string("purpose", "stream")
        .bytes("session_id", session_id)
        .integer("stream_id", stream);
    return stc::FoldKey(stc::DerivationKey(direction_key).derive_key(context.encoded()));
}

}  // namespace

SendKeys::SendKeys(const stc::DerivationKey& session_key, Role from,
                   const wire::SessionId& session_id) noexcept
    : session_id_(session_id), direction_key_(direction_key_of(session_key, from)) {}

const stc::FoldKey& SendKeys::key_of(std::uint16_t stream) {
    const auto cached = stream_keys_.find(stream);
    if (cached != stream_keys_.end()) return cached->second;
    return stream_keys_.emplace(stream, stream_key_of(direction_key_, session_id_, stream))
        .first->second;
}

void SendKeys::prepare(const RotationNonce& nonce) noexcept {
    STT_CHECK(!is_rotating());
    pending_nonce_ = nonce;
}

wire::KeyRotation SendKeys::pending() const noexcept {
    STT_CHECK(is_rotating());
    return {epoch_ + 1, *pending_nonce_};
}

void SendKeys::commit() noexcept {
    const wire::KeyRotation rotation = pending();
    // The assignment leaves nothing of the old key.
    direction_key_ = stc::rotate(direction_key_, rotation.nonce, rotation.epoch);
    epoch_ = rotation.epoch;
    stream_keys_.clear();
    pending_nonce_.reset();
}

ReceiveKeys::ReceiveKeys(const stc::DerivationKey& session_key, Role from,
                         const wire::SessionId& session_id) noexcept
    : session_id_(session_id) {
    current_.direction_key = direction_key_of(session_key, from);
}

const Epoch* ReceiveKeys::find(std::uint64_t number) const noexcept {
    if (number == current_.number) return &current_;
    if (previous_ && number == previous_->number) return &*previous_;
    if (announced_ && number == announced_->number) return &*announced_;
    return nullptr;
}

Epoch* ReceiveKeys::find(std::uint64_t number) noexcept {
    return const_cast<Epoch*>(std::as_const(*this).find(number));
}

Result<OpeningKey, wire::DropReason> ReceiveKeys::opening_key(std::uint64_t epoch,
                                                              std::uint16_t stream) const noexcept {
    const Epoch* const keys = find(epoch);
    if (keys == nullptr) return Unexpected(wire::DropReason::epoch_unknown);
    const auto cached = keys->stream_keys.find(stream);
    if (cached != keys->stream_keys.end()) return OpeningKey(&cached->second);
    return OpeningKey(stream_key_of(keys->direction_key, session_id_, stream));
}

void ReceiveKeys::confirm(std::uint64_t epoch, std::uint16_t stream, OpeningKey&& key) {
    Epoch* const keys = find(epoch);
    if (keys == nullptr || !key.derived_) return;
    if (keys->stream_keys.size() >= receive_stream_key_count_max) return;
    keys->stream_keys.try_emplace(stream, *std::move(key.derived_));
}

void ReceiveKeys::forget(std::uint16_t stream) noexcept {
    current_.stream_keys.erase(stream);
    if (previous_) previous_->stream_keys.erase(stream);
    if (announced_) announced_->stream_keys.erase(stream);
}

bool ReceiveKeys::frame_opened(std::uint64_t epoch) noexcept {
    if (!announced_ || epoch != announced_->number) return false;
    previous_ = std::move(current_);
    current_ = *std::move(announced_);
    announced_.reset();
    return true;
}

Result<AnnounceOutcome, wire::Violation> ReceiveKeys::announce(
    const wire::KeyRotation& rotation) noexcept {
    if (const Epoch* const known = find(rotation.epoch)) {
        if (known->nonce == rotation.nonce) return AnnounceOutcome::repeated;
        return Unexpected(
            wire::Violation(ErrorCode::crypto, "KEY_ROTATION with another nonce for its epoch"));
    }
    // While one is announced, it is the one after the current: nothing else is left to accept.
    if (announced_ || rotation.epoch != current_.number + 1) {
        return Unexpected(wire::Violation(ErrorCode::crypto, "KEY_ROTATION to a wrong epoch"));
    }
    previous_.reset();
    announced_.emplace();
    announced_->number = rotation.epoch;
    announced_->nonce = rotation.nonce;
    announced_->direction_key = stc::rotate(current_.direction_key, rotation.nonce, rotation.epoch);
    return AnnounceOutcome::accepted;
}

SessionKeys::SessionKeys(const stc::DerivationKey& session_key, Role own_role,
                         const wire::SessionId& session_id) noexcept
    : send(session_key, own_role, session_id),
      receive(session_key, opposite(own_role), session_id) {}

SessionKeys::SessionKeys(stc::Key&& session_key, Role own_role,
                         const wire::SessionId& session_id) noexcept
    : SessionKeys(stc::DerivationKey(session_key), own_role, session_id) {
    wipe(session_key.mutable_bytes());
}

}  // namespace stt::session
