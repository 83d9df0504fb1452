#include "core/session/replay_window.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "tests/unit/codec/seeded.hpp"

namespace stt::session {
namespace {

using wire::DropReason;

// What §6 says, with a set and without thought for memory.
class NaiveWindow {
public:
    std::optional<DropReason> judge(std::uint64_t sequence) const {
        if (sequence < low_edge_) return DropReason::sequence_too_old;
        if (seen_.contains(sequence)) return DropReason::sequence_repeated;
        return std::nullopt;
    }
    void accept(std::uint64_t sequence) {
        seen_.insert(sequence);
        const std::uint64_t highest = *seen_.rbegin();
        if (highest > size_) low_edge_ = std::max(low_edge_, highest - size_);
        seen_.erase(seen_.begin(), seen_.lower_bound(low_edge_));
    }
    void set_size(std::size_t size) { size_ = std::max(size_, size); }
    std::uint64_t low_edge() const { return low_edge_; }

private:
    std::set<std::uint64_t> seen_;
    std::size_t size_ = 4'096;
    std::uint64_t low_edge_ = 0;
};

std::optional<DropReason> reason_of(const Result<void, DropReason>& result) {
    if (result) return std::nullopt;
    return result.error();
}

void compare(ReplayWindow& window, NaiveWindow& naive, std::uint64_t sequence, bool is_authentic) {
    const auto expected = naive.judge(sequence);
    CHECK(reason_of(window.check(sequence)) == expected);
    if (!is_authentic) return;
    CHECK(reason_of(window.accept(sequence)) == expected);
    if (!expected) naive.accept(sequence);
    CHECK(window.low_edge() == naive.low_edge());
}

}  // namespace

TEST_CASE("protocol §6.1 (b): a Sequence is taken once, in any order") {
    ReplayWindow window;
    CHECK(!window.highest().has_value());
    for (const std::uint64_t sequence : {5u, 0u, 3u, 4u, 100u, 99u}) {
        CHECK(window.check(sequence));
        CHECK(window.accept(sequence));
        CHECK(reason_of(window.check(sequence)) == DropReason::sequence_repeated);
        CHECK(reason_of(window.accept(sequence)) == DropReason::sequence_repeated);
    }
    CHECK(window.highest() == 100);
    CHECK(window.check(1));
}

TEST_CASE("protocol §6.1 (b): what was only checked moves nothing") {
    ReplayWindow window;
    CHECK(window.accept(10));
    CHECK(window.check(1'000'000));
    CHECK(window.highest() == 10);
    CHECK(window.check(9));
    CHECK(window.check(1'000'000));
}

TEST_CASE("protocol §6.1 (a): the window is 4096 below the highest, at n - 1, n and n + 1") {
    ReplayWindow window;
    CHECK(window.size() == 4'096);
    CHECK(window.accept(10'000));
    CHECK(window.low_edge() == 10'000 - 4'096);
    CHECK(window.check(10'000 - 4'095));
    CHECK(window.check(10'000 - 4'096));
    CHECK(reason_of(window.check(10'000 - 4'097)) == DropReason::sequence_too_old);
    CHECK(window.accept(10'000 - 4'096));
    CHECK(window.accept(10'001));
    CHECK(reason_of(window.check(10'000 - 4'096)) == DropReason::sequence_too_old);
}

TEST_CASE("protocol §6.1 (a): the size grows to at most 65536, and never shrinks") {
    ReplayWindow window;
    window.set_size(0);
    CHECK(window.size() == 4'096);
    window.set_size(4'097);
    CHECK(window.size() == 8'192);
    window.set_size(4'096);
    CHECK(window.size() == 8'192);
    window.set_size(65'535);
    CHECK(window.size() == 65'536);
    window.set_size(10'000'000);
    CHECK(window.size() == 65'536);
}

TEST_CASE("protocol §6.1 (a): the low edge never moves down, not even when the window grows") {
    ReplayWindow window;
    CHECK(window.accept(100'000));
    const std::uint64_t edge = window.low_edge();
    CHECK(window.accept(edge + 7));
    window.set_size(65'536);
    CHECK(window.low_edge() == edge);
    CHECK(reason_of(window.check(edge - 1)) == DropReason::sequence_too_old);
    CHECK(reason_of(window.check(edge + 7)) == DropReason::sequence_repeated);
    CHECK(window.check(edge));
    // From here on the window fills up.
    CHECK(window.accept(edge + 65'536));
    CHECK(window.low_edge() == edge);
    CHECK(window.accept(edge + 65'537));
    CHECK(window.low_edge() == edge + 1);
}

TEST_CASE("protocol §6.1 (a): a jump of any size leaves nothing of the old window behind") {
    for (const std::uint64_t jump :
         {std::uint64_t{1}, std::uint64_t{63}, std::uint64_t{64}, std::uint64_t{65},
          std::uint64_t{4'095}, std::uint64_t{4'096}, std::uint64_t{4'097}, std::uint64_t{8'192},
          std::uint64_t{1} << 40, ~std::uint64_t{0} - 10'000}) {
        ReplayWindow window;
        NaiveWindow naive;
        for (std::uint64_t sequence = 0; sequence < 5'000; ++sequence) {
            compare(window, naive, sequence, true);
        }
        const std::uint64_t highest = 4'999 + jump;
        compare(window, naive, highest, true);
        for (std::uint64_t sequence = highest - std::min<std::uint64_t>(highest, 9'000);
             sequence <= highest; ++sequence) {
            compare(window, naive, sequence, false);
        }
    }
}

TEST_CASE("protocol §6.1 (a): the highest Sequences that exist are taken") {
    ReplayWindow window;
    CHECK(window.accept(~std::uint64_t{0}));
    CHECK(window.accept(~std::uint64_t{0} - 1));
    CHECK(reason_of(window.accept(~std::uint64_t{0})) == DropReason::sequence_repeated);
    CHECK(reason_of(window.accept(0)) == DropReason::sequence_too_old);
}

TEST_CASE("protocol §6.1 (a)(b): seeded random steps are judged as by a naive model") {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        CAPTURE(seed);
        test::Seeded seeded(seed);
        ReplayWindow window;
        NaiveWindow naive;
        std::uint64_t middle = seeded.number_of_any_width() >> 2;
        for (int step = 0; step < 20'000; ++step) {
            const std::uint64_t kind = seeded.below(1'000);
            if (kind == 0) middle += seeded.below(200'000);
            if (kind == 1) {
                const std::size_t size = std::size_t{4'096} << seeded.below(5);
                window.set_size(size);
                naive.set_size(size);
            }
            middle += seeded.below(3);
            const std::uint64_t spread = kind < 100 ? 70'000 : 5'000;
            const std::uint64_t back = seeded.below(spread);
            compare(window, naive, middle - std::min(middle, back), seeded.below(10) != 0);
        }
    }
}

}  // namespace stt::session
