#include "base/fifo.hpp"

#include <doctest/doctest.h>

#include <deque>
#include <memory>
#include <vector>

#include "testing/seeded_random.hpp"

namespace stt {
namespace {

TEST_CASE("a Fifo gives back what was pushed in the order in which it came") {
    testing::SeededRandom random(1);
    Fifo<std::uint64_t> fifo;
    std::deque<std::uint64_t> model;
    for (std::uint64_t step = 0; step < 100'000; ++step) {
        // Grows for a while, then shrinks: so that storage is used again, and given back.
        const bool is_growing = step / 1'000 % 2 == 0;
        const std::uint64_t choice = random.below(100);
        if (choice < (is_growing ? 60u : 35u)) {
            fifo.push_back(step % 50);
            model.push_back(step % 50);
        } else if (choice < 98) {
            if (model.empty()) continue;
            fifo.pop_front();
            model.pop_front();
        } else {
            fifo.erase(step % 50);
            std::erase(model, step % 50);
        }
        REQUIRE(fifo.size() == model.size());
        REQUIRE(fifo.empty() == model.empty());
        if (model.empty()) continue;
        REQUIRE(fifo.front() == model.front());
        REQUIRE(fifo.back() == model.back());
        if (step % 97 == 0) REQUIRE(std::equal(fifo.begin(), fifo.end(), model.begin()));
    }
}

TEST_CASE("a Fifo takes what can only be moved, and lets go of what was popped once it is empty") {
    Fifo<std::shared_ptr<int>> fifo;
    const auto value = std::make_shared<int>(1);
    fifo.push_back(value);
    fifo.push_back(std::make_shared<int>(2));
    fifo.pop_front();
    fifo.pop_front();
    CHECK(value.use_count() == 1);
    CHECK(fifo.empty());
}

TEST_CASE("a Fifo through which many elements pass one by one stays small") {
    Fifo<int> fifo;
    fifo.push_back(0);
    for (int i = 1; i < 100'000; ++i) {
        fifo.push_back(i);
        REQUIRE(fifo.front() == i - 1);
        fifo.pop_front();
        REQUIRE(fifo.storage_count() <= 8);
    }
}

TEST_CASE("an empty Fifo keeps small storage, or what it is told to keep") {
    Fifo<std::uint64_t> fifo;
    const auto fill_and_empty = [&fifo](std::size_t count, std::size_t kept_count) {
        for (std::size_t i = 0; i < count; ++i) fifo.push_back(i);
        for (std::size_t i = 0; i < count; ++i) fifo.pop_front(kept_count);
        return fifo.storage_count();
    };
    CHECK(fill_and_empty(32, 0) == 32);
    CHECK(fill_and_empty(100, 0) == 0);
    const std::size_t storage = fill_and_empty(100, 200);
    CHECK(storage >= 100);
    CHECK(fill_and_empty(100, 200) == storage);
    fifo.clear(storage);
    CHECK(fifo.storage_count() == storage);
    fifo.clear(storage - 1);
    CHECK(fifo.storage_count() == 0);
}

}  // namespace
}  // namespace stt
