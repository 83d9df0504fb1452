#include "core/websocket/sha1.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/byte_order.hpp"

namespace stt::websocket {
namespace {

constexpr std::size_t block_size = 64;
constexpr std::size_t length_size = 8;

using State = std::array<std::uint32_t, 5>;

// FIPS 180-4 §4.1.1 and §4.2.1: the function and the constant of a round of twenty steps.
struct Round {
    std::uint32_t mixed = 0;
    std::uint32_t constant = 0;
};
constexpr Round round_of(std::size_t step, std::uint32_t b, std::uint32_t c,
                         std::uint32_t d) noexcept {
    if (step < 20) return {(b & c) ^ (~b & d), 0x5a827999};
    if (step < 40) return {b ^ c ^ d, 0x6ed9eba1};
    if (step < 60) return {(b & c) ^ (b & d) ^ (c & d), 0x8f1bbcdc};
    return {b ^ c ^ d, 0xca62c1d6};
}

void take_block(State& state, const std::uint8_t* block) noexcept {
    std::array<std::uint32_t, 80> schedule;
    for (std::size_t i = 0; i < 16; ++i) {
        schedule[i] = load_big_endian<std::uint32_t>(block + i * sizeof(std::uint32_t));
    }
    for (std::size_t i = 16; i < schedule.size(); ++i) {
        schedule[i] =
            std::rotl(schedule[i - 3] ^ schedule[i - 8] ^ schedule[i - 14] ^ schedule[i - 16], 1);
    }
    auto [a, b, c, d, e] = state;
    for (std::size_t i = 0; i < schedule.size(); ++i) {
        const Round round = round_of(i, b, c, d);
        const std::uint32_t next = std::rotl(a, 5) + round.mixed + e + round.constant + schedule[i];
        e = d;
        d = c;
        c = std::rotl(b, 30);
        b = a;
        a = next;
    }
    const State added = {a, b, c, d, e};
    for (std::size_t i = 0; i < state.size(); ++i) state[i] += added[i];
}

}  // namespace

Sha1Digest sha1(Bytes message) noexcept {
    State state = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
    Bytes rest = message;
    for (; rest.size() >= block_size; rest = rest.subspan(block_size)) {
        take_block(state, rest.data());
    }
    // A bit 1, zeros, and the length in bits: one block more, or two.
    std::array<std::uint8_t, 2 * block_size> last{};
    std::copy(rest.begin(), rest.end(), last.begin());
    last[rest.size()] = 0x80;
    const std::size_t end =
        rest.size() + 1 + length_size <= block_size ? block_size : 2 * block_size;
    store_big_endian(&last[end - length_size], std::uint64_t{message.size()} * 8);
    for (std::size_t at = 0; at < end; at += block_size) take_block(state, &last[at]);

    Sha1Digest digest;
    for (std::size_t i = 0; i < state.size(); ++i) {
        store_big_endian(&digest[i * sizeof(std::uint32_t)], state[i]);
    }
    return digest;
}

}  // namespace stt::websocket
