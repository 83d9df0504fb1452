// A kernel for vector registers, whose fold and unfold reorder data while they permute.
//
// A register holds one lane of several states, but a message lies in memory block by block.
// Putting the one into the order of the other takes shuffles. All at once, before and after the
// permutation, they add a sixth to that of eight states; a few lanes at a time, between its
// rounds, half of that: there, rotations and shuffles use different units of the processor
// (Xeon, family 6 model 207, 2026-11).
#pragma once

#include "stc/permutation/batch_kernel.hpp"

namespace stt::stc::permutation {

template <class Machine>
struct PipelinedKernel : BatchKernel<Machine> {
    using Base = BatchKernel<Machine>;
    using Word = typename Machine::Word;

    static constexpr std::size_t word_size = Base::word_size;
    static constexpr std::size_t block_size = Base::fold_block_size;
    // Lanes that are moved between two pairs of rounds.
    static constexpr std::size_t group_lanes = 4;
    static constexpr std::size_t group_count = fold_lanes / group_lanes;
    static constexpr std::size_t group_size = group_lanes * lane_size;
    static_assert(group_count * group_lanes == fold_lanes && 2 * group_count < rounds_stc);
    static_assert(Machine::group == group_lanes);

    // The words of a block, as they lie in a batch.
    static constexpr std::size_t words_size = fold_lanes * word_size;
    static_assert(2 * words_size == scratch_size(Machine::width));

    static STT_ALWAYS_INLINE std::uint8_t* words_of(std::uint8_t* words, std::size_t group) {
        return words + group * group_lanes * word_size;
    }

    // `offset` is that of the group in the message.
    static STT_ALWAYS_INLINE void shuffle_in(std::uint8_t* to, const std::uint8_t* const* input,
                                             std::size_t offset) {
        Word words[group_lanes];
        Machine::template read<group_lanes>(words, input, offset);
#pragma GCC unroll 4
        for (std::size_t i = 0; i < group_lanes; ++i) Machine::store(to + i * word_size, words[i]);
    }
    static STT_ALWAYS_INLINE void shuffle_out(const std::uint8_t* from, std::uint8_t* const* output,
                                              std::size_t offset) {
        Word words[group_lanes];
#pragma GCC unroll 4
        for (std::size_t i = 0; i < group_lanes; ++i) {
            words[i] = Machine::load(from + i * word_size);
        }
        Machine::template write<group_lanes>(output, offset, words);
    }
    // What is done between two pairs of rounds: a group of the block just made goes out, and
    // that of the next block comes in.
    static STT_ALWAYS_INLINE void move_group(std::uint8_t* in, std::uint8_t* out, std::size_t group,
                                             const DuplexRun& run, std::size_t block,
                                             bool has_next) {
        const std::size_t offset = block * block_size + group * group_size;
        shuffle_out(words_of(out, group), run.output, offset);
        if (has_next) shuffle_in(words_of(in, group), run.input, offset + block_size);
    }

    // The block of `in` overwrites the state, or what it makes with the state does.
    template <bool is_fold>
    static STT_ALWAYS_INLINE void overwrite(Word (&a)[lane_count], const DuplexRun& run,
                                            const std::uint8_t* in, std::uint8_t* out) {
        const Word encrypts = Base::load_each(run.encrypts);
#pragma GCC unroll 20
        for (std::size_t i = 0; i < fold_lanes; ++i) {
            const Word word = Machine::load(in + word_size * i);
            if constexpr (is_fold) {
                a[i] = Machine::exclusive_or_and(word, a[i], encrypts);
                Machine::store(out + word_size * i, a[i]);
            } else {
                Machine::store(out + word_size * i, Machine::exclusive_or(word, a[i]));
                a[i] = word;
            }
        }
        a[fold_lanes] = Machine::exclusive_or(a[fold_lanes], Base::load_each(run.trailer));
    }

    template <bool is_fold>
    static STT_ALWAYS_INLINE void duplex(std::uint8_t* batch, const DuplexRun& run) {
        std::uint8_t* const in = run.scratch;
        std::uint8_t* const out = run.scratch + words_size;
        Word a[lane_count];
        Word between[lane_count];
        for (std::size_t group = 0; group < group_count; ++group) {
            shuffle_in(words_of(in, group), run.input, group * group_size);
        }
        Base::load_batch(a, batch);
        for (std::size_t block = 0; block < run.count; ++block) {
            overwrite<is_fold>(a, run, in, out);
            const std::uint64_t* constants = round_constants + rounds_max - rounds_stc;
            // Not unrolled: the compiler would gather what has to stay between the rounds.
#pragma GCC unroll 1
            for (std::size_t pair = 0; pair < rounds_stc / 2; ++pair) {
                do_round<Machine>(a, between, constants[2 * pair]);
                do_round<Machine>(between, a, constants[2 * pair + 1]);
                if (pair < group_count) {
                    move_group(in, out, pair, run, block, block + 1 < run.count);
                }
            }
        }
        Base::store_batch(batch, a);
    }

    static void fold(std::uint8_t* batch, const DuplexRun& run) {
        duplex<true>(batch, run);
    }
    static void unfold(std::uint8_t* batch, const DuplexRun& run) {
        duplex<false>(batch, run);
    }

    static constexpr Kernel with_states_min(std::size_t states_min) {
        return {Machine::width, states_min, Base::permute, fold, unfold, Base::absorb};
    }
};

}  // namespace stt::stc::permutation
