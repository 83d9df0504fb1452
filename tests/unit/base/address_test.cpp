#include <doctest/doctest.h>

#include <random>
#include <stt/address.hpp>

namespace stt {
namespace {

std::array<std::uint8_t, 16> groups(std::array<std::uint16_t, 8> values) {
    std::array<std::uint8_t, 16> octets{};
    for (std::size_t i = 0; i < 8; ++i) {
        octets[2 * i] = static_cast<std::uint8_t>(values[i] >> 8);
        octets[2 * i + 1] = static_cast<std::uint8_t>(values[i]);
    }
    return octets;
}

std::string canonical(std::string_view text) {
    const auto address = Address::parse(text);
    return address ? address->to_string() : "refused";
}

}  // namespace

TEST_CASE(
    "protocol §8.1 OBSERVED_ADDRESS: an IPv4 address is written and read as four octets and "
    "a port") {
    const Address address = Address::ipv4({127, 0, 0, 1}, 9001);
    CHECK(address.to_string() == "127.0.0.1:9001");
    CHECK(Address::parse("127.0.0.1:9001") == address);
    CHECK(canonical("255.255.255.255:65535") == "255.255.255.255:65535");
    CHECK(canonical("0.0.0.0:0") == "0.0.0.0:0");
    CHECK(address.family() == Address::Family::ipv4);
    CHECK(address.octets()[4] == 0);
}

TEST_CASE("RFC 5952 §4: IPv6 text is lower case, without leading zeros, its longest zeros cut") {
    CHECK(canonical("[2001:db8::1]:9001") == "[2001:db8::1]:9001");
    CHECK(canonical("[2001:0DB8:0000:0000:0000:0000:0002:0001]:1") == "[2001:db8::2:1]:1");
    CHECK(canonical("[2001:db8:0:1:1:1:1:1]:1") == "[2001:db8:0:1:1:1:1:1]:1");
    CHECK(canonical("[2001:0:0:1:0:0:0:1]:1") == "[2001:0:0:1::1]:1");
    CHECK(canonical("[2001:db8:0:0:1:0:0:1]:1") == "[2001:db8::1:0:0:1]:1");
    CHECK(canonical("[0:0:0:0:0:0:0:0]:80") == "[::]:80");
    CHECK(canonical("[::]:80") == "[::]:80");
    CHECK(canonical("[::1]:80") == "[::1]:80");
    CHECK(canonical("[1::]:80") == "[1::]:80");
    CHECK(canonical("[0:1:2:3:4:5:6:7]:80") == "[0:1:2:3:4:5:6:7]:80");
    CHECK(canonical("[1:2:3:4:5:6:7::]:80") == "[1:2:3:4:5:6:7:0]:80");
    CHECK(canonical("[::2:3:4:5:6:7:8]:80") == "[0:2:3:4:5:6:7:8]:80");
    CHECK(canonical("[fe80::1%2]:9001") == "[fe80::1%2]:9001");
    CHECK(canonical("[fe80::1%4294967295]:9001") == "[fe80::1%4294967295]:9001");
}

TEST_CASE("RFC 5952 §5: an IPv4 address mapped into IPv6 keeps its look") {
    CHECK(canonical("[::ffff:192.0.2.1]:80") == "[::ffff:192.0.2.1]:80");
    CHECK(canonical("[::ffff:c000:201]:80") == "[::ffff:192.0.2.1]:80");
    CHECK(canonical("[::ffff:0.0.0.0]:80") == "[::ffff:0.0.0.0]:80");
    CHECK(canonical("[64:ff9b::192.0.2.33]:80") == "[64:ff9b::c000:221]:80");
    CHECK(canonical("[1:2:3:4:5:6:1.2.3.4]:80") == "[1:2:3:4:5:6:102:304]:80");
}

TEST_CASE("protocol §8.1 OBSERVED_ADDRESS: what is no address and port is refused") {
    for (const char* text : {"",
                             ":",
                             "127.0.0.1",
                             "127.0.0.1:",
                             "127.0.0.1:65536",
                             "127.0.0.1:99999999999",
                             "127.0.0.1:-1",
                             "127.0.0.1:+1",
                             "127.0.0.1: 1",
                             "127.0.0.1:1 ",
                             " 127.0.0.1:1",
                             "127.0.0.1:01",
                             "127.0.1:1",
                             "127.0.0.0.1:1",
                             "256.0.0.1:1",
                             "01.0.0.1:1",
                             "1..0.1:1",
                             "localhost:1",
                             "::1:1",
                             "[::1]",
                             "[::1]:",
                             "[::1]1",
                             "[::1:1",
                             "[]:1",
                             "[:]:1",
                             "[:::]:1",
                             "[1::2::3]:1",
                             "[1:2:3:4:5:6:7]:1",
                             "[1:2:3:4:5:6:7:8:9]:1",
                             "[1:2:3:4:5:6:7:8::]:1",
                             "[::1:2:3:4:5:6:7:8]:1",
                             "[1:2:3:4::5:6:7:8]:1",
                             "[12345::]:1",
                             "[g::]:1",
                             "[1:]:1",
                             "[:1]:1",
                             "[::1%]:1",
                             "[::1%eth0]:1",
                             "[::1%4294967296]:1",
                             "[::1%01]:1",
                             "[::1.2.3]:1",
                             "[::1.2.3.4.5]:1",
                             "[1.2.3.4]:1",
                             "[1.2.3.4::]:1",
                             "[::1.2.3.256]:1",
                             "[1:2:3:4:5:6:7:1.2.3.4]:1",
                             "[::1]:1x",
                             "[::1]:65536",
                             "none"}) {
        CAPTURE(text);
        CHECK(!Address::parse(text).has_value());
    }
}

TEST_CASE("protocol §8.1 OBSERVED_ADDRESS: seeded random addresses survive the round trip") {
    std::mt19937_64 engine(5);
    for (int i = 0; i < 5'000; ++i) {
        std::array<std::uint16_t, 8> values{};
        for (auto& value : values) {
            // Zeros often, so that runs of them are of all lengths and places.
            if (engine() % 2 == 0) value = static_cast<std::uint16_t>(engine() >> (engine() % 64));
        }
        const auto port = static_cast<std::uint16_t>(engine());
        const auto scope = engine() % 3 == 0 ? static_cast<std::uint32_t>(engine()) : 0;
        const Address address = Address::ipv6(groups(values), port, scope);
        CHECK(Address::parse(address.to_string()) == address);
        const Address small =
            Address::ipv4({static_cast<std::uint8_t>(engine()), static_cast<std::uint8_t>(engine()),
                           static_cast<std::uint8_t>(engine()), 0},
                          port);
        CHECK(Address::parse(small.to_string()) == small);
    }
}

TEST_CASE("protocol §11.3 (a): same host means all but the port") {
    const Address address = Address::ipv4({192, 0, 2, 1}, 1);
    CHECK(address.is_same_host(address.with_port(2)));
    CHECK(address.with_port(2).port() == 2);
    CHECK(address != address.with_port(2));
    CHECK(!address.is_same_host(Address::ipv4({192, 0, 2, 2}, 1)));
    CHECK(Address() != Address::ipv4({0, 0, 0, 0}, 0));
    CHECK(Address::ipv6(groups({}), 1, 1) != Address::ipv6(groups({}), 1, 2));
    CHECK(Address().to_string() == "none");
}

}  // namespace stt
