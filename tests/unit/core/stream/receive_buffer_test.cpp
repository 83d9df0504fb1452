#include "core/stream/receive_buffer.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "testing/pattern.hpp"
#include "testing/seeded_random.hpp"

namespace stt::stream {
namespace {

using Outcome = ReceiveBuffer::Outcome;

std::vector<std::uint8_t> content(std::uint64_t offset, std::size_t size) {
    std::vector<std::uint8_t> bytes(size);
    testing::Pattern(3).write(offset, bytes);
    return bytes;
}

bool receive(ReceiveBuffer& buffer, std::uint64_t offset, std::size_t size, bool is_end = false) {
    const auto outcome = buffer.receive(offset, content(offset, size), is_end);
    return outcome.has_value() && *outcome == Outcome::taken;
}

bool is_flow_error(const Result<Outcome, wire::Violation>& result) {
    return !result.has_value() && result.error().code == ErrorCode::flow_control;
}

TEST_CASE("ReceiveBuffer: agrees with a naive model over random frames and reads") {
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
        testing::SeededRandom random(seed);
        ReceiveBuffer buffer;
        const std::size_t size = random.between(1, 20'000);
        std::vector<bool> has_come(size, false);
        std::size_t read_end = 0;
        std::uint64_t highest = 0;
        bool end_has_come = false;
        std::vector<std::uint8_t> output(4'000);
        while (read_end < size || !end_has_come) {
            const std::size_t offset = random.below(size + 1);
            const std::size_t frame = std::min(size - offset, random.below(1'500));
            const bool is_end = offset + frame == size && random.below(2) == 0;
            if (frame > 0 || is_end) {
                REQUIRE(receive(buffer, offset, frame, is_end));
                for (std::size_t i = 0; i < frame; ++i) has_come[offset + i] = true;
                highest = std::max<std::uint64_t>(highest, offset + frame);
                end_has_come = end_has_come || is_end;
            }
            std::size_t readable = 0;
            while (read_end + readable < size && has_come[read_end + readable]) ++readable;
            REQUIRE(buffer.readable() == readable);
            REQUIRE(buffer.highest_end() == highest);
            REQUIRE(buffer.is_complete() == (end_has_come && read_end + readable == size));
            if (random.below(3) != 0) continue;
            const MutableBytes room = MutableBytes(output).first(random.below(output.size()));
            const std::size_t taken = buffer.read(room);
            REQUIRE(taken == std::min(room.size(), readable));
            REQUIRE(testing::Pattern(3).matches(read_end, room.first(taken)));
            read_end += taken;
            REQUIRE(buffer.read_end() == read_end);
            REQUIRE(buffer.is_at_end() == (end_has_come && read_end == size));
        }
    }
}

TEST_CASE("ReceiveBuffer: a final offset may be said again, but not changed") {
    ReceiveBuffer buffer;
    REQUIRE(receive(buffer, 0, 100, true));
    CHECK(receive(buffer, 50, 50, true));
    CHECK(receive(buffer, 20, 30));
    CHECK(is_flow_error(buffer.receive(0, content(0, 99), true)));
    CHECK(is_flow_error(buffer.receive(0, content(0, 101), true)));
    CHECK(is_flow_error(buffer.receive(100, content(100, 1), false)));
    CHECK(buffer.final_offset() == 100);
}

TEST_CASE("ReceiveBuffer: a final offset below what was received is error 5") {
    ReceiveBuffer buffer;
    REQUIRE(receive(buffer, 100, 10));
    CHECK(is_flow_error(buffer.receive(0, content(0, 109), true)));
    CHECK(!buffer.final_offset().has_value());
    CHECK(receive(buffer, 0, 110, true));
}

TEST_CASE("ReceiveBuffer: RESET drops what is unread and ends the direction") {
    ReceiveBuffer buffer;
    REQUIRE(receive(buffer, 0, 100));
    CHECK(!buffer.reset(99).has_value());
    REQUIRE(buffer.reset(500).has_value());
    CHECK(buffer.is_complete());
    CHECK(buffer.readable() == 0);
    CHECK(buffer.read_end() == 500);
    CHECK(receive(buffer, 100, 100));
    CHECK(buffer.readable() == 0);
    CHECK(is_flow_error(buffer.receive(500, content(500, 1), false)));
}

TEST_CASE("ReceiveBuffer: what comes after discard() counts and is not kept") {
    ReceiveBuffer buffer;
    REQUIRE(receive(buffer, 0, 100));
    REQUIRE(receive(buffer, 200, 100));
    buffer.discard();
    CHECK(buffer.read_end() == 100);
    REQUIRE(receive(buffer, 100, 100, false));
    CHECK(buffer.read_end() == 300);
    CHECK(buffer.readable() == 0);
    REQUIRE(receive(buffer, 300, 10, true));
    CHECK(buffer.is_complete());
    CHECK(buffer.is_at_end());
}

TEST_CASE("ReceiveBuffer: a frame that would open one gap too many is not taken") {
    for (const bool is_discarding : {false, true}) {
        // From the front to the back, and from the back to the front.
        for (const bool is_backwards : {false, true}) {
            ReceiveBuffer buffer;
            if (is_discarding) buffer.discard();
            for (std::size_t i = 0; i < receive_gap_count_max; ++i) {
                const std::size_t place = is_backwards ? 2 * receive_gap_count_max - i : i + 1;
                REQUIRE(receive(buffer, 2 * place, 1));
            }
            const std::uint64_t apart =
                is_backwards ? 2 : 2 * (std::uint64_t{receive_gap_count_max} + 1);
            const auto refused = buffer.receive(apart, content(apart, 1), false);
            REQUIRE(refused.has_value());
            CHECK(*refused == Outcome::not_taken);
            // What fills a gap, or can be read at once, is always welcome.
            CHECK(receive(buffer, 0, 1));
            CHECK(receive(buffer, 2 * receive_gap_count_max + 1, 1));
        }
    }
}

}  // namespace
}  // namespace stt::stream
