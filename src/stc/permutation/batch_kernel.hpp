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
//   copy(to, from, size)                of at most 160 bytes
//   copy_padded(to, from, size)         the same, and od's padding up to 160 bytes
// and it must have internal linkage: see permutation.hpp.
#pragma once

#include "stc/permutation/round.hpp"

namespace stt::stc::permutation {

// From byte 160 - n on, ones for n bytes and then zeros: which bytes of a block are there.
struct BlockMask {
    std::uint8_t bytes[2 * lane_size * fold_lanes];
};
consteval BlockMask make_block_mask() {
    BlockMask made{};
    for (std::size_t i = 0; i < lane_size * fold_lanes; ++i) made.bytes[i] = 0xff;
    return made;
}
inline constexpr BlockMask block_mask = make_block_mask();

template <class Machine>
struct BatchKernel {
    using Word = typename Machine::Word;
    using State = Word[lane_count];

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

    // Where the blocks of one call are.
    struct Blocks {
        const std::uint8_t* const* input;
        std::uint8_t* const* output;
        std::size_t offset;
        // Nullptr when all are whole.
        const std::uint8_t* const* masks;
    };

    // Blocks that are padded in a place of their own, as a kernel never meets an odd length.
    struct PaddedBlocks {
        const std::uint8_t* input[Machine::width];
        std::uint8_t* output[Machine::width];
        const std::uint8_t* masks[Machine::width];
    };
    struct LastBlocks : PaddedBlocks {
        bool is_used;
    };

    static STT_ALWAYS_INLINE void pad(PaddedBlocks& padded, std::uint8_t* scratch,
                                      const std::uint8_t* const* input, std::size_t offset,
                                      const std::size_t* sizes) {
        for (std::size_t i = 0; i < Machine::width; ++i) {
            std::uint8_t* const place = scratch + i * fold_block_size;
            Machine::copy_padded(place, input[i] + offset, sizes[i]);
            padded.input[i] = padded.output[i] = place;
            padded.masks[i] = block_mask.bytes + fold_block_size - sizes[i];
        }
    }
    static STT_ALWAYS_INLINE void prepare_last(LastBlocks& last, const DuplexRun& run) {
        last.is_used = false;
        if (run.count == 0) return;
        for (std::size_t i = 0; i < Machine::width; ++i) {
            last.is_used |= run.last_size[i] != fold_block_size;
        }
        if (last.is_used) {
            pad(last, run.scratch, run.input, (run.count - 1) * fold_block_size, run.last_size);
        }
    }
    static STT_ALWAYS_INLINE void finish_last(const LastBlocks& last, const DuplexRun& run) {
        if (!last.is_used) return;
        const std::size_t offset = (run.count - 1) * fold_block_size;
        for (std::size_t i = 0; i < Machine::width; ++i) {
            Machine::copy(run.output[i] + offset, last.output[i], run.last_size[i]);
        }
    }
    static STT_ALWAYS_INLINE Blocks blocks_of(const DuplexRun& run, const LastBlocks& last,
                                              std::size_t block) {
        if (last.is_used && block + 1 == run.count) return {last.input, last.output, 0, last.masks};
        return {run.input, run.output, block * fold_block_size, nullptr};
    }

    static STT_ALWAYS_INLINE Word load_each(const std::uint64_t (&values)[width_max]) {
        return Machine::load(reinterpret_cast<const std::uint8_t*>(values));
    }
    static STT_ALWAYS_INLINE void add_trailer(Word (&a)[lane_count], const DuplexRun& run,
                                              std::size_t block) {
        a[fold_lanes] = block + 1 == run.count
                            ? Machine::exclusive_or(a[fold_lanes], load_each(run.last_trailer))
                            : Machine::add_constant(a[fold_lanes], run.trailer);
    }

    // Lanes `first` and up. Each group of lanes is read, used and written before the next,
    // so that few words are alive beside the state.
    template <bool is_masked, std::size_t first = 0>
    static STT_ALWAYS_INLINE void fold_block(Word (&a)[lane_count], const Blocks& blocks) {
        if constexpr (first < fold_lanes) {
            constexpr std::size_t left = fold_lanes - first;
            constexpr std::size_t count = left < Machine::group ? left : Machine::group;
            const std::size_t offset = blocks.offset + lane_size * first;
            Word words[count];
            Machine::template read<count>(words, blocks.input, offset);
            Word masks[count];
            if constexpr (is_masked) Machine::template read<count>(masks, blocks.masks, offset);
#pragma GCC unroll 8
            for (std::size_t i = 0; i < count; ++i) {
                if constexpr (is_masked) {
                    words[i] = Machine::exclusive_or_and(words[i], a[first + i], masks[i]);
                } else {
                    words[i] = Machine::exclusive_or(words[i], a[first + i]);
                }
                a[first + i] = words[i];
            }
            Machine::template write<count>(blocks.output, offset, words);
            fold_block<is_masked, first + count>(a, blocks);
        }
    }

