#include "core/stream/send_buffer.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "testing/pattern.hpp"
#include "testing/seeded_random.hpp"

namespace stt::stream {
namespace {

constexpr std::uint64_t no_limit = std::uint64_t{1} << 40;

std::size_t write(SendBuffer& buffer, std::size_t size) {
    std::vector<std::uint8_t> bytes(size);
    testing::Pattern(4).write(buffer.end(), bytes);
    return buffer.write(bytes);
}

// Sends through losses, late acknowledgements and doubles until all is acknowledged, against
// a list of which offsets have arrived.
void run(std::uint64_t seed) {
    testing::SeededRandom random(seed);
    const std::size_t size_max = random.between(100, 10'000);
    SendBuffer buffer(size_max);
    const std::uint64_t total = random.between(1, 30'000);
    std::vector<bool> is_acknowledged(total, false);
    std::vector<SendBuffer::Range> in_flight;
    std::vector<SendBuffer::Range> lost_but_late;
    std::uint64_t limit = 0;
    bool end_acknowledged = false;
    std::uint64_t begin = 0;
    while (!(begin == total && end_acknowledged)) {
        if (buffer.end() < total) {
            const auto wanted = std::min<std::uint64_t>(total - buffer.end(), random.below(3'000));
            const std::size_t room = buffer.room();
            const std::size_t taken = write(buffer, wanted);
            REQUIRE(taken == std::min<std::uint64_t>(wanted, room));
        } else if (random.below(4) == 0) {
            buffer.finish();
        }
        limit += random.below(2'000);
        const std::size_t frame = random.between(1, 1'400);
        const bool is_pending = buffer.has_pending(limit);
        const auto range = buffer.take(frame, limit);
        REQUIRE(range.has_value() == is_pending);
        if (range) {
            REQUIRE(range->size <= frame);
            REQUIRE(range->offset + range->size <= std::max(limit, buffer.sent_end()));
            std::vector<std::uint8_t> bytes(range->size);
            buffer.copy(*range, bytes);
            REQUIRE(testing::Pattern(4).matches(range->offset, bytes));
            if (range->is_end) REQUIRE(range->offset + range->size == total);
            in_flight.push_back(*range);
        }
        if (in_flight.empty() || random.below(2) == 0) continue;
        const std::size_t which = random.below(in_flight.size());
        const SendBuffer::Range fate = in_flight[which];
        in_flight.erase(in_flight.begin() + static_cast<std::ptrdiff_t>(which));
        const bool is_late = !lost_but_late.empty() && random.below(4) == 0;
        if (random.below(3) == 0) {
            buffer.on_lost(fate.offset, fate.size, fate.is_end);
            lost_but_late.push_back(fate);
        } else {
            const SendBuffer::Range good = is_late ? lost_but_late.back() : fate;
            if (is_late) {
                lost_but_late.pop_back();
                in_flight.push_back(fate);
            }
            buffer.on_acknowledged(good.offset, good.size, good.is_end);
            for (std::size_t i = 0; i < good.size; ++i) is_acknowledged[good.offset + i] = true;
            end_acknowledged = end_acknowledged || good.is_end;
        }
        while (begin < total && is_acknowledged[begin]) ++begin;
        REQUIRE(buffer.begin() == begin);
        REQUIRE(buffer.end() - buffer.begin() <= size_max);
        REQUIRE(buffer.is_all_acknowledged() ==
                (begin == buffer.end() && (!buffer.is_finished() || end_acknowledged)));
    }
    REQUIRE(!buffer.has_pending(no_limit));
}

TEST_CASE("SendBuffer: everything arrives, whatever is lost, late or doubled") {
    for (std::uint64_t seed = 0; seed < 60; ++seed) run(seed);
}

TEST_CASE("SendBuffer: takes no more than it has room for") {
    SendBuffer buffer(100);
    CHECK(write(buffer, 99) == 99);
    CHECK(buffer.room() == 1);
    CHECK(write(buffer, 2) == 1);
    CHECK(buffer.room() == 0);
    CHECK(write(buffer, 1) == 0);
}

TEST_CASE("SendBuffer: sends below the limit only, and what was lost before what is new") {
    SendBuffer buffer(1'000);
    write(buffer, 500);
    CHECK(!buffer.has_pending(0));
    CHECK(!buffer.take(100, 0).has_value());
    const auto first = buffer.take(1'000, 200);
    REQUIRE(first.has_value());
    CHECK(first->size == 200);
    buffer.on_lost(50, 100, false);
    CHECK(buffer.next_offset() == 50);
    const auto again = buffer.take(1'000, 200);
    REQUIRE(again.has_value());
    CHECK(again->offset == 50);
    CHECK(again->size == 100);
    CHECK(buffer.next_offset() == 200);
}

TEST_CASE("SendBuffer: the end goes alone when nothing else is left, and again when lost") {
    SendBuffer buffer(1'000);
    write(buffer, 10);
    REQUIRE(buffer.take(100, no_limit)->size == 10);
    buffer.finish();
    const auto end = buffer.take(100, no_limit);
    REQUIRE(end.has_value());
    CHECK(end->size == 0);
    CHECK(end->is_end);
    CHECK(!buffer.take(100, no_limit).has_value());
    buffer.on_lost(end->offset, 0, true);
    CHECK(buffer.take(100, no_limit)->is_end);
}

TEST_CASE("SendBuffer: after discard() nothing is left to send, also of what never was") {
    SendBuffer buffer(1'000);
    write(buffer, 500);
    REQUIRE(buffer.take(100, no_limit).has_value());
    buffer.discard();
    CHECK(!buffer.has_pending(no_limit));
    CHECK(!buffer.take(100, no_limit).has_value());
    CHECK(buffer.sent_end() == 100);
    CHECK(buffer.is_all_acknowledged());
    buffer.on_lost(0, 100, false);
    CHECK(!buffer.has_pending(no_limit));
    buffer.on_acknowledged(0, 100, false);
    CHECK(write(buffer, 1) == 0);
}

}  // namespace
}  // namespace stt::stream
