#include "core/recovery/path_mtu.hpp"

#include <doctest/doctest.h>

#include "tests/unit/core/recovery/recovery_testing.hpp"

namespace stt::recovery::testing {

namespace {

// Probes until the search rests; the path carries up to `carried`. Returns how many probes went.
unsigned search(PathMtu& mtu, std::size_t carried, Instant now) {
    unsigned probes = 0;
    while (const auto size = mtu.probe_size(now)) {
        ++probes;
        REQUIRE(probes < 100);
        mtu.on_probe_sent(now);
        CHECK_FALSE(mtu.probe_size(now).has_value());  // one at a time
        if (*size <= carried) {
            mtu.on_probe_acked(now, *size);
        } else {
            mtu.on_probe_lost(now, *size);
        }
        CHECK(mtu.current() <= std::max(carried, datagram_size_base));
    }
    return probes;
}

// Lost at nine seconds, and sent when whatever was lost before was known to be.
void lose(PathMtu& mtu, std::uint64_t number, std::size_t size) {
    mtu.on_datagram_lost(at(seconds(9)), at(seconds(9)), number, size);
}

PathMtu raised() {
    PathMtu mtu(1'472);
    search(mtu, 1'472, at(Duration(0)));
    return mtu;
}

}  // namespace

TEST_CASE("protocol §13.1 (a): a path starts with 1,200 bytes and asks for its ceiling first") {
    PathMtu mtu(datagram_size_ceiling_ipv4);
    CHECK(mtu.current() == 1'200);
    CHECK(mtu.probe_size(at(Duration(0))) == 1'472);
    CHECK(PathMtu(datagram_size_ceiling_ipv6).probe_size(at(Duration(0))) == 1'452);
    CHECK_FALSE(PathMtu(1'200).probe_size(at(Duration(0))).has_value());
    CHECK(PathMtu(600).current() == 1'200);
}

TEST_CASE("RFC 8899 §5.3: where the ceiling passes one probe is the search") {
    PathMtu mtu(1'472);
    CHECK(search(mtu, 9'000, at(Duration(0))) == 1);
    CHECK(mtu.current() == 1'472);
    CHECK_FALSE(mtu.deadline().has_value());
}

TEST_CASE("RFC 8899 §5.3: every size between base and ceiling is found to 8 bytes") {
    for (std::size_t carried = 1'200; carried < 1'472; ++carried) {
        CAPTURE(carried);
        PathMtu mtu(1'472);
        const unsigned probes = search(mtu, carried, at(Duration(0)));
        CHECK(mtu.current() <= carried);
        CHECK(mtu.current() + PathMtu::search_resolution > carried);
        CHECK(probes <= 3 * 7);
        CHECK(mtu.deadline() == at(seconds(600)));
    }
    PathMtu jumbo(65'507);
    search(jumbo, 8'972, at(Duration(0)));
    CHECK(jumbo.current() > 8'972 - 8);
}

TEST_CASE("RFC 8899 §5.1.2: a size is given up after three lost probes, not two") {
    PathMtu mtu(1'472);
    for (int i = 0; i < 3; ++i) {
        CHECK(mtu.probe_size(at(Duration(0))) == 1'472);
        mtu.on_probe_sent(at(Duration(0)));
        mtu.on_probe_lost(at(Duration(0)), 1'472);
    }
    CHECK(mtu.probe_size(at(Duration(0))) == 1'336);
    // A probe that was only late shows the size all the same.
    mtu.on_probe_acked(at(Duration(0)), 1'472);
    CHECK(mtu.current() == 1'472);
    CHECK_FALSE(mtu.probe_size(at(Duration(0))).has_value());
}

TEST_CASE("RFC 8899 §5.1.1: after 600 s a finished search begins again at the ceiling") {
    PathMtu mtu(1'472);
    search(mtu, 1'400, at(Duration(0)));
    CHECK_FALSE(mtu.probe_size(at(seconds(600) - microseconds(1))).has_value());
    CHECK(mtu.probe_size(at(seconds(600))) == 1'472);
    search(mtu, 1'472, at(seconds(600)));
    CHECK(mtu.current() == 1'472);
}

TEST_CASE("RFC 8899 §4.3: full datagrams lost while small ones pass are a black hole") {
    PathMtu mtu = raised();
    for (std::uint64_t i = 0; i < 5; ++i) {
        mtu.on_datagram_acked(2 * i + 1, 300);
        lose(mtu, 2 * i, 1'472);
    }
    CHECK(mtu.current() == 1'472);
    lose(mtu, 10, 1'472);
    CHECK(mtu.current() == 1'200);
    CHECK_FALSE(mtu.probe_size(at(seconds(9))).has_value());
    CHECK(mtu.deadline() == at(seconds(69)));
    search(mtu, 1'472, at(seconds(69)));
    CHECK(mtu.current() == 1'472);
}

TEST_CASE(
    "what a full queue drops in one round trip, while small datagrams fit, is no black hole") {
    PathMtu mtu = raised();
    const auto lose_at = [&](Duration now, Duration sent_at, std::uint64_t number) {
        mtu.on_datagram_lost(at(now), at(sent_at), number, 1'472);
    };
    for (std::uint64_t i = 0; i < 100; ++i) {
        mtu.on_datagram_acked(2 * i + 1, 73);
        lose_at(milliseconds(9'050 + i / 2), milliseconds(9'000 + i / 2), 2 * i);
    }
    CHECK(mtu.current() == 1'472);
    // One that is sent when the first are known to be lost comes through: they are forgotten.
    mtu.on_datagram_acked(300, 1'472);
    lose_at(milliseconds(9'150), milliseconds(9'100), 301);
    CHECK(mtu.current() == 1'472);
    // Or none does, of several round trips.
    for (std::uint64_t i = 0; i < 4; ++i) {
        lose_at(milliseconds(9'150 + i), milliseconds(9'100 + i), 302 + i);
    }
    CHECK(mtu.current() == 1'472);
    lose_at(milliseconds(9'200), milliseconds(9'150), 310);
    CHECK(mtu.current() == 1'200);
}

TEST_CASE("losses of full datagrams around those that pass are congestion, however many") {
    PathMtu mtu = raised();
    for (std::uint64_t i = 0; i < 1'000; i += 20) {
        mtu.on_datagram_acked(i + 19, 1'472);
        for (std::uint64_t j = 0; j < 19; ++j) lose(mtu, i + j, 1'472);
    }
    CHECK(mtu.current() == 1'472);
    // Nor do datagrams of other sizes above the base mislead it.
    for (std::uint64_t i = 1'000; i < 2'000; i += 20) {
        mtu.on_datagram_acked(i + 19, 1'300);
        for (std::uint64_t j = 0; j < 19; ++j) lose(mtu, i + j, 1'300);
    }
    CHECK(mtu.current() == 1'472);
}

TEST_CASE("a smaller datagram that passes later does not turn those losses into a black hole") {
    PathMtu mtu = raised();
    mtu.on_datagram_acked(19, 1'472);
    mtu.on_datagram_acked(25, 1'300);
    for (std::uint64_t i = 0; i < 19; ++i) lose(mtu, i, 1'472);
    CHECK(mtu.current() == 1'472);
}

TEST_CASE("losses of base-sized datagrams say nothing about the size") {
    PathMtu mtu = raised();
    for (std::uint64_t i = 0; i < 100; ++i) lose(mtu, i, 1'200);
    CHECK(mtu.current() == 1'472);
}

TEST_CASE("three probe timeouts in a row, when nothing at all passes, fall back to the base") {
    PathMtu mtu = raised();
    mtu.on_probe_timeout(at(seconds(1)), 2);
    CHECK(mtu.current() == 1'472);
    mtu.on_probe_timeout(at(seconds(2)), 3);
    CHECK(mtu.current() == 1'200);
    mtu.on_probe_timeout(at(seconds(4)), 4);
    CHECK(mtu.deadline() == at(seconds(62)));
}

}  // namespace stt::recovery::testing