    template <std::size_t first = 0>
    static STT_ALWAYS_INLINE void unfold_block(Word (&a)[lane_count], const Blocks& blocks) {
        if constexpr (first < fold_lanes) {
            constexpr std::size_t left = fold_lanes - first;
            constexpr std::size_t count = left < Machine::group ? left : Machine::group;
            const std::size_t offset = blocks.offset + lane_size * first;
            Word words[count];
            Machine::template read<count>(words, blocks.input, offset);
#pragma GCC unroll 8
            for (std::size_t i = 0; i < count; ++i) {
                const Word word = words[i];
                words[i] = Machine::exclusive_or(word, a[first + i]);
                a[first + i] = word;
            }
            Machine::template write<count>(blocks.output, offset, words);
            unfold_block<first + count>(a, blocks);
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

    // Lanes `first` to `end` of blocks become those of the states.
    template <std::size_t first, std::size_t end>
    static STT_ALWAYS_INLINE void read_lanes(Word (&a)[lane_count],
                                             const std::uint8_t* const* blocks) {
        if constexpr (first < end) {
            constexpr std::size_t left = end - first;
            constexpr std::size_t count = left < Machine::group ? 1 : Machine::group;
            Word words[count];
            Machine::template read<count>(words, blocks, lane_size * first);
#pragma GCC unroll 8
            for (std::size_t i = 0; i < count; ++i) a[first + i] = words[i];
            read_lanes<first + count, end>(a, blocks);
        }
    }
    // A's block, and what it leaves of the keyed states.
    static STT_ALWAYS_INLINE void start(Word (&a)[lane_count], const DuplexRun& run,
                                        const PaddedBlocks& head) {
        read_lanes<0, fold_lanes>(a, head.input);
        read_keyed(a, run);
    }
    static STT_ALWAYS_INLINE void read_keyed(Word (&a)[lane_count], const DuplexRun& run) {
        read_lanes<fold_lanes, lane_count>(a, run.keyed);
        a[fold_lanes] = Machine::exclusive_or(a[fold_lanes], load_each(run.head_trailer));
    }

    template <bool is_fold>
    static STT_ALWAYS_INLINE void take_block(Word (&a)[lane_count], const Blocks& blocks) {
        if constexpr (!is_fold) {
            unfold_block(a, blocks);
        } else if (blocks.masks != nullptr) {
            fold_block<true>(a, blocks);
        } else {
            fold_block<false>(a, blocks);
        }
    }

    static STT_ALWAYS_INLINE void permute_once(Word (&a)[lane_count]) {
        do_rounds<Machine>(a, rounds_stc);
    }

    // `Self` is this kernel, or one that has the same steps on a state of another form.
    template <class Self, bool is_fold>
    static STT_ALWAYS_INLINE void duplex(std::uint8_t* batch, const DuplexRun& run) {
        typename Self::State a;
        // The permutation of the start is a turn of this loop, so that there is one of it.
        bool has_data = !run.is_start;
        if (run.is_start) {
            PaddedBlocks head;
            pad(head, run.scratch, run.head, 0, run.head_size);
            Self::start(a, run, head);
        } else {
            Self::load_batch(a, batch);
        }
        LastBlocks last;
        prepare_last(last, run);
        std::size_t block = 0;
        while (true) {
            if (has_data) {
                Self::template take_block<is_fold>(a, blocks_of(run, last, block));
                Self::add_trailer(a, run, block);
                ++block;
            }
            Self::permute_once(a);
            if (block == run.count) break;
            has_data = true;
        }
        Self::store_batch(batch, a);
        finish_last(last, run);
    }

    static void fold(std::uint8_t* batch, const DuplexRun& run) {
        duplex<BatchKernel, true>(batch, run);
    }
    static void unfold(std::uint8_t* batch, const DuplexRun& run) {
        duplex<BatchKernel, false>(batch, run);
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
