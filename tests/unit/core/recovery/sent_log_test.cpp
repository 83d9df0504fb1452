#include "core/recovery/sent_log.hpp"

#include <doctest/doctest.h>

#include <map>

#include "tests/unit/core/recovery/recovery_testing.hpp"

namespace stt::recovery::testing {

namespace {

enum class Naive { skipped, outstanding, silent, acknowledged, lost };

struct Model {
    std::map<std::uint64_t, Naive> entries;
    std::uint64_t next = 0;

    std::optional<std::uint64_t> first(std::uint64_t from, std::uint64_t last,
                                       bool only_outstanding) const {
        for (auto i = entries.lower_bound(from); i != entries.end() && i->first <= last; ++i) {
            if (i->second == Naive::outstanding) return i->first;
            if (!only_outstanding && (i->second == Naive::lost || i->second == Naive::silent))
                return i->first;
        }
        return std::nullopt;
    }
    void trim() {
        while (!entries.empty() && entries.begin()->second != Naive::outstanding) {
            entries.erase(entries.begin());
        }
    }
};

bool is_refused(const SentLog& log, std::initializer_list<wire::SequenceRange> ranges) {
    const auto result = log.check(OwnedAck(ranges).get());
    if (result) return false;
    CHECK(result.error().code == ErrorCode::protocol);
    return true;
}

}  // namespace

TEST_CASE("the log agrees with a map of states over seeded random steps") {
    for (const std::uint64_t seed : {1ULL, 2ULL, 3ULL}) {
        CAPTURE(seed);
        Random random(seed);
        SentLog log;
        Model model;
        std::vector<SentFrame> evicted;
        for (int step = 0; step < 30'000; ++step) {
            const std::uint64_t low =
                model.entries.empty() ? model.next : model.entries.begin()->first;
            const std::uint64_t pick = low + random.below(model.next - low + 1);
            switch (random.below(8)) {
                case 0:
                case 1:
                case 2: {
                    if (random.one_in(20)) {
                        const std::uint64_t skips = 1 + random.below(skip_run_max);
                        for (std::uint64_t i = 0; i < skips; ++i)
                            model.entries[model.next++] = Naive::skipped;
                    }
                    const bool elicits = !random.one_in(4);
                    SentFrame frame = elicits ? eliciting(model.next) : silent(model.next);
                    frame.cargo.value = model.next * 7;
                    log.append(frame, evicted);
                    model.entries[model.next++] = elicits ? Naive::outstanding : Naive::silent;
                    break;
                }
                case 3:
                case 4:
                    if (const auto found = model.first(pick, model.next, false)) {
                        CHECK(log.at(*found).cargo.value == *found * 7);
                        CHECK(log.at(*found).was_lost == (model.entries[*found] == Naive::lost));
                        log.acknowledge(*found);
                        model.entries[*found] = Naive::acknowledged;
                    }
                    break;
                case 5:
                    if (const auto found = model.first(pick, model.next, true)) {
                        log.declare_lost(*found, 1, at(Duration(step)));
                        model.entries[*found] = Naive::lost;
                    }
                    break;
                case 6:
                    log.trim(at(seconds(100)));
                    model.trim();
                    break;
                default: {
                    const std::uint64_t last = pick + random.below(100);
                    CHECK(log.next_unacknowledged(pick, last) == model.first(pick, last, false));
                    CHECK(log.next_outstanding(pick, last) == model.first(pick, last, true));
                    const auto entry = model.entries.find(pick);
                    CHECK(log.was_acknowledged(pick) ==
                          (entry != model.entries.end() && entry->second == Naive::acknowledged));
                }
            }
            REQUIRE(log.next_sequence() == model.next);
            REQUIRE(log.base() ==
                    (model.entries.empty() ? model.next : model.entries.begin()->first));
        }
        CHECK(evicted.empty());
    }
}

TEST_CASE("protocol §10.3 (b): an ACK of a sequence not yet sent is error 1") {
    SentLog log;
    std::vector<SentFrame> evicted;
    CHECK(is_refused(log, {{0, 0}}));
    log.append(eliciting(0), evicted);
    CHECK_FALSE(is_refused(log, {{0, 0}}));
    CHECK(is_refused(log, {{0, 1}}));
    CHECK(is_refused(log, {{UINT64_MAX, UINT64_MAX}}));
}

TEST_CASE("protocol §10.3 (b): an ACK of a skipped sequence is error 1, of its neighbours not") {
    SentLog log;
    std::vector<SentFrame> evicted;
    log.append(eliciting(0), evicted);
    log.append(eliciting(3), evicted);
    CHECK(is_refused(log, {{1, 1}}));
    CHECK(is_refused(log, {{2, 3}}));
    CHECK(is_refused(log, {{0, 3}}));
    CHECK(is_refused(log, {{3, 3}, {0, 1}}));
    CHECK_FALSE(is_refused(log, {{3, 3}, {0, 0}}));
}

TEST_CASE("protocol §10.3 (b): a skip is remembered after the log has passed it") {
    SentLog log;
    std::vector<SentFrame> evicted;
    for (std::uint64_t i = 0; i < 100'000; i += i % 1'000 == 998 ? 2U : 1U) {
        log.append(eliciting(i), evicted);
        log.acknowledge(i);
        log.trim(at(Duration(0)));
    }
    CHECK(log.base() == log.next_sequence());
    CHECK(is_refused(log, {{98'999, 98'999}}));
    CHECK(is_refused(log, {{999, 999}}));
    CHECK(is_refused(log, {{0, 99'000}}));
    CHECK_FALSE(is_refused(log, {{98'000, 98'998}}));
}

TEST_CASE("protocol §6: the log holds 65,536 sequences, then pushes the oldest out") {
    SentLog log;
    std::vector<SentFrame> evicted;
    std::uint64_t sequence = 0;
    while (log.has_room(1)) log.append(eliciting(sequence++), evicted);
    CHECK(sequence + skip_run_max == sent_frames_max);
    while (sequence < sent_frames_max) log.append(eliciting(sequence++), evicted);
    CHECK(evicted.empty());
    log.append(eliciting(sequence++), evicted);
    CHECK(sequences(evicted) == Sequences{0});
    CHECK(log.base() == 1);

    // What is settled below makes room again, whatever is kept for late ACKs.
    for (std::uint64_t i = 1; i <= 1'000; ++i) log.declare_lost(i, 1, at(Duration(0)));
    CHECK(log.has_room(900));
    log.append(eliciting(sequence++), evicted);
    CHECK(evicted.size() == 1);
    CHECK(log.base() == 2);
}

TEST_CASE("frames that elicit nothing never fill the log") {
    SentLog log;
    std::vector<SentFrame> evicted;
    for (std::uint64_t i = 0; i < 3 * sent_frames_max; ++i) {
        log.append(silent(i), evicted);
        CHECK(log.has_room(1'000));
    }
    CHECK(evicted.empty());
    log.trim(at(Duration(0)));
    CHECK(log.base() == log.next_sequence());
}

TEST_CASE("a lost frame is kept for its time at the low end, and no longer") {
    SentLog log;
    std::vector<SentFrame> evicted;
    log.append(eliciting(0), evicted);
    log.append(eliciting(1), evicted);
    log.declare_lost(0, 3, at(milliseconds(10)));
    log.trim(at(milliseconds(10)));
    CHECK(log.is_unacknowledged(0));
    CHECK(log.at(0).loss_epoch == 3);
    CHECK(log.next_outstanding(0, 9) == 1);
    log.trim(at(milliseconds(11)));
    CHECK(log.base() == 1);
    CHECK_FALSE(log.is_unacknowledged(0));
}

TEST_CASE("a log that is empty gives its storage back to the pool, and takes it from there again") {
    BufferPool pool(1u << 20);
    SentLog log(&pool);
    std::vector<SentFrame> evicted;
    std::uint64_t sequence = 0;
    const auto fill = [&](int count) {
        for (int i = 0; i < count; ++i) log.append(eliciting(sequence++), evicted);
    };
    const auto settle = [&] {
        while (const auto oldest = log.next_outstanding(0, sequence)) log.acknowledge(*oldest);
        log.trim(at(Duration(0)));
        REQUIRE(log.is_empty());
    };
    fill(128);
    CHECK(pool.size() == 0);
    settle();
    const std::size_t first = pool.size();
    CHECK(first >= 128 * sizeof(SentFrame));

    // As large at once as was needed: nothing is copied over, no smaller piece is left behind.
    fill(128);
    settle();
    const std::size_t held = pool.size();
    fill(1);
    CHECK(held - pool.size() >= 128 * sizeof(SentFrame));
    fill(127);
    settle();
    CHECK(pool.size() == held);

    // Half of that when it needed less.
    fill(1);
    settle();
    fill(1);
    CHECK(log.at(sequence - 1).sequence == sequence - 1);
    CHECK(pool.size() > held - 128 * sizeof(SentFrame));
    settle();
}

}  // namespace stt::recovery::testing
