#pragma once

#include "stc/permutation/batch_kernel.hpp"

namespace stt::stc::permutation {

template <class Machine>
struct PipelinedKernel : BatchKernel<Machine> {
    using Base = BatchKernel<Machine>;
    using Word = typename Machine::Word;
    static constexpr std::size_t word_size = Base::word_size;
    static constexpr std::size_t group_count = 5;

    static STT_ALWAYS_INLINE void read_group(std::uint8_t* staged, const std::uint8_t* const* input, std::size_t offset) {
        Word words[4];
        Machine::template read<4>(words, input, offset);
#pragma GCC unroll 4
        for (std::size_t i = 0; i < 4; ++i) Machine::store(staged + word_size * i, words[i]);
    }
    static STT_ALWAYS_INLINE void write_group(const std::uint8_t* staged, std::uint8_t* const* output, std::size_t offset) {
        Word words[4];
#pragma GCC unroll 4
        for (std::size_t i = 0; i < 4; ++i) words[i] = Machine::load(staged + word_size * i);
        Machine::template write<4>(output, offset, words);
    }

    template <bool is_fold>
    static STT_ALWAYS_INLINE void duplex(std::uint8_t* batch, const DuplexRun& run) {
        alignas(64) std::uint8_t in[fold_lanes * word_size];
        alignas(64) std::uint8_t out[fold_lanes * word_size];
        Word a[lane_count];
        for (std::size_t g = 0; g < group_count; ++g) read_group(in + 4 * g * word_size, run.input, 4 * lane_size * g);
        Base::load_batch(a, batch);
        std::size_t offset = 0;
        for (std::size_t block = 0; block < run.count; ++block) {
#pragma GCC unroll 20
            for (std::size_t i = 0; i < fold_lanes; ++i) {
                const Word word = Machine::load(in + word_size * i);
                if constexpr (is_fold) {
                    a[i] = Machine::exclusive_or_and(word, a[i], Base::load_each(run.encrypts));
                    Machine::store(out + word_size * i, a[i]);
                } else {
                    Machine::store(out + word_size * i, Machine::exclusive_or(word, a[i]));
                    a[i] = word;
                }
            }
            a[fold_lanes] = Machine::exclusive_or(a[fold_lanes], Base::load_each(run.trailer));
            const bool has_next = block + 1 < run.count;
            Word between[lane_count];
            for (unsigned pair = 0; pair < 6; ++pair) {
                do_round<Machine>(a, between, round_constants[12 + 2 * pair]);
                do_round<Machine>(between, a, round_constants[13 + 2 * pair]);
                if (pair == 5) break;
                write_group(out + 4 * pair * word_size, run.output, offset + 32 * pair);
                if (has_next) read_group(in + 4 * pair * word_size, run.input, offset + 160 + 32 * pair);
            }
            offset += 160;
        }
        Base::store_batch(batch, a);
    }
    static void fold(std::uint8_t* batch, const DuplexRun& run) { duplex<true>(batch, run); }
    static void unfold(std::uint8_t* batch, const DuplexRun& run) { duplex<false>(batch, run); }
    static constexpr Kernel with_states_min(std::size_t states_min) {
        return {Machine::width, states_min, Base::permute, fold, unfold, Base::absorb};
    }
};

}  // namespace stt::stc::permutation
