// A kernel, written once for words of any kind.
//
// `Machine` is what differs: a 64-bit integer, or a vector register that holds one lane of
// several states. Beside the operations of round.hpp it has
//   width                           states in a word
//   group                           lanes that read() and write() take at once, at most
//   load(bytes), store(bytes, word)     a word as it lies in a batch
//   read<count>(words, blocks, offset)  lane j of state i is at blocks[i] + offset + 8j
//   write<count>(blocks, offset, words)
//   exclusive_or(a, b), exclusive_or_and(a, b, mask)  a ^ b, a ^ (b & mask)
// and it must have internal linkage: see permutation.hpp.
#pragma once

#include "stc/permutation/round.hpp"

namespace stt::stc::permutation {

template <class Machine>
struct BatchKernel {
    using Word = typename Machine::Word;

    static constexpr std::size_t word_size = lane_size * Machine::width;
    static constexpr std::size_t fold_block_size = lane_size * fold_lanes;
    static constexpr std::size_t absorb_block_size = lane_size * absorb_lanes;

    static STT_ALWAYS_INLINE void load_batch(Word (&a)[lane_count], const std::uint8_t* batch) {
#pragma GCC unroll 25
        for (std::size_t i = 0; i < lane_count; ++i) a[i] = Machine::load(batch + word_size * i);
    }
    static STT_ALWAYS_INLINE void store_batch(std::uint8_t* batch, const Word (&a)[lane_count]) {
#pragma GCC unroll 25
        for (std::size_t i = 0; i < lane_count; ++i) Machine::store(batch + word_size * i, a[i]);
    }

    static void permute(std::uint8_t* batch, unsigned rounds) {
        Word a[lane_count];
        load_batch(a, batch);
        do_rounds<Machine>(a, rounds);
        store_batch(batch, a);
    }

    // Lanes `first` and up. Each group of lanes is read, used and written before the next,
    // so that few words are alive beside the state.
    template <std::size_t first = 0>
    static STT_ALWAYS_INLINE void fold_block(Word (&a)[lane_count], const DuplexRun& run,
                                             std::size_t offset, const Word& encrypts) {
        if constexpr (first < fold_lanes) {
            constexpr std::size_t left = fold_lanes - first;
            constexpr std::size_t count = left < Machine::group ? left : Machine::group;
            Word words[count];
            Machine::template read<count>(words, run.input, offset + lane_size * first);
#pragma GCC unroll 8
            for (std::size_t i = 0; i < count; ++i) {
                words[i] = Machine::exclusive_or_and(words[i], a[first + i], encrypts);
                a[first + i] = words[i];
            }
            Machine::template write<count>(run.output, offset + lane_size * first, words);
            fold_block<first + count>(a, run, offset, encrypts);
        }
    }

    template <std::size_t first = 0>
    static STT_ALWAYS_INLINE void unfold_block(Word (&a)[lane_count], const DuplexRun& run,
                                               std::size_t offset) {
        if constexpr (first < fold_lanes) {
            constexpr std::size_t left = fold_lanes - first;
            constexpr std::size_t count = left < Machine::group ? left : Machine::group;
            Word words[count];
            Machine::template read<count>(words, run.input, offset + lane_size * first);
#pragma GCC unroll 8
            for (std::size_t i = 0; i < count; ++i) {
                const Word word = words[i];
                words[i] = Machine::exclusive_or(word, a[first + i]);
                a[first + i] = word;
            }
            Machine::template write<count>(run.output, offset + lane_size * first, words);
            unfold_block<first + count>(a, run, offset);
        }
    }

    template <std::size_t first = 0>
    static STT_ALWAYS_INLINE void absorb_block(Word (&a)[lane_count],
                                               const std::uint8_t* const* input,
                                               std::size_t offset) {
        if constexpr (first < absorb_lanes) {
            constexpr std::size_t left = absorb_lanes - first;
            constexpr std::size_t count = left < Machine::group ? left : Machine::group;
            Word words[count];
            Machine::template read<count>(words, input, offset + lane_size * first);
#pragma GCC unroll 8
            for (std::size_t i = 0; i < count; ++i) {
                a[first + i] = Machine::exclusive_or(a[first + i], words[i]);
            }
            absorb_block<first + count>(a, input, offset);
        }
    }

    static STT_ALWAYS_INLINE Word load_each(const std::uint64_t (&values)[width_max]) {
        return Machine::load(reinterpret_cast<const std::uint8_t*>(values));
    }

    static void fold(std::uint8_t* batch, const DuplexRun& run) {
        Word a[lane_count];
        load_batch(a, batch);
        for (std::size_t block = 0; block < run.count; ++block) {
            fold_block(a, run, block * fold_block_size, load_each(run.encrypts));
            a[fold_lanes] = Machine::exclusive_or(a[fold_lanes], load_each(run.trailer));
            do_rounds<Machine>(a, rounds_stc);
        }
        store_batch(batch, a);
    }

    static void unfold(std::uint8_t* batch, const DuplexRun& run) {
        Word a[lane_count];
        load_batch(a, batch);
        for (std::size_t block = 0; block < run.count; ++block) {
            unfold_block(a, run, block * fold_block_size);
            a[fold_lanes] = Machine::exclusive_or(a[fold_lanes], load_each(run.trailer));
            do_rounds<Machine>(a, rounds_stc);
        }
        store_batch(batch, a);
    }

    static void absorb(std::uint8_t* batch, const std::uint8_t* const* input, std::size_t count) {
        Word a[lane_count];
        load_batch(a, batch);
        for (std::size_t block = 0; block < count; ++block) {
            absorb_block(a, input, block * absorb_block_size);
            do_rounds<Machine>(a, rounds_stc);
        }
        store_batch(batch, a);
    }

    static constexpr Kernel with_states_min(std::size_t states_min) {
        return {Machine::width, states_min, permute, fold, unfold, absorb};
    }
};

}  // namespace stt::stc::permutation
