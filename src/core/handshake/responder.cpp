#include "core/handshake/responder.hpp"

#include <algorithm>
#include <chrono>
#include <limits>
#include <stt/check.hpp>

#include "base/byte_order.hpp"
#include "stc/dsf.hpp"

namespace stt::handshake {

using wire::DropReason;

namespace {

// A session_id that is taken has a chance of one in 2^64: over this many draws in a row the
// caller's predicate is broken, and no draw will ever do.
constexpr int nonce_draw_count_max = 16;
// Hints computed side by side before they are compared. Chosen: what the widest kernel takes.
constexpr std::size_t hints_at_once = 8;
// Entries kept for the next handshakes, 1.5 KiB each. Chosen: a burst of one receive's HELLOs.
constexpr std::size_t spare_count_max = 256;

std::int64_t saturated_sum(std::int64_t a, std::int64_t b) noexcept {
    constexpr std::int64_t largest = std::numeric_limits<std::int64_t>::max();
    return a > largest - b ? largest : a + b;  // b is a configured duration: not negative
}

// |a - b|, for any two.
std::uint64_t distance(std::int64_t a, std::int64_t b) noexcept {
    const auto [low, high] = std::minmax(a, b);
    return static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low);
}

}  // namespace

// A HELLO that opened under a seed, and its fields.
struct ResponderTable::OpenedHello {
    Seed seed;
    OpenedMessage message;
    Hello fields;
    HandshakeId handshake_id{};
    Digest32 tag{};
};

ResponderTable::ResponderTable(const ResponderConfig& config, stc::RandomSource& random)
    : config_(config),
      random_(&random),
      rate_(config.rate),
      nonces_(config.nonce_count_max, config.hash_key),
      half_open_(0, KeyedHash(config.hash_key)),
      by_nonce_(0, KeyedHash(config.hash_key)) {
    STT_CHECK(config.timestamp_window.count() >= 0);
    STT_CHECK(config.nonce_lifetime_unchecked.count() >= 0);
    STT_CHECK(config.shard.index < config.shard.count && config.shard.count <= shard_count_max);
}

bool ResponderTable::add_seed(SeedId id, const stc::Context& context) {
    const bool is_known =
        std::any_of(seeds_.begin(), seeds_.end(), [&](const Seed& seed) { return seed.id == id; });
    if (is_known) return false;
    seeds_.push_back({id, &context});
    contexts_.push_back(&context);
    return true;
}

bool ResponderTable::remove_seed(SeedId id) noexcept {
    const auto removed =
        std::find_if(seeds_.begin(), seeds_.end(), [&](const Seed& seed) { return seed.id == id; });
    if (removed == seeds_.end()) return false;
    contexts_.erase(contexts_.begin() + (removed - seeds_.begin()));
    seeds_.erase(removed);
    for (auto entry = half_open_.begin(); entry != half_open_.end();) {
        const auto next = std::next(entry);
        if (entry->second.seed.id == id) erase(entry->first);
        entry = next;
    }
    return true;
}

Result<Bytes, DropReason> ResponderTable::handle_hello(Instant now, std::int64_t unix_ms,
                                                       const Route& from,
                                                       const wire::FrameView& frame,
                                                       SessionIdInUse is_in_use) {
    handle_timeout(now);
    nonces_.expire(nonce_clock_ms(now, unix_ms));
    STT_TRY(const OpenedHello hello, open_hello(frame));
    STT_TRY_VOID(check_hello(hello, unix_ms));

    const auto repeated = by_nonce_.find(hello.fields.nonce);
    if (repeated != by_nonce_.end()) {
        return repeat_response(half_open_.at(repeated->second), from, hello.tag);
    }
    if (nonces_.contains(hello.fields.nonce)) return Unexpected(DropReason::handshake_replayed);
    return begin(now, unix_ms, from, hello, is_in_use);
}

