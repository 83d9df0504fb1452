#include "core/session/keys.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "tests/unit/codec/seeded.hpp"

namespace stt::session {
namespace {

using wire::DropReason;
using wire::Violation;

constexpr wire::SessionId session_id{1, 2, 3, 4, 5, 6, 7, 8};

stc::Key some_key(std::uint8_t first) {
    std::array<std::uint8_t, 32> bytes{};
    bytes[0] = first;
    return stc::Key(bytes);
}
stc::DerivationKey keyed(std::uint8_t first) {
    return stc::DerivationKey(some_key(first));
}

RotationNonce some_nonce(std::uint8_t first) {
    RotationNonce nonce{};
    nonce[0] = first;
    return nonce;
}

bool is_same(const stc::FoldKey& a, const stc::FoldKey& b) {
    return std::equal(a.state().begin(), a.state().end(), b.state().begin());
}

// Both ends of one direction.
struct Direction {
    SendKeys send{keyed(1), Role::initiator, session_id};
    ReceiveKeys receive{keyed(1), Role::initiator, session_id};

    // Whether a frame that is sent now would open, by a key that is then in the cache.
    bool opens(std::uint16_t stream) {
        auto key = receive.opening_key(send.epoch(), stream);
        if (!key || !is_same(*key->get(), send.key_of(stream))) return false;
        receive.confirm(send.epoch(), stream, *std::move(key));
        return receive.opening_key(send.epoch(), stream)->is_cached();
    }
    void rotate(std::uint8_t nonce) {
        send.prepare(some_nonce(nonce));
        CHECK(*receive.announce(send.pending()) == AnnounceOutcome::accepted);
        send.commit();
        CHECK(receive.frame_opened(send.epoch()));
    }
};

ErrorCode code_of(const Result<AnnounceOutcome, Violation>& result) {
    return result ? ErrorCode::none : result.error().code;
}

bool is_epoch_unknown(const ReceiveKeys& keys, std::uint64_t epoch) {
    const auto key = keys.opening_key(epoch, 1);
    return !key && key.error() == DropReason::epoch_unknown;
}

}  // namespace

TEST_CASE("protocol §5.1 (a): both ends of a direction derive the same keys for every stream") {
    Direction direction;
    for (const unsigned stream : {0u, 1u, 2u, 300u, 65'535u}) {
        CHECK(direction.opens(static_cast<std::uint16_t>(stream)));
    }
}

TEST_CASE(
    "stc Stream contexts (a): directions, sessions, streams and epochs have keys of their own") {
    Direction direction;
    SendKeys other_direction(keyed(1), Role::responder, session_id);
    SendKeys other_session(keyed(1), Role::initiator, wire::SessionId{9});
    SendKeys other_key(keyed(2), Role::initiator, session_id);
    const stc::FoldKey& key = direction.send.key_of(1);
    CHECK(!is_same(key, other_direction.key_of(1)));
    CHECK(!is_same(key, other_session.key_of(1)));
    CHECK(!is_same(key, other_key.key_of(1)));
    CHECK(!is_same(key, direction.send.key_of(2)));
    SendKeys next(keyed(1), Role::initiator, session_id);
    next.prepare(some_nonce(1));
    next.commit();
    CHECK(!is_same(key, next.key_of(1)));
    SendKeys next_by_another(keyed(1), Role::initiator, session_id);
    next_by_another.prepare(some_nonce(2));
    next_by_another.commit();
    CHECK(!is_same(next.key_of(1), next_by_another.key_of(1)));
}

TEST_CASE("stc PCF (b): deriving both directions wipes the session key") {
    stc::Key session_key = some_key(1);
    SessionKeys ours(std::move(session_key), Role::initiator, session_id);
    const auto bytes = session_key.bytes();
    CHECK(std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t byte) { return byte == 0; }));
    SessionKeys theirs(some_key(1), Role::responder, session_id);
    CHECK(is_same(ours.send.key_of(1), *theirs.receive.opening_key(0, 1)->get()));
    CHECK(is_same(theirs.send.key_of(1), *ours.receive.opening_key(0, 1)->get()));
    CHECK(!is_same(ours.send.key_of(1), theirs.send.key_of(1)));
}

