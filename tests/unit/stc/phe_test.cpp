#include "stc/phe.hpp"

#include <doctest/doctest.h>

#include <array>
#include <string>

#include "codec/dict_encoder.hpp"
#include "samples.hpp"
#include "stc/kt128.hpp"
#include "stc/permutation/backend.hpp"

using namespace stt;
using namespace stt::stc;
using namespace stt::stc::test;

namespace {

Buffer kt(const Buffer& message, const Buffer& customization, std::size_t size) {
    Buffer output(size);
    kt128(message, customization, output);
    return output;
}

std::array<std::uint8_t, 32> content(Bytes first, Bytes second) {
    ContentDigest digest;
    digest.update(first);
    digest.update(second);
    return digest.finish();
}

}  // namespace

TEST_CASE("stc PHE (a): a digest is TurboSHAKE128 of the context, length first, and the data") {
    codec::ContextDict context;
    context.string("purpose", "test");
    const Bytes encoded = context.encoded();
    Buffer message = {static_cast<std::uint8_t>(encoded.size())};
    message.insert(message.end(), encoded.begin(), encoded.end());
    message.push_back(0x24);
    Buffer expected(40);
    turboshake128(message, 0x10, expected);
    Buffer output(40);
    digest(Bytes{message}.last(1), encoded, output);
    CHECK(output == expected);
    // Of the vectors in stc.json.
    CHECK(hex(Bytes{output}.first(32)) ==
          "3d48f5ca9d4f75ad4f2a64afff618c33254d2593074ad4b5ff49a666f649a7c6");
}

TEST_CASE("stc PHE (a): a keyed digest is one after the key's block, in a domain of its own") {
    const Buffer key = pattern(32);
    Buffer message = {32};
    message.insert(message.end(), key.begin(), key.end());
    message.resize(rate);
    // The length of the empty dict, that dict, and a byte of data.
    for (const int byte : {5, 0x41, 0, 0, 0, 0, 0xaa}) {
        message.push_back(static_cast<std::uint8_t>(byte));
    }
    Buffer expected(32);
    turboshake128(message, 0x11, expected);
    Buffer output(32);
    keyed_digest(key, Bytes{message}.last(1), {}, output);
    CHECK(output == expected);
}

TEST_CASE("stc PHE (b): an absent context is the empty dict") {
    codec::ContextDict context;
    Buffer with(32);
    Buffer without(32);
    digest(pattern(10), context.encoded(), with);
    digest(pattern(10), {}, without);
    CHECK(with == without);
    CHECK(hex(Bytes{without}) != hex(Buffer(32)));
}

TEST_CASE("stc PHE (c): incremental digests equal those made at once, at every split") {
    const Buffer data = pattern(400);
    Buffer expected(32);
    Buffer expected_keyed(32);
    digest(data, {}, expected);
    keyed_digest(pattern(32), data, {}, expected_keyed);
    for (std::size_t split = 0; split <= data.size(); ++split) {
        Buffer output(32);
        Digest plain{{}};
        plain.update(Bytes{data}.first(split));
        plain.update(Bytes{data}.subspan(split));
        plain.finish(output);
        CHECK(output == expected);
        KeyedDigest keyed{pattern(32), {}};
        keyed.update(Bytes{data}.first(split));
        keyed.update(Bytes{data}.subspan(split));
        keyed.finish(output);
        CHECK(output == expected_keyed);
    }
}

TEST_CASE("stc PHE (d): an output is of 1 to 4,096 bytes, and a key of 16 to 4,096") {
    const auto digest_to = [](std::size_t size) {
        return stops_process([size] {
            Buffer output(size);
            digest({}, {}, output);
        });
    };
    CHECK(digest_to(0));
    CHECK_FALSE(digest_to(1));
    CHECK_FALSE(digest_to(4096));
    CHECK(digest_to(4097));
    const auto key_of = [](std::size_t size) {
        return stops_process([size] { KeyedDigest{Buffer(size), {}}; });
    };
    CHECK(key_of(15));
    CHECK_FALSE(key_of(16));
    CHECK_FALSE(key_of(4096));
    CHECK(key_of(4097));
}