// Allocates nothing before the frame has opened: until then anybody may have sent it.
Result<ResponderTable::OpenedHello, DropReason> ResponderTable::open_hello(
    const wire::FrameView& frame) const {
    const bool is_hello = frame.type == wire::FrameType::handshake &&
                          frame.kind == wire::MetadataKind::seed_with_hint;
    if (!is_hello) return Unexpected(DropReason::handshake_unexpected);
    // A shorter question would get an answer larger than itself. Spec protocol §4.
    if (frame.size != padded_frame_size) return Unexpected(DropReason::handshake_malformed);

    const auto nonce = frame.nonce.first<stc::nonce_size>();
    DropReason reason = DropReason::handshake_seed_unknown;
    std::array<stc::SeedHint, hints_at_once> hints;
    for (std::size_t i = 0; i < seeds_.size(); ++i) {
        if (i % hints_at_once == 0) {
            const std::size_t count = std::min(seeds_.size() - i, hints_at_once);
            stc::Context::seed_hints(std::span(contexts_).subspan(i, count), nonce,
                                     std::span(hints).first(count));
        }
        const Seed& seed = seeds_[i];
        const stc::SeedHint& hint = hints[i % hints_at_once];
        if (!std::equal(hint.begin(), hint.end(), frame.hint.begin(), frame.hint.end())) continue;
        auto opened = OpenedMessage::open(*seed.context, frame);
        if (!opened) {
            reason = opened.error();
            continue;
        }
        STT_TRY(Hello fields, parse_hello(opened->dict()));
        OpenedHello hello{.seed = seed,
                          .message = *std::move(opened),
                          .fields = fields,
                          .handshake_id = frame.session_id};
        std::copy(frame.tag.begin(), frame.tag.end(), hello.tag.begin());
        return hello;
    }
    return Unexpected(reason);
}

Result<void, DropReason> ResponderTable::check_hello(const OpenedHello& hello,
                                                     std::int64_t unix_ms) const {
    if (hello.fields.node_id == config_.own_node_id) {
        return Unexpected(DropReason::handshake_own_node);
    }
    const auto window = static_cast<std::uint64_t>(config_.timestamp_window.count());
    if (window > 0) {
        if (distance(unix_ms, hello.fields.timestamp) > window) {
            return Unexpected(DropReason::handshake_timestamp);
        }
        // The clock was set back to a time whose nonces are no longer kept.
        if (nonces_.is_given_up(nonce_expiry_ms(unix_ms, hello.fields.timestamp))) {
            return Unexpected(DropReason::handshake_timestamp);
        }
    }
    if (!is_commitment_good(*hello.seed.context, hello.fields)) {
        return Unexpected(DropReason::handshake_commitment);
    }
    return {};
}

// The frame opened, and its tag commits to all of it: an equal tag is the same HELLO.
Result<Bytes, DropReason> ResponderTable::repeat_response(HalfOpen& half_open, const Route& from,
                                                          const Digest32& tag) noexcept {
    if (tag != half_open.hello_tag) return Unexpected(DropReason::handshake_replayed);
    if (from != half_open.source) return Unexpected(DropReason::handshake_wrong_address);
    if (half_open.repeat_count >= config_.repeat_count_max) {
        return Unexpected(DropReason::handshake_repeat_limit);
    }
    ++half_open.repeat_count;
    return Bytes(half_open.response_frame);
}

Result<void, DropReason> ResponderTable::check_limits(Instant now, const Route& from) const {
    if (half_open_.size() >= session_room_) return Unexpected(DropReason::session_limit);
    if (half_open_.size() >= config_.half_open_count_max) {
        return Unexpected(DropReason::handshake_half_open_limit);
    }
    if (nonces_.is_full()) return Unexpected(DropReason::handshake_nonce_limit);
    return rate_.check(now, from.address);
}

