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
    using Blocks = typename Base::Blocks;

    static constexpr std::size_t word_size = Base::word_size;
    // Lanes that are moved at once.
    static constexpr std::size_t group_lanes = 4;
    static constexpr std::size_t group_count = fold_lanes / group_lanes;
    static constexpr std::size_t group_size = group_lanes * lane_size;
    static_assert(group_count * group_lanes == fold_lanes && 2 * group_count < rounds_stc);
    static_assert(Machine::group == group_lanes);

    // The words of a block, as they lie in a batch.
    static constexpr std::size_t words_size = fold_lanes * word_size;
    static_assert(4 * words_size == scratch_size(Machine::width));

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
    // The places of words in the scratch, behind the last blocks that Base puts there.
    struct Words {
        explicit STT_ALWAYS_INLINE Words(std::uint8_t* scratch)
            : in(scratch + words_size), out(in + words_size), masks(out + words_size) {}
        std::uint8_t* in;
        std::uint8_t* out;
        std::uint8_t* masks;
    };
    template <bool is_fold>
    static STT_ALWAYS_INLINE void move_in(const Words& words, std::size_t group,
                                          const Blocks& blocks) {
        const std::size_t offset = blocks.offset + group * group_size;
        shuffle_in(words_of(words.in, group), blocks.input, offset);
        if (is_fold && blocks.masks != nullptr) {
            shuffle_in(words_of(words.masks, group), blocks.masks, offset);
        }
    }

    // The block overwrites the state, or what it makes with the state does.
    template <bool is_fold, bool is_masked>
    static STT_ALWAYS_INLINE void overwrite(Word (&a)[lane_count], const Words& words) {
#pragma GCC unroll 20
        for (std::size_t i = 0; i < fold_lanes; ++i) {
            const std::size_t at = word_size * i;
            const Word word = Machine::load(words.in + at);
            if constexpr (is_fold) {
                a[i] = is_masked
                           ? Machine::exclusive_or_and(word, a[i], Machine::load(words.masks + at))
                           : Machine::exclusive_or(word, a[i]);
                Machine::store(words.out + at, a[i]);
            } else {
                Machine::store(words.out + at, Machine::exclusive_or(word, a[i]));
                a[i] = word;
            }
        }
    }

    // A permutation. Between its rounds a group of the block just made goes out, or one of the
    // next block comes in, if there are such blocks.
    template <bool is_fold>
    static STT_ALWAYS_INLINE void permute_and_move(Word (&a)[lane_count], const Words& words,
                                                   const Blocks& made, const Blocks& next) {
        Word between[lane_count];
        const std::uint64_t* constants = round_constants + rounds_max - rounds_stc;
        // Not unrolled: the compiler would gather what has to stay between the rounds.
#pragma GCC unroll 1
        for (std::size_t pair = 0; pair < rounds_stc / 2; ++pair) {
            const bool has_group = pair < group_count;
            do_round<Machine>(a, between, constants[2 * pair]);
            if (has_group && next.input != nullptr) move_in<is_fold>(words, pair, next);
            do_round<Machine>(between, a, constants[2 * pair + 1]);
            if (has_group && made.output != nullptr) {
                shuffle_out(words_of(words.out, pair), made.output,
                            made.offset + pair * group_size);
            }
        }
    }

    static STT_ALWAYS_INLINE void start(Word (&a)[lane_count], const DuplexRun& run,
                                        const Words& words) {
        typename Base::PaddedBlocks head;
        Base::pad(head, words.out, run.head, 0, run.head_size);
        for (std::size_t group = 0; group < group_count; ++group) {
            shuffle_in(words_of(words.in, group), head.input, group * group_size);
        }
        Base::read_keyed(a, run);
#pragma GCC unroll 20
        for (std::size_t i = 0; i < fold_lanes; ++i) {
            a[i] = Machine::load(words.in + word_size * i);
        }
    }

    template <bool is_fold>
    static STT_ALWAYS_INLINE void duplex(std::uint8_t* batch, const DuplexRun& run) {
        constexpr Blocks none{nullptr, nullptr, 0, nullptr};
        const Words words{run.scratch};
        typename Base::LastBlocks last;
        Base::prepare_last(last, run);
        Blocks next = run.count > 0 ? Base::blocks_of(run, last, 0) : none;
        Word a[lane_count];
        if (run.is_start) {
            start(a, run, words);
        } else {
            for (std::size_t group = 0; group < group_count; ++group) {
                move_in<is_fold>(words, group, next);
            }
            Base::load_batch(a, batch);
        }
        Blocks made = none;
        std::size_t block = 0;
        // The permutation of the start is a turn of this loop, so that there is one of it.
        bool has_data = !run.is_start;
        while (true) {
            if (has_data) {
                if (is_fold && next.masks != nullptr) {
                    overwrite<is_fold, true>(a, words);
                } else {
                    overwrite<is_fold, false>(a, words);
                }
                Base::add_trailer(a, run, block);
                ++block;
                made = next;
                next = block < run.count ? Base::blocks_of(run, last, block) : none;
            }
            permute_and_move<is_fold>(a, words, made, next);
            if (block == run.count) break;
            has_data = true;
        }
        Base::store_batch(batch, a);
        Base::finish_last(last, run);
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