TEST_CASE("stc PHE (e): KT128 gives the values of RFC 9861 §5") {
    CHECK(hex(kt({}, {}, 32)) ==
          "1ac2d450fc3b4205d19da7bfca1b37513c0803577ac7167f06fe2ce1f0ef39e5");
    CHECK(hex(kt(pattern(1), {}, 32)) ==
          "2bda92450e8b147f8a7cb629e784a058efca7cf7d8218e02d345dfaa65244a1f");
}

TEST_CASE("stc PHE (e): KT128 is a tree of leaves of 8,192 bytes, as RFC 9861 §3 builds it") {
    // The sizes where the tree changes shape: 8,191 bytes and the customization's length of one
    // byte are still one chunk; 8,192 are not. Then whole and part leaves, held and direct.
    for (std::size_t size : {8190u, 8191u, 8192u, 8193u, 16383u, 16384u, 24576u, 73727u, 73728u,
                             73729u, 139264u, 200000u}) {
        CAPTURE(size);
        const Buffer data = pattern(size);
        Buffer message = data;
        message.push_back(0x00);
        Buffer expected(32);
        if (message.size() <= 8192) {
            turboshake128(message, 0x07, expected);
        } else {
            Buffer node(message.begin(), message.begin() + 8192);
            node.push_back(3);
            node.resize(node.size() + 7);
            std::uint8_t leaf_count = 0;
            for (std::size_t at = 8192; at < message.size(); at += 8192) {
                std::array<std::uint8_t, 32> value;
                turboshake128(
                    Bytes{message}.subspan(at, std::min<std::size_t>(8192, message.size() - at)),
                    0x0b, value);
                node.insert(node.end(), value.begin(), value.end());
                ++leaf_count;
            }
            for (std::uint8_t byte :
                 {leaf_count, std::uint8_t{1}, std::uint8_t{0xff}, std::uint8_t{0xff}}) {
                node.push_back(byte);
            }
            turboshake128(node, 0x06, expected);
        }
        CHECK(kt(data, {}, 32) == expected);
        CHECK(hex(content(data, {})) == hex(expected));
    }
}

TEST_CASE("stc PHE (e): an incremental content digest equals the one made at once") {
    const Buffer data = pattern(150000);
    const std::string expected = hex(content(data, {}));
    for (std::size_t split : {0u, 1u, 8191u, 8192u, 8193u, 16384u, 65535u, 65536u, 65537u, 73728u,
                              73729u, 81920u, 139264u, 149999u, 150000u}) {
        CAPTURE(split);
        CHECK(hex(content(Bytes{data}.first(split), Bytes{data}.subspan(split))) == expected);
    }
    for (std::size_t piece : {1u, 167u, 1000u, 8192u, 65536u, 70000u}) {
        ContentDigest digest;
        for (std::size_t at = 0; at < data.size(); at += piece) {
            digest.update(Bytes{data}.subspan(at, std::min(piece, data.size() - at)));
        }
        CAPTURE(piece);
        CHECK(hex(digest.finish()) == expected);
    }
}

TEST_CASE("stc PHE (e): every backend hashes any number of leaves alike") {
    Samples samples{4};
    const Buffer leaves = samples.bytes(18 * leaf_size);
    for (std::size_t count = 0; count <= 18; ++count) {
        const Bytes some = Bytes{leaves}.first(count * leaf_size);
        Buffer expected(count * chaining_value_size);
        for (std::size_t i = 0; i < count; ++i) {
            turboshake128(some.subspan(i * leaf_size, leaf_size), 0x0b,
                          MutableBytes{expected}.subspan(i * 32, 32));
        }
        for (const Backend& backend : available_backends()) {
            CAPTURE(std::string(backend.name));
            CAPTURE(count);
            Buffer output(expected.size());
            hash_leaves(backend, some, output);
            CHECK(output == expected);
        }
    }
}