Result<Bytes, DropReason> ResponderTable::begin(Instant now, std::int64_t unix_ms,
                                                const Route& from, const OpenedHello& hello,
                                                SessionIdInUse is_in_use) {
    STT_TRY_VOID(check_limits(now, from));
    const stc::Context& context = *hello.seed.context;
    const Transcript transcript(hello.message.dict());
    ResponseInput input{
        .handshake_id = hello.handshake_id,
        .parties = {.initiator = hello.fields.node_id,
                    .responder = config_.own_node_id,
                    .nonce_initiator = hello.fields.nonce},
        .th1 = transcript.th1(),
        .timestamp = unix_ms,
        .used = intersection(config_.capabilities, hello.fields.capabilities),
    };
    const auto session_id = draw_session_id(input.parties, is_in_use);
    if (!session_id) return Unexpected(DropReason::handshake_session_id_in_use);
    random_->fill(input.challenge_nonce);
    random_->fill(input.frame_nonce);
    const SealedMessage response = build_response(context, input);

    HalfOpen half_open{.seed = hello.seed,
                       .parties = input.parties,
                       .th2 = transcript.th2(response.dict()),
                       .used = input.used,
                       .source = from,
                       .expiry = now + config_.half_open_lifetime,
                       .hello_tag = hello.tag};
    half_open.session_key =
        session_key_of(context, input.parties, hello.fields.timestamp, half_open.th2);
    const Bytes frame = response.frame();
    std::copy(frame.begin(), frame.end(), half_open.response_frame.begin());

    rate_.count(now, from.address);
    nonces_.insert(hello.fields.nonce,
                   nonce_expiry_ms(nonce_clock_ms(now, unix_ms), hello.fields.timestamp));
    by_nonce_.emplace(hello.fields.nonce, *session_id);
    by_expiry_.emplace(half_open.expiry, *session_id);
    return Bytes(keep(*session_id, std::move(half_open)).response_frame);
}

ResponderTable::HalfOpen& ResponderTable::keep(const wire::SessionId& session_id,
                                               HalfOpen&& half_open) {
    if (spare_.empty()) return half_open_.emplace(session_id, std::move(half_open)).first->second;
    HalfOpenMap::node_type entry = std::move(spare_.back());
    spare_.pop_back();
    entry.key() = session_id;
    entry.mapped() = std::move(half_open);
    return half_open_.insert(std::move(entry)).position->second;
}

// Fills in nonce_R. A session_id that is in use makes it draw another. Spec protocol §4.1.
std::optional<wire::SessionId> ResponderTable::draw_session_id(Parties& parties,
                                                               SessionIdInUse is_in_use) {
    for (int i = 0; i < nonce_draw_count_max; ++i) {
        draw_nonce(parties);
        const wire::SessionId session_id = session_id_of(parties);
        if (!half_open_.contains(session_id) && !is_in_use(session_id)) return session_id;
    }
    return std::nullopt;
}

// One byte of a shard's nonce is drawn among those that give session_id a first byte of this
// shard's, each as likely as the others to one part in 2^24. Spec protocol §4.1 (j).
void ResponderTable::draw_nonce(Parties& parties) {
    random_->fill(parties.nonce_responder);
    const Shard& shard = config_.shard;
    if (shard.count == 1) return;
    std::array<std::uint8_t, 4> draw;
    random_->fill(draw);
    const std::uint64_t fitting = (UINT8_MAX - shard.index) / shard.count + 1;
    const std::uint64_t place = (load_big_endian<std::uint32_t>(draw.data()) * fitting) >> 32;
    const std::uint64_t wanted = shard.index + place * shard.count;
    const std::uint64_t change = session_id_of(parties).front() ^ wanted;
    parties.nonce_responder.front() ^= static_cast<std::uint8_t>(change);
}

// Where timestamps are checked, nonces live by the same clock; else by the one that never goes
// back.
std::int64_t ResponderTable::nonce_clock_ms(Instant now, std::int64_t unix_ms) const noexcept {
    if (config_.timestamp_window.count() > 0) return unix_ms;
    return std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count();
}

