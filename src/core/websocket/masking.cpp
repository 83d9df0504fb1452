#include "core/websocket/masking.hpp"

#include <bit>
#include <cstring>
#include <stt/check.hpp>

namespace stt::websocket {
namespace {

// As wide as the widest registers that there are: the compiler takes it apart into those that the
// target has. At -O2 it would not make a plain loop over bytes wide by itself.
typedef std::uint64_t Wide __attribute__((vector_size(64)));
typedef std::uint64_t Half __attribute__((vector_size(16)));

// The key turned so that its first byte is the one for the payload's byte `offset`, twice.
std::uint64_t turned(const MaskingKey& key, std::size_t offset) noexcept {
    std::uint32_t half;
    std::memcpy(&half, key.data(), sizeof half);
    const auto bits = static_cast<int>(8 * (offset % key.size()));
    half =
        std::endian::native == std::endian::little ? std::rotr(half, bits) : std::rotl(half, bits);
    return std::uint64_t{half} << 32 | half;
}

template <class Word>
void mask_word(std::uint8_t* output, const std::uint8_t* data, const Word& key) noexcept {
    Word word;
    std::memcpy(&word, data, sizeof word);
    word ^= key;
    std::memcpy(output, &word, sizeof word);
}

// `output` is `data`, or does not overlap it. Steps of four bytes and more leave the key as it is
// turned.
void mask_from(std::uint8_t* output, const std::uint8_t* data, std::size_t size,
               std::uint64_t key) noexcept {
    const Half half = {key, key};
    const Wide wide = {key, key, key, key, key, key, key, key};
    std::size_t at = 0;
    const auto step = [&](const auto& word) {
        mask_word(output + at, data + at, word);
        at += sizeof word;
    };
    while (size - at >= sizeof wide) step(wide);
    while (size - at >= sizeof half) step(half);
    const std::size_t rest = size - at;
    if ((rest & 8) != 0) step(key);
    std::uint32_t last;
    std::memcpy(&last, &key, sizeof last);
    if ((rest & 4) != 0) step(last);
    std::array<std::uint8_t, 4> bytes;
    std::memcpy(bytes.data(), &last, sizeof last);
    for (std::size_t i = 0; i < (rest & 3); ++i) {
        output[at + i] = static_cast<std::uint8_t>(data[at + i] ^ bytes[i]);
    }
}

}  // namespace

void mask(MutableBytes data, const MaskingKey& key, std::size_t offset) noexcept {
    mask_from(data.data(), data.data(), data.size(), turned(key, offset));
}

void mask_copy(MutableBytes output, Bytes data, const MaskingKey& key,
               std::size_t offset) noexcept {
    STT_CHECK(output.size() == data.size());
    mask_from(output.data(), data.data(), data.size(), turned(key, offset));
}

}  // namespace stt::websocket
