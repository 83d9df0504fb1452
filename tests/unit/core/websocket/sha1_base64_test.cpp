#include <doctest/doctest.h>

#include <string>

#include "core/websocket/base64.hpp"
#include "core/websocket/handshake_fields.hpp"
#include "core/websocket/sha1.hpp"
#include "testing/seeded_random.hpp"

namespace stt::websocket {
namespace {

std::string hex(Bytes bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (const std::uint8_t byte : bytes) {
        text += digits[byte >> 4];
        text += digits[byte & 15];
    }
    return text;
}
std::string sha1_of(std::string_view text) {
    return hex(sha1(bytes_of(text)));
}
std::string encoded(std::string_view text) {
    return base64_encode(bytes_of(text));
}

}  // namespace

TEST_CASE("FIPS 180-4 §6.1: SHA-1 of its published examples") {
    CHECK(sha1_of("") == "da39a3ee5e6b4b0d3255bfef95601890afd80709");
    CHECK(sha1_of("abc") == "a9993e364706816aba3e25717850c26c9cd0d89d");
    CHECK(sha1_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
          "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
    CHECK(sha1_of(std::string(1'000'000, 'a')) == "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
}

TEST_CASE("FIPS 180-4 §5.1.1: SHA-1 pads to one block more or two, around every block's end") {
    // Digests of so many letters a, from another implementation.
    CHECK(sha1_of(std::string(55, 'a')) == "c1c8bbdc22796e28c0e15163d20899b65621d65a");
    CHECK(sha1_of(std::string(56, 'a')) == "c2db330f6083854c99d4b5bfb6e8f29f201be699");
    CHECK(sha1_of(std::string(63, 'a')) == "03f09f5b158a7a8cdad920bddc29b81c18a551f5");
    CHECK(sha1_of(std::string(64, 'a')) == "0098ba824b5c16427bd7a1122a5a442a25ec644d");
    CHECK(sha1_of(std::string(65, 'a')) == "11655326c708d70319be2610e8a57d9a5b959d3b");
}

TEST_CASE("RFC 4648 §10: base64 of its published examples, both ways") {
    const std::pair<std::string_view, std::string_view> examples[] = {{"", ""},
                                                                      {"f", "Zg=="},
                                                                      {"fo", "Zm8="},
                                                                      {"foo", "Zm9v"},
                                                                      {"foob", "Zm9vYg=="},
                                                                      {"fooba", "Zm9vYmE="},
                                                                      {"foobar", "Zm9vYmFy"}};
    for (const auto& [text, code] : examples) {
        CHECK(encoded(text) == code);
        const auto decoded = base64_decode(code);
        REQUIRE(decoded);
        CHECK(text_of(*decoded) == text);
    }
}

TEST_CASE("RFC 4648 §3.5: what base64 would not have written is refused") {
    for (const std::string_view text : {"Z", "Zg", "Zg=", "Zg==Zg==", "=Zg=", "Z===", "====",
                                        "Zh==", "Zm9=", "Zm 9", "Zm9\n", "Zm-_", "Zg=a"}) {
        CAPTURE(text);
        CHECK(!base64_decode(text));
    }
    testing::SeededRandom random(6);
    for (std::size_t size = 0; size < 100; ++size) {
        std::vector<std::uint8_t> bytes(size);
        random.fill(bytes);
        CHECK(base64_decode(base64_encode(bytes)) == bytes);
    }
}

TEST_CASE("RFC 6455 §1.3: the key of the example is answered by its accept value") {
    CHECK(accept_of("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

}  // namespace stt::websocket