TEST_CASE("protocol §5.1 (a): a stream's key stays where it is until it is forgotten") {
    SendKeys keys(keyed(1), Role::initiator, session_id);
    const stc::FoldKey* const key = &keys.key_of(7);
    for (std::uint16_t stream = 100; stream < 2'000; ++stream) keys.key_of(stream);
    CHECK(&keys.key_of(7) == key);
    const stc::FoldKey before = std::move(const_cast<stc::FoldKey&>(keys.key_of(8)));
    keys.forget(8);
    CHECK(is_same(keys.key_of(8), before));
    keys.forget(9);
}

TEST_CASE(
    "protocol §5.1 (c): a sender goes on under its epoch until KEY_ROTATION is acknowledged") {
    SendKeys keys(keyed(1), Role::initiator, session_id);
    CHECK(!keys.is_rotating());
    keys.prepare(some_nonce(5));
    CHECK(keys.is_rotating());
    CHECK(keys.epoch() == 0);
    CHECK(keys.pending().epoch == 1);
    // A retransmission carries the same nonce.
    CHECK(keys.pending().nonce == some_nonce(5));
    CHECK(keys.pending().nonce == some_nonce(5));
    keys.commit();
    CHECK(keys.epoch() == 1);
    CHECK(!keys.is_rotating());
}

TEST_CASE("protocol §5.1 (c): a hundred rotations keep both ends together") {
    Direction direction;
    for (std::uint8_t i = 1; i <= 100; ++i) {
        direction.rotate(i);
        CHECK(direction.send.epoch() == i);
        CHECK(direction.receive.epoch() == i);
        CHECK(direction.opens(0));
        CHECK(direction.opens(3));
    }
}

TEST_CASE("protocol §5.2 (a): the same announcement again is ignored, another nonce is error 2") {
    Direction direction;
    ReceiveKeys& keys = direction.receive;
    CHECK(*keys.announce(1, some_nonce(1)) == AnnounceOutcome::accepted);
    CHECK(*keys.announce(1, some_nonce(1)) == AnnounceOutcome::repeated);
    CHECK(code_of(keys.announce(1, some_nonce(2))) == ErrorCode::crypto);
    CHECK(keys.has_announced());
    // Also when it has become the current one, and the previous one.
    CHECK(keys.frame_opened(1));
    CHECK(*keys.announce(1, some_nonce(1)) == AnnounceOutcome::repeated);
    CHECK(code_of(keys.announce(1, some_nonce(2))) == ErrorCode::crypto);
    CHECK(*keys.announce(2, some_nonce(3)) == AnnounceOutcome::accepted);
    CHECK(*keys.announce(1, some_nonce(1)) == AnnounceOutcome::repeated);
    CHECK(keys.frame_opened(2));
    CHECK(*keys.announce(1, some_nonce(1)) == AnnounceOutcome::repeated);
    CHECK(code_of(keys.announce(1, some_nonce(3))) == ErrorCode::crypto);
    keys.wipe_previous();
    CHECK(code_of(keys.announce(1, some_nonce(1))) == ErrorCode::crypto);
}

TEST_CASE("protocol §5.2 (a): any epoch but the next is error 2") {
    Direction direction;
    ReceiveKeys& keys = direction.receive;
    for (const std::uint64_t epoch : {std::uint64_t{0}, std::uint64_t{2}, ~std::uint64_t{0}}) {
        CHECK(code_of(keys.announce(epoch, some_nonce(1))) == ErrorCode::crypto);
    }
    CHECK(!keys.has_announced());
    CHECK(code_of(keys.announce(1, some_nonce(1))) == ErrorCode::none);
    // None of epoch 1 has opened: nobody who keeps the rules can be at 2.
    CHECK(code_of(keys.announce(2, some_nonce(1))) == ErrorCode::crypto);
    CHECK(keys.frame_opened(1));
    CHECK(code_of(keys.announce(3, some_nonce(1))) == ErrorCode::crypto);
    CHECK(code_of(keys.announce(0, some_nonce(1))) == ErrorCode::crypto);
    CHECK(code_of(keys.announce(2, some_nonce(1))) == ErrorCode::none);
}

TEST_CASE("protocol §5.2 (c): an epoch is unknown before it is announced and after it is wiped") {
    Direction direction;
    ReceiveKeys& keys = direction.receive;
    CHECK(!is_epoch_unknown(keys, 0));
    CHECK(is_epoch_unknown(keys, 1));
    CHECK(is_epoch_unknown(keys, ~std::uint64_t{0}));
    REQUIRE(keys.announce(1, some_nonce(1)));
    CHECK(!is_epoch_unknown(keys, 1));
    CHECK(keys.epoch() == 0);
    CHECK(!keys.frame_opened(0));
    CHECK(keys.frame_opened(1));
    CHECK(!keys.frame_opened(1));
    CHECK(!keys.frame_opened(0));
    CHECK(keys.epoch() == 1);
    // Late frames of the previous one still open.
    CHECK(keys.has_previous());
    CHECK(!is_epoch_unknown(keys, 0));
    keys.wipe_previous();
    CHECK(is_epoch_unknown(keys, 0));
    CHECK(!is_epoch_unknown(keys, 1));
}

TEST_CASE(
    "protocol §5.2 (b): the next announcement wipes the previous epoch, at most three are "
    "held") {
    Direction direction;
    direction.rotate(1);
    ReceiveKeys& keys = direction.receive;
    CHECK(!is_epoch_unknown(keys, 0));
    REQUIRE(keys.announce(2, some_nonce(2)));
    CHECK(is_epoch_unknown(keys, 0));
    CHECK(!is_epoch_unknown(keys, 1));
    CHECK(!is_epoch_unknown(keys, 2));
    // What was refused wipes nothing.
    CHECK(keys.frame_opened(2));
    CHECK(code_of(keys.announce(9, some_nonce(9))) == ErrorCode::crypto);
    CHECK(!is_epoch_unknown(keys, 1));
}

TEST_CASE(
    "protocol §3.7 (d): a stream's key enters the cache only after a frame has opened under "
    "it") {
    Direction direction;
    ReceiveKeys& keys = direction.receive;
    for (int i = 0; i < 3; ++i) CHECK(!keys.opening_key(0, 5)->is_cached());
    auto key = keys.opening_key(0, 5);
    keys.confirm(0, 5, *std::move(key));
    CHECK(keys.opening_key(0, 5)->is_cached());
    CHECK(!keys.opening_key(0, 6)->is_cached());
    CHECK(is_same(*keys.opening_key(0, 5)->get(), direction.send.key_of(5)));
    keys.forget(5);
    CHECK(!keys.opening_key(0, 5)->is_cached());
}

TEST_CASE("protocol §3.7 (d): a batch may hold several keys of one stream, borrowed and derived") {
    Direction direction;
    ReceiveKeys& keys = direction.receive;
    std::vector<OpeningKey> batch;
    for (int i = 0; i < 4; ++i) batch.push_back(*keys.opening_key(0, 5));
    const stc::FoldKey& expected = direction.send.key_of(5);
    for (const OpeningKey& key : batch) CHECK(is_same(*key.get(), expected));
    const stc::FoldKey* cached = nullptr;
    for (OpeningKey& key : batch) {
        keys.confirm(0, 5, std::move(key));
        const stc::FoldKey* const now = keys.opening_key(0, 5)->get();
        if (cached != nullptr) CHECK(now == cached);
        cached = now;
    }
    // A key whose epoch went while the batch was worked on is not kept.
    auto late = keys.opening_key(0, 6);
    REQUIRE(keys.announce(1, some_nonce(1)));
    CHECK(keys.frame_opened(1));
    keys.wipe_previous();
    keys.confirm(0, 6, *std::move(late));
    CHECK(is_epoch_unknown(keys, 0));
}

TEST_CASE("protocol §3.7 (d): a full cache of stream keys still opens every stream") {
    Direction direction;
    ReceiveKeys& keys = direction.receive;
    for (std::size_t i = 0; i < receive_stream_key_count_max; ++i) {
        const auto stream = static_cast<std::uint16_t>(i);
        keys.confirm(0, stream, *keys.opening_key(0, stream));
    }
    CHECK(keys.opening_key(0, receive_stream_key_count_max - 1)->is_cached());
    const auto over = static_cast<std::uint16_t>(receive_stream_key_count_max);
    keys.confirm(0, over, *keys.opening_key(0, over));
    CHECK(!keys.opening_key(0, over)->is_cached());
    CHECK(is_same(*keys.opening_key(0, over)->get(), direction.send.key_of(over)));
    keys.forget(0);
    keys.confirm(0, over, *keys.opening_key(0, over));
    CHECK(keys.opening_key(0, over)->is_cached());
}

}  // namespace stt::session
