#include "stc/dsf.hpp"

#include <doctest/doctest.h>

#include <string>

#include "samples.hpp"

using namespace stt;
using namespace stt::stc;
using namespace stt::stc::test;

namespace {

FoldKey fold_key(const Buffer& bytes) {
    return FoldKey{Key{std::span<const std::uint8_t, 32>{bytes.data(), 32}}};
}

struct Sealed {
    Buffer data;
    Buffer tag;
};

Sealed sealed(const FoldKey& key, const Buffer& associated_data, const Buffer& plain,
              std::size_t tag_size) {
    Sealed result{plain, Buffer(tag_size)};
    fold({&key, {associated_data, {}}, result.data, result.tag});
    return result;
}

bool opens(const FoldKey& key, const Buffer& associated_data, Sealed& sealed) {
    UnfoldJob job{&key, {associated_data, {}}, sealed.data, sealed.tag};
    return unfold(job);
}

}  // namespace

TEST_CASE("stc DSF (c): the authors' checksum for an empty plaintext is reproduced") {
    const Sealed result = sealed(fold_key(sequence(32)), {0xa0}, {}, 32);
    CHECK(hex(result.tag) == "d526204a0bf50a8e705e2dabf6c4cedd7166e421cd338fbd6aa19b851627ea3e");
}

TEST_CASE("stc DSF (c): the authors' checksum for 32 bytes of plaintext is reproduced") {
    const Sealed result = sealed(fold_key(sequence(32)), sequence(16, 0xa0), sequence(32), 32);
    CHECK(hex(result.data) == "a7192a9312945987fedc4f04a5466434e9e57b23bbd2848b4fd2b0094387d997");
    CHECK(hex(result.tag) == "18ad750e7eab6d1a6931fc4459ec41547cfcb5301c2dd45a4b0c330314e055a2");
}

TEST_CASE("stc DSF (a): a tag of 16 bytes is the start of the one of 32") {
    const FoldKey key = fold_key(sequence(32));
    const Sealed long_one = sealed(key, {1}, sequence(200), 32);
    const Sealed short_one = sealed(key, {1}, sequence(200), 16);
    CHECK(short_one.data == long_one.data);
    CHECK(hex(short_one.tag) == hex(Bytes{long_one.tag}.first(16)));
}

TEST_CASE("stc DSF (a): unfold gives the plaintext back, whatever the lengths") {
    Samples samples{7};
    const FoldKey key = fold_key(samples.bytes(32));
    for (std::size_t size = 0; size <= 330; ++size) {
        const Buffer plain = samples.bytes(size);
        const Buffer associated_data = samples.bytes(1 + size % 330);
        Sealed result = sealed(key, associated_data, plain, size % 2 == 0 ? 16 : 32);
        CHECK(opens(key, associated_data, result));
        CHECK(result.data == plain);
    }
}

TEST_CASE("stc DSF (b): any changed bit of cipher, tag, A or key fails, and the output is wiped") {
    Samples samples{8};
    const Buffer key_bytes = samples.bytes(32);
    const FoldKey key = fold_key(key_bytes);
    for (std::size_t size : {1u, 16u, 160u, 161u, 320u, 500u}) {
        for (std::size_t tag_size : {16u, 32u}) {
            const Buffer associated_data = samples.bytes(20);
            const Sealed good = sealed(key, associated_data, samples.bytes(size), tag_size);
            const Buffer zeros(size);
            const auto flip = [](Buffer bytes, std::size_t bit) {
                bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] ^ (1u << (bit % 8)));
                return bytes;
            };
            const auto refuses = [&](const FoldKey& other, const Buffer& other_data,
                                     Sealed changed) {
                return !opens(other, other_data, changed) && changed.data == zeros;
            };
            for (std::size_t bit = 0; bit < 8 * size; ++bit) {
                CHECK(refuses(key, associated_data, {flip(good.data, bit), good.tag}));
            }
            for (std::size_t bit = 0; bit < 8 * tag_size; ++bit) {
                CHECK(refuses(key, associated_data, {good.data, flip(good.tag, bit)}));
            }
            for (std::size_t bit = 0; bit < 8 * associated_data.size(); ++bit) {
                CHECK(refuses(key, flip(associated_data, bit), good));
            }
            for (std::size_t bit = 0; bit < 256; ++bit) {
                CHECK(refuses(fold_key(flip(key_bytes, bit)), associated_data, good));
            }
            Sealed unchanged = good;
            CHECK(opens(key, associated_data, unchanged));
        }
    }
}

TEST_CASE("stc DSF (b): a shorter or longer message than the one folded does not open") {
    const FoldKey key = fold_key(sequence(32));
    for (std::size_t size : {1u, 159u, 160u, 161u}) {
        const Sealed good = sealed(key, {1}, sequence(size), 16);
        Sealed shorter = good;
        shorter.data.pop_back();
        CHECK_FALSE(opens(key, {1}, shorter));
        Sealed longer = good;
        longer.data.push_back(0);
        CHECK_FALSE(opens(key, {1}, longer));
    }
}

TEST_CASE("stc DSF (a): A has at least one byte, and a tag is of 16 or 32") {
    const auto fold_with = [](std::size_t associated_data_size, std::size_t tag_size) {
        return stops_process(
            [=] { sealed(fold_key(sequence(32)), Buffer(associated_data_size), {}, tag_size); });
    };
    CHECK(fold_with(0, 16));
    CHECK_FALSE(fold_with(1, 16));
    CHECK_FALSE(fold_with(1, 32));
    for (std::size_t tag_size : {0u, 8u, 15u, 17u, 24u, 31u, 33u}) CHECK(fold_with(1, tag_size));
}

TEST_CASE("stc Code that handles keys (c): equality in constant time is equality") {
    Samples samples{9};
    for (std::size_t size = 0; size <= 40; ++size) {
        const Buffer a = samples.bytes(size);
        CHECK(equal_constant_time(a, a));
        for (std::size_t bit = 0; bit < 8 * size; ++bit) {
            Buffer b = a;
            b[bit / 8] = static_cast<std::uint8_t>(b[bit / 8] ^ (1u << (bit % 8)));
            CHECK_FALSE(equal_constant_time(a, b));
        }
        CHECK_FALSE(equal_constant_time(a, samples.bytes(size + 1)));
    }
}
