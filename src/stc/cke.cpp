#include "stc/cke.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>
#include <stt/check.hpp>

#include "base/secret.hpp"
#include "stc/encoded_context.hpp"
#include "stc/permutation/backend.hpp"

namespace stt::stc {
namespace {

// Spec stc Notation: the domain byte of CKE derive.
constexpr std::uint8_t derive_domain = 0x12;

// The one block that a short context is, padded as TurboSHAKE128 pads its last. RFC 9861 §2.2.
using Block = std::array<std::uint8_t, rate>;
Block last_block(Bytes context) noexcept {
    Block block{};
    std::copy(context.begin(), context.end(), block.begin());
    block[context.size()] = derive_domain;
    block[rate - 1] ^= 0x80;
    return block;
}

// One permutation for as many keys as the kernel is wide, or fewer.
void derive_side_by_side(const Kernel& kernel, std::span<const DerivationKey* const> keys,
                         const Block& block, MutableBytes output) noexcept {
    alignas(64) std::uint8_t batch[lane_count * lane_size * width_max] = {};
    const auto lane = [&](std::size_t index, std::size_t state) {
        return batch + lane_size * (index * kernel.width + state);
    };
    for (std::size_t i = 0; i < keys.size(); ++i) {
        const std::uint8_t* const state = keys[i]->state().data();
        for (std::size_t index = 0; index < lane_count; ++index) {
            std::memcpy(lane(index, i), state + lane_size * index, lane_size);
        }
    }
    const std::uint8_t* input[width_max];
    std::fill(std::begin(input), std::end(input), block.data());
    kernel.absorb(batch, input, 1);
    const std::size_t size = output.size() / keys.size();
    for (std::size_t i = 0; i < keys.size(); ++i) {
        for (std::size_t at = 0; at < size; at += lane_size) {
            std::memcpy(output.data() + i * size + at, lane(at / lane_size, i),
                        std::min(lane_size, size - at));
        }
    }
    wipe(batch);
}

}  // namespace

DerivationKey::DerivationKey(Bytes key) noexcept {
    STT_CHECK(key.size() >= derive_key_size_min && key.size() <= derive_key_size_max);
    keyed_.absorb_key_block(key);
}

void DerivationKey::derive(Bytes context, MutableBytes output) const noexcept {
    STT_CHECK(!output.empty() && output.size() <= derive_output_size_max);
    TurboShake128 sponge = keyed_;
    sponge.absorb(encoded_context(context));
    sponge.finish(derive_domain);
    sponge.squeeze(output);
}

Key DerivationKey::derive_key(Bytes context) const noexcept {
    Key key;
    derive(context, key.mutable_bytes());
    return key;
}

void DerivationKey::derive_many(std::span<const DerivationKey* const> keys, Bytes context,
                                MutableBytes output) noexcept {
    if (keys.empty()) return;
    const std::size_t size = output.size() / keys.size();
    STT_CHECK(size * keys.size() == output.size() && size > 0 && size <= derive_output_size_max);
    const Bytes encoded = encoded_context(context);
    if (encoded.size() >= rate || size > rate) {
        for (const DerivationKey* key : keys) {
            key->derive(encoded, output.first(size));
            output = output.subspan(size);
        }
        return;
    }
    const Block block = last_block(encoded);
    while (!keys.empty()) {
        const Kernel& kernel = kernel_for(backend(), keys.size());
        const std::size_t count = std::min(kernel.width, keys.size());
        derive_side_by_side(kernel, keys.first(count), block, output.first(count * size));
        keys = keys.subspan(count);
        output = output.subspan(count * size);
    }
}

}  // namespace stt::stc