std::int64_t ResponderTable::nonce_expiry_ms(std::int64_t clock_ms,
                                             std::int64_t timestamp) const noexcept {
    if (config_.timestamp_window.count() > 0) {
        return saturated_sum(timestamp, config_.timestamp_window.count());
    }
    return saturated_sum(clock_ms, config_.nonce_lifetime_unchecked.count());
}

Result<Established, DropReason> ResponderTable::handle_auth_proof(Instant now, std::int64_t unix_ms,
                                                                  const Route& from,
                                                                  const wire::FrameView& frame) {
    handle_timeout(now);
    const auto entry = half_open_.find(frame.session_id);
    const bool is_expected = entry != half_open_.end() && frame.type == wire::FrameType::auth &&
                             frame.kind == wire::MetadataKind::seed;
    if (!is_expected) return Unexpected(DropReason::handshake_unexpected);
    const HalfOpen& half_open = entry->second;
    const stc::Context& context = *half_open.seed.context;
    STT_TRY(const OpenedMessage opened, OpenedMessage::open(context, frame));
    STT_TRY(const AuthProof auth_proof, parse_auth_proof(opened.dict()));
    if (auth_proof.session_id != frame.session_id) {
        return Unexpected(DropReason::handshake_malformed);
    }
    if (!is_proof_good(context, auth_proof, half_open.parties, half_open.th2)) {
        return Unexpected(DropReason::handshake_commitment);
    }
    const bool is_path_validated = from == half_open.source;
    Established established = consume(unix_ms, frame.session_id);
    established.is_path_validated = is_path_validated;
    established.auth_proof_fingerprint = fingerprint_of(frame);
    return established;
}

const stc::Key* ResponderTable::half_open_session_key(
    const wire::SessionId& session_id) const noexcept {
    const auto entry = half_open_.find(session_id);
    return entry == half_open_.end() ? nullptr : &entry->second.session_key;
}

Established ResponderTable::establish(std::int64_t unix_ms,
                                      const wire::SessionId& session_id) noexcept {
    return consume(unix_ms, session_id);
}

Established ResponderTable::consume(std::int64_t unix_ms,
                                    const wire::SessionId& session_id) noexcept {
    const auto entry = half_open_.find(session_id);
    STT_CHECK(entry != half_open_.end());
    HalfOpen& half_open = entry->second;
    FinalInput input{
        .session_id = session_id,
        .confirmation = confirmation_of(half_open.session_key, half_open.parties.nonce_initiator),
        .timestamp = unix_ms};
    random_->fill(input.frame_nonce);
    Established established{.session_id = session_id,
                            .session_key = std::move(half_open.session_key),
                            .peer_node_id = half_open.parties.initiator,
                            .used_capabilities = half_open.used,
                            .seed_id = half_open.seed.id,
                            .hello_source = half_open.source,
                            .final_message = build_final(*half_open.seed.context, input)};
    erase(session_id);
    return established;
}

std::optional<Instant> ResponderTable::poll_timeout() const noexcept {
    if (by_expiry_.empty()) return std::nullopt;
    return by_expiry_.begin()->first;
}

void ResponderTable::handle_timeout(Instant now) noexcept {
    while (!by_expiry_.empty() && by_expiry_.begin()->first <= now) {
        const wire::SessionId session_id = by_expiry_.begin()->second;
        erase(session_id);
    }
}

void ResponderTable::erase(const wire::SessionId& session_id) noexcept {
    const auto entry = half_open_.find(session_id);
    STT_CHECK(entry != half_open_.end());
    by_nonce_.erase(entry->second.parties.nonce_initiator);
    by_expiry_.erase({entry->second.expiry, session_id});
    if (spare_.size() == spare_count_max) {
        half_open_.erase(entry);
    } else {
        entry->second.session_key = {};  // wiped now: the next user may be long in coming
        spare_.push_back(half_open_.extract(entry));
    }
}

}  // namespace stt::handshake
