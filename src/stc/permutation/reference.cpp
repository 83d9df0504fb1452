#include "stc/permutation/reference.hpp"

#include <array>

#include "base/byte_order.hpp"
#include "base/secret.hpp"
#include "stc/permutation/round.hpp"

namespace stt::stc::permutation {
namespace {

// Lane (x, y) is at [x][y].
using Lattice = std::array<std::array<std::uint64_t, 5>, 5>;

// FIPS 202 §3.2.1: every lane takes in the parities of the column to its left and, one bit
// away, of the column to its right.
void theta(Lattice& a) noexcept {
    std::array<std::uint64_t, 5> parity{};
    for (std::size_t x = 0; x < 5; ++x) {
        for (std::size_t y = 0; y < 5; ++y) parity[x] ^= a[x][y];
    }
    for (std::size_t x = 0; x < 5; ++x) {
        const std::uint64_t effect = parity[(x + 4) % 5] ^ std::rotl(parity[(x + 1) % 5], 1);
        for (std::size_t y = 0; y < 5; ++y) a[x][y] ^= effect;
    }
}

// FIPS 202 §3.2.2, by its own rule and not by the table of round.hpp: the t-th lane
// on the way from (1, 0) turns by the t-th triangular number.
void rho(Lattice& a) noexcept {
    std::size_t x = 1;
    std::size_t y = 0;
    for (unsigned t = 0; t < 24; ++t) {
        const unsigned count = (t + 1) * (t + 2) / 2 % 64;  // never 0
        a[x][y] = a[x][y] << count | a[x][y] >> (64 - count);
        const std::size_t next_y = (2 * x + 3 * y) % 5;
        x = y;
        y = next_y;
    }
}

// FIPS 202 §3.2.3: lanes change places.
void pi(Lattice& a) noexcept {
    const Lattice before = a;
    for (std::size_t x = 0; x < 5; ++x) {
        for (std::size_t y = 0; y < 5; ++y) a[x][y] = before[(x + 3 * y) % 5][x];
    }
}

// FIPS 202 §3.2.4: the one step that is not linear.
void chi(Lattice& a) noexcept {
    const Lattice before = a;
    for (std::size_t x = 0; x < 5; ++x) {
        for (std::size_t y = 0; y < 5; ++y) {
            a[x][y] = before[x][y] ^ (~before[(x + 1) % 5][y] & before[(x + 2) % 5][y]);
        }
    }
}

// FIPS 202 §3.2.5: makes the rounds differ. The constants come from the rule's shift
// register, x^8 + x^6 + x^5 + x^4 + 1, so that the table of round.hpp has a witness.
void iota(Lattice& a, unsigned round) noexcept {
    for (unsigned j = 0; j <= 6; ++j) {
        unsigned shift_register = 1;
        for (unsigned step = 0; step < (j + 7 * round) % 255; ++step) {
            shift_register <<= 1;
            if ((shift_register & 0x100) != 0) shift_register ^= 0x171;
        }
        if ((shift_register & 1) != 0) a[0][0] ^= std::uint64_t{1} << ((1u << j) - 1);
    }
}

void permute(std::uint8_t* state, unsigned rounds) {
    permute_reference(state, rounds);
}

void absorb(std::uint8_t* state, const std::uint8_t* const* input, std::size_t count) {
    for (std::size_t block = 0; block < count; ++block) {
        constexpr std::size_t size = lane_size * absorb_lanes;
        for (std::size_t i = 0; i < size; ++i) state[i] ^= input[0][block * size + i];
        permute_reference(state, rounds_stc);
    }
}

constexpr std::size_t fold_block_size = lane_size * fold_lanes;

// Spec stc §DSF: what od() does to the state once X has overwritten its first `size` bytes.
void end_duplex_call(std::uint8_t* state, std::size_t size, std::uint64_t trailer) {
    for (std::size_t i = size; i < fold_block_size; ++i) state[i] = i == size ? 0x01 : 0x00;
    const auto lane = load_little_endian<std::uint64_t>(state + fold_block_size);
    store_little_endian(state + fold_block_size, lane ^ trailer);
    permute_reference(state, rounds_stc);
}

void duplex(std::uint8_t* state, const DuplexRun& run, bool is_fold) {
    if (run.is_start) {
        for (std::size_t i = 0; i < lane_size * lane_count; ++i) state[i] = run.keyed[0][i];
        for (std::size_t i = 0; i < run.head_size[0]; ++i) state[i] = run.head[0][i];
        end_duplex_call(state, run.head_size[0], run.head_trailer[0]);
    }
    for (std::size_t block = 0; block < run.count; ++block) {
        const bool is_last = block + 1 == run.count;
        const std::size_t size = is_last ? run.last_size[0] : fold_block_size;
        const std::size_t at = block * fold_block_size;
        for (std::size_t i = 0; i < size; ++i) {
            const std::uint8_t byte = run.input[0][at + i];
            const auto other = static_cast<std::uint8_t>(byte ^ state[i]);
            run.output[0][at + i] = other;
            // Ciphertext is what overwrites the state.
            state[i] = is_fold ? other : byte;
        }
        end_duplex_call(state, size, is_last ? run.last_trailer[0] : run.trailer);
    }
}

void fold(std::uint8_t* state, const DuplexRun& run) {
    duplex(state, run, true);
}
void unfold(std::uint8_t* state, const DuplexRun& run) {
    duplex(state, run, false);
}

constexpr Kernel kernel{1, 1, permute, fold, unfold, absorb};

}  // namespace

void permute_reference(std::uint8_t* state, unsigned rounds) noexcept {
    Lattice a;
    for (std::size_t x = 0; x < 5; ++x) {
        for (std::size_t y = 0; y < 5; ++y) {
            a[x][y] = load_little_endian<std::uint64_t>(state + lane_size * (x + 5 * y));
        }
    }
    for (unsigned round = rounds_max - rounds; round < rounds_max; ++round) {
        theta(a);
        rho(a);
        pi(a);
        chi(a);
        iota(a, round);
    }
    for (std::size_t x = 0; x < 5; ++x) {
        for (std::size_t y = 0; y < 5; ++y) {
            store_little_endian(state + lane_size * (x + 5 * y), a[x][y]);
        }
    }
    wipe({reinterpret_cast<std::uint8_t*>(&a), sizeof a});
}

constinit const Backend reference_backend{"reference", {&kernel}, 1};

}  // namespace stt::stc::permutation
