#include "core/websocket/byte_queue.hpp"

#include <doctest/doctest.h>

#include <deque>
#include <vector>

#include "testing/seeded_random.hpp"

namespace stt::websocket {

TEST_CASE("a ByteQueue gives back what was appended, in one span, whatever part is taken") {
    testing::SeededRandom random(8);
    ByteQueue queue;
    std::deque<std::uint8_t> model;
    for (int step = 0; step < 20'000; ++step) {
        // Grows for a while, then shrinks.
        const bool is_growing = step / 500 % 2 == 0;
        if (random.below(100) < (is_growing ? 60u : 40u)) {
            std::vector<std::uint8_t> data(random.below(300));
            random.fill(data);
            queue.append_copy(data);
            model.insert(model.end(), data.begin(), data.end());
        } else {
            const auto size = static_cast<std::size_t>(random.below(queue.size() + 1));
            queue.consume(size);
            model.erase(model.begin(), model.begin() + static_cast<std::ptrdiff_t>(size));
        }
        if (random.below(500) == 0) queue.release_if_empty();
        REQUIRE(queue.size() == model.size());
        REQUIRE(queue.is_empty() == model.empty());
        const Bytes waiting = queue.waiting();
        REQUIRE(std::equal(waiting.begin(), waiting.end(), model.begin(), model.end()));
    }
}

TEST_CASE("a ByteQueue in steady use stays within its storage, and gives it back when asked") {
    ByteQueue queue;
    const std::vector<std::uint8_t> data(1'000, 1);
    queue.append_copy(data);
    for (int i = 0; i < 10'000; ++i) {
        queue.append_copy(data);
        queue.consume(1'000);
    }
    CHECK(queue.capacity() <= 4'096);
    queue.release_if_empty();
    CHECK(queue.capacity() > 0);
    queue.consume(queue.size());
    queue.release_if_empty();
    CHECK(queue.capacity() == 0);
    CHECK(queue.waiting().empty());
}

}  // namespace stt::websocket
