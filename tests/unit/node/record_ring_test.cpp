// Records between two threads.
#include "node/record_ring.hpp"

#include <doctest/doctest.h>

#include <deque>
#include <thread>
#include <vector>

#include "tests/unit/codec/seeded.hpp"

namespace stt::node {
namespace {

using test::ByteVector;

Record record_of(std::uint64_t number) {
    return {static_cast<std::uint8_t>(number), 2, Route({}, number)};
}

// Bytes that follow from a record's number.
ByteVector payload_of(std::uint64_t number, std::size_t size) {
    ByteVector bytes(size);
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(number * 7 + i);
    return bytes;
}

}  // namespace

TEST_CASE("a ring gives back what was put into it, in order, and refuses what has no room") {
    RecordRing ring(4'096);
    test::Seeded seeded(5);
    std::deque<std::pair<std::uint64_t, ByteVector>> model;
    std::uint64_t next = 1;
    std::size_t refused = 0;
    for (int step = 0; step < 20'000; ++step) {
        if (seeded.below(3) != 0) {
            const auto payload = payload_of(next, seeded.below(900));
            if (ring.put(record_of(next), payload)) {
                model.emplace_back(next++, payload);
            } else {
                ++refused;
                // Never for less than a record and what can be left at the end.
                CHECK(ring.used() + 2 * 1'000 > ring.capacity());
            }
        } else {
            ring.take_all([&](const Record& record, MutableBytes payload) {
                REQUIRE(!model.empty());
                CHECK(record.route.connection == model.front().first);
                CHECK(record.kind == static_cast<std::uint8_t>(model.front().first));
                CHECK(record.ecn == 2);
                CHECK(ByteVector(payload.begin(), payload.end()) == model.front().second);
                model.pop_front();
            });
            CHECK(model.empty());
            CHECK(ring.used() == 0);
        }
    }
    CHECK(refused > 0);
    CHECK(next > 5'000);
}

TEST_CASE("a ring takes a record of its whole size, and none that is larger") {
    RecordRing ring(1'024);
    std::size_t largest = 1'024;
    while (!ring.put(record_of(1), payload_of(1, largest))) --largest;
    CHECK(largest >= 1'024 - 64);
    CHECK_FALSE(ring.put(record_of(2), {}));
    std::size_t taken = 0;
    ring.take_all([&](const Record&, MutableBytes payload) { taken += payload.size(); });
    CHECK(taken == largest);
    CHECK(ring.put(record_of(2), {}));
}

TEST_CASE("a ring's room is there again for the writer while its reader visits the next record") {
    RecordRing ring(1'024);
    REQUIRE(ring.put(record_of(1), payload_of(1, 600)));
    REQUIRE(ring.put(record_of(2), payload_of(2, 200)));
    bool is_first = true;
    ring.take_all([&](const Record&, MutableBytes) {
        CHECK(ring.put(record_of(3), payload_of(3, 100)) == !is_first);
        is_first = false;
    });
}

TEST_CASE("a ring between two threads loses and changes nothing") {
    RecordRing ring(8'192);
    constexpr std::uint64_t count = 20'000;
    std::thread writer([&ring] {
        for (std::uint64_t number = 1; number <= count; ++number) {
            const auto payload = payload_of(number, number % 700);
            while (!ring.put(record_of(number), payload)) std::this_thread::yield();
        }
    });
    std::uint64_t expected = 1;
    std::size_t wrong = 0;
    while (expected <= count) {
        ring.take_all([&](const Record& record, MutableBytes payload) {
            const auto wanted = payload_of(expected, expected % 700);
            const bool is_right = record.route.connection == expected &&
                                  ByteVector(payload.begin(), payload.end()) == wanted;
            if (!is_right) ++wrong;
            // It may be changed where it lies.
            for (std::uint8_t& byte : payload) byte ^= 0xff;
            ++expected;
        });
    }
    writer.join();
    CHECK(wrong == 0);
}

}  // namespace stt::node
