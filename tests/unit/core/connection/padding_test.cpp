#include "core/connection/padding.hpp"

#include <doctest/doctest.h>

#include <set>

namespace stt::connection {
namespace {

constexpr std::size_t room = 1'150;

TEST_CASE("protocol §12.1 (a): bucket rounds the plaintext with its 0x80 up to the next size") {
    const Padding padding(PaddingPolicy::bucket);
    const auto size = [&](std::size_t data) { return padding.padded_size(data, room, true); };
    CHECK(size(0) == 128);
    CHECK(size(127) == 128);
    CHECK(size(128) == 256);
    CHECK(size(255) == 256);
    CHECK(size(256) == 512);
    CHECK(size(511) == 512);
    CHECK(size(512) == 1'024);
    CHECK(size(1'023) == 1'024);
    CHECK(size(1'024) == room);
    CHECK(size(room - 1) == room);
    CHECK(padding.capacity(room, true) == room - 1);
}

TEST_CASE("protocol §12.1 (a): constant is always the maximum") {
    const Padding padding(PaddingPolicy::constant);
    for (std::size_t data = 0; data < room; ++data) {
        CHECK(padding.padded_size(data, room, true) == room);
    }
    CHECK(padding.capacity(room, true) == room - 1);
    CHECK(padding.capacity(room, false) == 0);
}

TEST_CASE("protocol §12.1 (a): none leaves sizes as they are") {
    const Padding padding(PaddingPolicy::none);
    CHECK(padding.padded_size(77, room, false) == 77);
    CHECK(padding.capacity(room, false) == room);
    CHECK(!padding.is_on());
}

TEST_CASE(
    "protocol §12.1 (a): a frame behind others has the size of a bucket, never what is left") {
    const Padding padding(PaddingPolicy::bucket);
    std::set<std::size_t> sizes;
    for (std::size_t left = 0; left <= 1'200; ++left) {
        const std::size_t capacity = padding.capacity(left, false);
        CHECK(capacity <= left);
        if (left < 128) CHECK(capacity == 0);
        if (capacity == 0) continue;
        for (std::size_t data = 0; data <= capacity; ++data) {
            const std::size_t size = padding.padded_size(data, left, false);
            REQUIRE(size > data);
            REQUIRE(size <= left);
            sizes.insert(size);
        }
    }
    CHECK(sizes == std::set<std::size_t>{128, 256, 512, 1'024});
}

TEST_CASE("protocol §12.1 (a): without room for the next bucket, alone, a frame is the maximum") {
    const Padding padding(PaddingPolicy::bucket);
    CHECK(padding.padded_size(600, 900, true) == 900);
    CHECK(padding.padded_size(400, 900, true) == 512);
    CHECK(padding.capacity(0, true) == 0);
}

}  // namespace
}  // namespace stt::connection
