#include "stc/turboshake.hpp"

#include <doctest/doctest.h>

#include "samples.hpp"

using namespace stt;
using namespace stt::stc;
using namespace stt::stc::test;

namespace {

Buffer shake(const Buffer& message, std::uint8_t domain, std::size_t size) {
    Buffer output(size);
    turboshake128(message, domain, output);
    return output;
}

}  // namespace

TEST_CASE("stc One permutation (a): TurboSHAKE128 gives the values of RFC 9861 §5") {
    CHECK(hex(shake({}, 0x1f, 64)) ==
          "1e415f1c5983aff2169217277d17bb538cd945a397ddec541f1ce41af2c1b74c"
          "3e8ccae2a4dae56c84a04c2385c03c15e8193bdf58737363321691c05462c8df");
    CHECK(hex(Bytes{shake({}, 0x1f, 10032)}.last(32)) ==
          "a3b9b0385900ce761f22aed548e754da10a5242d62e8c658e3f3a923a7555607");
    CHECK(hex(shake(pattern(289), 0x1f, 32)) ==
          "96c77c279e0126f7fc07c9b07f5cdae1e0be60bdbe10620040e75d7223a624d2");
    CHECK(hex(shake(pattern(83521), 0x1f, 32)) ==
          "da67c7039e98bf530cf7a37830c6664e14cbab7f540f58403b1b82951318ee5c");
    CHECK(hex(shake({0xff, 0xff, 0xff}, 0x01, 32)) ==
          "bf323f940494e88ee1c540fe660be8a0c93f43d15ec006998462fa994eed5dab");
}

TEST_CASE(
    "stc One permutation (a): absorbing in two pieces equals absorbing at once, at every "
    "split") {
    const Buffer message = pattern(3 * rate + 5);
    const Buffer expected = shake(message, 0x10, 32);
    for (std::size_t split = 0; split <= message.size(); ++split) {
        TurboShake128 sponge;
        sponge.absorb(Bytes{message}.first(split));
        sponge.absorb(Bytes{message}.subspan(split));
        sponge.finish(0x10);
        Buffer output(32);
        sponge.squeeze(output);
        CHECK(output == expected);
    }
}

TEST_CASE(
    "stc One permutation (a): squeezing in two pieces equals squeezing at once, at every "
    "split") {
    const Buffer message = pattern(100);
    const Buffer expected = shake(message, 0x12, 3 * rate + 7);
    for (std::size_t split = 0; split <= expected.size(); ++split) {
        TurboShake128 sponge;
        sponge.absorb(message);
        sponge.finish(0x12);
        Buffer output(expected.size());
        sponge.squeeze(MutableBytes{output}.first(split));
        sponge.squeeze(MutableBytes{output}.subspan(split));
        CHECK(output == expected);
    }
}

TEST_CASE("stc Notation (b): a key block is the key's length, the key, and zeros to whole blocks") {
    for (std::size_t size : {16u, 127u, 128u, 165u, 166u, 167u, 334u, 335u, 4096u}) {
        const Buffer key = pattern(size);
        Buffer block;
        if (size >= 128) block.push_back(static_cast<std::uint8_t>(0x80 | (size & 0x7f)));
        block.push_back(static_cast<std::uint8_t>(size >= 128 ? size >> 7 : size));
        block.insert(block.end(), key.begin(), key.end());
        block.resize((block.size() + rate - 1) / rate * rate);
        TurboShake128 sponge;
        sponge.absorb_key_block(key);
        sponge.finish(0x12);
        Buffer output(32);
        sponge.squeeze(output);
        CAPTURE(size);
        CHECK(output == shake(block, 0x12, 32));
    }
}

TEST_CASE("stc, Notation: a copy of a sponge goes its own way") {
    TurboShake128 sponge;
    sponge.absorb(pattern(50));
    TurboShake128 copy = sponge;
    copy.absorb(pattern(10));
    sponge.finish(0x10);
    Buffer output(32);
    sponge.squeeze(output);
    CHECK(output == shake(pattern(50), 0x10, 32));
}

TEST_CASE("stc Code that handles keys (d): a sponge stops the process rather than be misused") {
    CHECK(stops_process([] { TurboShake128{}.finish(0x00); }));
    CHECK_FALSE(stops_process([] { TurboShake128{}.finish(0x01); }));
    CHECK_FALSE(stops_process([] { TurboShake128{}.finish(0x7f); }));
    CHECK(stops_process([] { TurboShake128{}.finish(0x80); }));
    CHECK(stops_process([] {
        Buffer output(1);
        TurboShake128{}.squeeze(output);
    }));
    CHECK(stops_process([] {
        TurboShake128 sponge;
        sponge.absorb(pattern(1));
        sponge.absorb_key_block(pattern(16));
    }));
}
