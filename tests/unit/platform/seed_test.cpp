#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <stt/seed.hpp>

using namespace stt;

namespace {

std::string digits(std::size_t byte_count) {
    return std::string(2 * byte_count, 'a');
}

bool same(Bytes left, Bytes right) {
    return std::equal(left.begin(), left.end(), right.begin(), right.end());
}

}  // namespace

TEST_CASE("Seed: a random seed has 32 bytes and is new each time") {
    const Seed first = random_seed();
    const Seed second = random_seed();
    CHECK(first.bytes().size() == 32);
    CHECK_FALSE(same(first.bytes(), second.bytes()));
}

TEST_CASE("Seed: hex digits of either case give their bytes in order") {
    const auto seed = seed_from_hex("00010f10FfaBCdef8081feEF7f20abcd");
    REQUIRE(seed);
    const std::uint8_t expected[] = {0x00, 0x01, 0x0f, 0x10, 0xff, 0xab, 0xcd, 0xef,
                                     0x80, 0x81, 0xfe, 0xef, 0x7f, 0x20, 0xab, 0xcd};
    CHECK(same(seed->bytes(), expected));
}

TEST_CASE("Seed: white space around the digits is allowed, between them it is not") {
    CHECK(seed_from_hex(" \t" + digits(32) + "\r\n"));
    CHECK_FALSE(seed_from_hex(digits(16) + " " + digits(16)));
    CHECK_FALSE(seed_from_hex(digits(16) + "\n" + digits(16)));
}

TEST_CASE("Seed: the sizes allowed are 16 to 4,096 bytes") {
    CHECK_FALSE(seed_from_hex(digits(seed_size_min - 1)));
    CHECK(seed_from_hex(digits(seed_size_min))->bytes().size() == seed_size_min);
    CHECK(seed_from_hex(digits(seed_size_min + 1)));
    CHECK(seed_from_hex(digits(seed_size_max - 1)));
    CHECK(seed_from_hex(digits(seed_size_max))->bytes().size() == seed_size_max);
    CHECK_FALSE(seed_from_hex(digits(seed_size_max + 1)));
}

TEST_CASE("Seed: an odd count of digits, no digits, and other characters are refused") {
    CHECK_FALSE(seed_from_hex(digits(16) + "a"));
    CHECK_FALSE(seed_from_hex(""));
    CHECK_FALSE(seed_from_hex(" \n"));
    CHECK_FALSE(seed_from_hex("0x" + digits(16)));
    for (int character = 0; character < 256; ++character) {
        const char as_char = static_cast<char>(character);
        const bool is_digit =
            std::string("0123456789abcdefABCDEF").find(as_char) != std::string::npos;
        std::string text = digits(16);
        text[7] = as_char;
        CAPTURE(character);
        CHECK(seed_from_hex(text).has_value() == is_digit);
    }
}
