#include "cli/progress.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace stt::cli;
using namespace std::chrono_literals;

namespace {

std::size_t columns_of(const std::string& text) {
    std::size_t columns = 0;
    for (const char byte : text) columns += (static_cast<unsigned char>(byte) & 0xc0) != 0x80;
    return columns;
}

}  // namespace

TEST_CASE("a progress bar stays below the width of every terminal") {
    ProgressView view{.done = 84'000'000, .total = 200'000'000, .rate = 250e6, .files_done = 3};
    for (unsigned columns = 0; columns < 300; ++columns) {
        CHECK(columns_of(render_bar(view, columns)) <= columns);
    }
    CHECK(render_bar(view, 100).find("▕") != std::string::npos);
    CHECK(render_bar(view, 50).find("▕") == std::string::npos);
    view.total.reset();
    for (unsigned columns = 0; columns < 300; ++columns) {
        CHECK(columns_of(render_bar(view, columns)) <= columns);
    }
}

TEST_CASE("progress says share, sizes, rate and time left") {
    const ProgressView view{.done = 84'000'000, .total = 200'000'000, .rate = 29e6};
    CHECK(render_line(view) == " 42%  84.0 MB of 200.0 MB  232 Mbit/s  4.0 s left");
}

TEST_CASE("progress of nothing, and of more than was promised, is no more than 100%") {
    CHECK(render_line({.done = 0, .total = 0}).starts_with("100%"));
    CHECK(render_line({.done = 5, .total = 3, .rate = 10}).starts_with("100%"));
    CHECK(render_line({.done = 5, .files_done = 2}) == "5 bytes  0 kbit/s  2 files");
}

TEST_CASE("the rate is that of the last seconds, and survives totals that sink") {
    RateMeter meter;
    RateMeter::Clock::time_point now{};
    CHECK(meter.update(now, 0) == 0);
    std::uint64_t moved = 0;
    for (int i = 0; i < 100; ++i) meter.update(now += 100ms, moved += 1000);
    CHECK(meter.update(now += 100ms, moved += 1000) == doctest::Approx(10'000));
    for (int i = 0; i < 50; ++i) meter.update(now += 100ms, moved += 100);
    CHECK(meter.update(now += 100ms, moved += 100) == doctest::Approx(1'000));
    CHECK(meter.update(now += 100ms, 0) == 0);
}
