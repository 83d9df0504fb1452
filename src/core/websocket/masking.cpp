#include "core/websocket/masking.hpp"

#include <cstring>
#include <stt/check.hpp>

namespace stt::websocket {
namespace {

// As wide as the widest registers that there are: the compiler takes it apart into those that the
// target has. At -O2 it would not make a plain loop over bytes wide by itself.
typedef std::uint64_t Wide __attribute__((vector_size(64)));

// The key turned so that its first byte is the one for the payload's byte `offset`, twice.
std::uint64_t turned(const MaskingKey& key, std::size_t offset) noexcept {
    std::array<std::uint8_t, 8> bytes;
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = key[(offset + i) % key.size()];
    std::uint64_t word;
    std::memcpy(&word, bytes.data(), sizeof word);
    return word;
}

// Steps of whole words leave the key as it is turned: their sizes are multiples of four.
template <class Word>
std::size_t mask_words(std::uint8_t* output, const std::uint8_t* data, std::size_t at,
                       std::size_t size, const Word& key) noexcept {
    for (; size - at >= sizeof(Word); at += sizeof(Word)) {
        Word word;
        std::memcpy(&word, data + at, sizeof word);
        word ^= key;
        std::memcpy(output + at, &word, sizeof word);
    }
    return at;
}

// `output` is `data`, or does not overlap it.
void mask_from(std::uint8_t* output, const std::uint8_t* data, std::size_t size,
               const MaskingKey& key, std::size_t offset) noexcept {
    const std::uint64_t word = turned(key, offset);
    const Wide wide = {word, word, word, word, word, word, word, word};
    std::size_t at = mask_words(output, data, 0, size, wide);
    at = mask_words(output, data, at, size, word);
    for (; at < size; ++at) {
        output[at] = static_cast<std::uint8_t>(data[at] ^ key[(offset + at) % key.size()]);
    }
}

}  // namespace

void mask(MutableBytes data, const MaskingKey& key, std::size_t offset) noexcept {
    mask_from(data.data(), data.data(), data.size(), key, offset);
}

void mask_copy(MutableBytes output, Bytes data, const MaskingKey& key,
               std::size_t offset) noexcept {
    STT_CHECK(output.size() == data.size());
    mask_from(output.data(), data.data(), data.size(), key, offset);
}

}  // namespace stt::websocket
