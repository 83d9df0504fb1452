// The overwrite duplex od() of DSF, run for several messages side by side. Spec stc §DSF.
//
// Defined in the header, for dsf.cpp alone: what happens between two permutations of a short
// message has to be inlined, or it costs a tenth of the whole (64 frames of 1,400 bytes).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <stt/bytes.hpp>
#include <stt/check.hpp>

#include "base/byte_order.hpp"
#include "base/secret.hpp"
#include "stc/dsf.hpp"
#include "stc/permutation/permutation.hpp"

namespace stt::stc {

static_assert(fold_rate == fold_lanes * lane_size);

enum class Direction { fold, unfold };

// Spec stc §DSF: e, which tells apart the blocks of a message.
inline constexpr unsigned key_block = 1;
inline constexpr unsigned data_block = 4;
inline constexpr unsigned associated_data_block = 5;
inline constexpr unsigned data_end = 6;
inline constexpr unsigned associated_data_end_without_data = 7;

// od's trailer as what it XORs into lane 20: e + (top(e) << full), and 0x80 at byte 167.
consteval std::uint64_t trailer_of(unsigned e, bool is_full) noexcept {
    unsigned top = 1;
    while (top * 2 <= e) top *= 2;
    return (e + (top << (is_full ? 1 : 0))) | (std::uint64_t{0x80} << 56);
}

inline constexpr std::uint8_t zero_block[fold_rate] = {};

// Copies at most 160 bytes. A call of memcpy with a size that it does not know costs more
// than the copy itself.
inline void copy_short(std::uint8_t* to, const std::uint8_t* from, std::size_t size) noexcept {
    constexpr std::size_t piece = 16;
    if (size >= piece) {
        for (std::size_t i = 0; i + piece < size; i += piece) std::memcpy(to + i, from + i, piece);
        std::memcpy(to + size - piece, from + size - piece, piece);
    } else {
        for (std::size_t i = 0; i < size; ++i) to[i] = from[i];
    }
}

// Moves up to `size_max` bytes from the front of `from` to `to`; says how many.
inline std::size_t take_front(Bytes& from, std::uint8_t* to, std::size_t size_max) noexcept {
    const std::size_t size = from.size() < size_max ? from.size() : size_max;
    copy_short(to, from.data(), size);
    from = from.subspan(size);
    return size;
}

// The bytes after the last whole word, as the low bytes of one.
inline std::uint64_t end_word(Bytes bytes) noexcept {
    const std::size_t rest = bytes.size() % lane_size;
    if (rest == 0) return 0;
    if (bytes.size() > lane_size) {
        const auto last = load_little_endian<std::uint64_t>(bytes.last(lane_size).data());
        return last >> (8 * (lane_size - rest));
    }
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < rest; ++i) word |= std::uint64_t{bytes[i]} << (8 * i);
    return word;
}

// As many messages side by side as the kernel is wide, each in a slot of its own and each at
// its own place in its own message.
//
// Most steps take a block of 160 bytes straight from the message, and if all slots do that,
// many blocks in one go. What remains, blocks of A and a last block that is not whole, goes
// through a staging block, padded, so that the kernel never meets an odd length. Wipes itself.
// No kernel may be wider than `slots_max`.
template <Direction direction, std::size_t slots_max>
class DuplexBatch {
public:
    explicit DuplexBatch(const Kernel& kernel) noexcept
        : kernel_(&kernel), lane_stride_(lane_size * kernel.width) {
        STT_CHECK(kernel.width <= slots_max);
        run_.scratch = scratch_;
        for (std::size_t slot = 0; slot < kernel.width; ++slot) make_idle(slot);
    }
    ~DuplexBatch() {
        wipe({batch_, lane_count * lane_stride_});
        wipe({staging_[0], sizeof staging_});
        wipe(scratch_);
    }
    DuplexBatch(const DuplexBatch&) = delete;
    DuplexBatch& operator=(const DuplexBatch&) = delete;

    std::size_t width() const noexcept { return kernel_->width; }
    std::size_t active_count() const noexcept { return active_count_; }
    bool is_active(std::size_t slot) const noexcept { return slots_[slot].is_active; }
    // True when an active slot has come to its message's end: its tag can be had.
    bool is_done(std::size_t slot) const noexcept { return slots_[slot].is_done; }

    // Takes on a message, whose spans are borrowed until it is done; `data` is encrypted or
    // decrypted in place. The slot must be free.
    void start(std::size_t slot, const FoldKey& key, const std::array<Bytes, 2>& associated_data,
               MutableBytes data) noexcept {
        STT_CHECK(slot < width() && !slots_[slot].is_active);
        // The first od() overwrites the first 160 bytes of the state: only the rest matters.
        const std::uint8_t* const state = key.state().data();
        for (std::size_t index = fold_lanes; index < lane_count; ++index) {
            std::memcpy(lane(index, slot), state + lane_size * index, lane_size);
        }
        // One by one: a whole Slot would be put together in memory and copied, and wait there
        // for its own stores.
        slots_[slot].associated_data[0] = associated_data[0];
        slots_[slot].associated_data[1] = associated_data[1];
        slots_[slot].data = data;
        slots_[slot].is_active = true;
        ++active_count_;
    }

    // At least one od() for every active slot. Some slot must be active, and none done.
    void step() noexcept {
        STT_CHECK(active_count_ > 0);
        run_.count = active_count_ == width() ? SIZE_MAX : 1;
        for (std::size_t slot = 0; slot < width(); ++slot) {
            if (slots_[slot].is_active) prepare(slot);
        }
        if constexpr (direction == Direction::fold) {
            kernel_->fold(batch_, run_);
        } else {
            kernel_->unfold(batch_, run_);
        }
        for (std::size_t slot = 0; slot < width(); ++slot) {
            if (slots_[slot].is_active) finish_step(slots_[slot], staging_[slot]);
        }
    }

    // The first `tag.size()` bytes of the state, at most 32. Frees the slot.
    void take_tag(std::size_t slot, MutableBytes tag) noexcept {
        STT_CHECK(is_done(slot) && tag.size() % lane_size == 0 && tag.size() <= 32);
        for (std::size_t index = 0; index < tag.size() / lane_size; ++index) {
            std::memcpy(tag.data() + lane_size * index, lane(index, slot), lane_size);
        }
        slots_[slot].is_active = false;
        slots_[slot].is_done = false;
        make_idle(slot);
        --active_count_;
    }

    // Goes on with a narrower kernel that has room for every active slot. They move together,
    // in their order, to the first slots.
    void narrow(const Kernel& kernel) noexcept {
        STT_CHECK(active_count_ <= kernel.width && kernel.width <= width());
        std::array<std::size_t, slots_max> from{};
        std::size_t count = 0;
        for (std::size_t slot = 0; slot < width(); ++slot) {
            if (!slots_[slot].is_active) continue;
            from[count] = slot;
            slots_[count] = slots_[slot];
            ++count;
        }
        // Every lane moves to a lower address or stays: in this order none is overwritten unread.
        const std::size_t stride = lane_size * kernel.width;
        for (std::size_t index = 0; index < lane_count; ++index) {
            for (std::size_t slot = 0; slot < count; ++slot) {
                std::memmove(batch_ + stride * index + lane_size * slot, lane(index, from[slot]),
                             lane_size);
            }
        }
        wipe({batch_ + lane_count * stride, lane_count * (lane_stride_ - stride)});
        for (std::size_t slot = count; slot < width(); ++slot) {
            slots_[slot] = {};
            make_idle(slot);
        }
        kernel_ = &kernel;
        lane_stride_ = stride;
    }

private:
    struct Slot {
        std::array<Bytes, 2> associated_data;
        MutableBytes data;
        // Bytes of data that are in the staging block for the step.
        std::size_t staged_size = 0;
        // Whether the step takes data straight from the message.
        bool is_direct = false;
        bool is_active = false;
        bool is_done = false;
    };

    std::uint8_t* lane(std::size_t index, std::size_t slot) noexcept {
        return batch_ + lane_stride_ * index + lane_size * slot;
    }

    // A free slot goes through the steps with a block that means nothing.
    void make_idle(std::size_t slot) noexcept {
        use_staging(slot);
        run_.trailer[slot] = 0;
    }
    // The staging block overwrites the state as it is.
    void use_staging(std::size_t slot) noexcept {
        run_.input[slot] = run_.output[slot] = staging_[slot];
        run_.encrypts[slot] = 0;
    }

    void prepare(std::size_t index) noexcept {
        Slot& slot = slots_[index];
        slot.is_direct = false;
        slot.staged_size = 0;
        if (!slot.associated_data[0].empty() || !slot.associated_data[1].empty()) {
            stage_associated_data(index, slot);
            run_.count = 1;
        } else if (slot.data.size() >= fold_rate) {
            use_message(index, slot);
        } else {
            stage_data_end(index, slot);
            run_.count = 1;
        }
    }

    // A whole block, or all of them but the last, which has a trailer of its own.
    void use_message(std::size_t index, Slot& slot) noexcept {
        const bool is_end = slot.data.size() == fold_rate;
        const std::size_t block_count = is_end ? 1 : (slot.data.size() - 1) / fold_rate;
        run_.count = block_count < run_.count ? block_count : run_.count;
        run_.input[index] = run_.output[index] = slot.data.data();
        run_.encrypts[index] = ~std::uint64_t{0};
        run_.trailer[index] = is_end ? trailer_of(data_end, true) : trailer_of(data_block, true);
        slot.is_direct = true;
    }

    void stage_associated_data(std::size_t index, Slot& slot) noexcept {
        auto& [first, second] = slot.associated_data;
        std::uint8_t* const block = staging_[index];
        // Not memset, which g++ 12 makes a slow `rep stos` of at this size.
        std::memcpy(block, zero_block, fold_rate);
        std::size_t size = take_front(first, block, fold_rate);
        size += take_front(second, block + size, fold_rate - size);
        // od: the bit after an X that leaves room for it.
        const bool is_full = size == fold_rate;
        if (!is_full) block[size] = 0x01;
        const bool is_end = first.empty() && second.empty() && slot.data.empty();
        use_staging(index);
        run_.trailer[index] = is_end ? is_full ? trailer_of(associated_data_end_without_data, true)
                                               : trailer_of(associated_data_end_without_data, false)
                              : is_full ? trailer_of(associated_data_block, true)
                                        : trailer_of(associated_data_block, false);
        slot.is_done = is_end;
    }

    // The 1 … 159 bytes at a message's end, and od's padding.
    void stage_data_end(std::size_t index, Slot& slot) noexcept {
        std::uint8_t* const block = staging_[index];
        const std::size_t size = slot.data.size();
        copy_short(block, slot.data.data(), size);
        std::size_t shift = 8 * (size % lane_size);
        std::uint64_t word = end_word(slot.data) | (std::uint64_t{1} << shift);
        for (std::size_t at = size / lane_size; at < fold_lanes; ++at) {
            if constexpr (direction == Direction::fold) {
                // The kernel XORs the state into the whole block, but past the end the padding
                // alone has to overwrite the state: there, the state goes in twice.
                const auto state = load_little_endian<std::uint64_t>(lane(at, index));
                word ^= state & (~std::uint64_t{0} << shift);
            }
            store_little_endian(block + lane_size * at, word);
            word = 0;
            shift = 0;
        }
        use_staging(index);
        run_.encrypts[index] = ~std::uint64_t{0};
        run_.trailer[index] = trailer_of(data_end, false);
        slot.staged_size = size;
    }

    void finish_step(Slot& slot, const std::uint8_t* staging) noexcept {
        if (slot.is_direct) {
            slot.data = slot.data.subspan(run_.count * fold_rate);
        } else if (slot.staged_size > 0) {
            copy_short(slot.data.data(), staging, slot.staged_size);
            slot.data = {};
        } else {
            return;
        }
        slot.is_done = slot.data.empty();
    }

    const Kernel* kernel_;
    std::size_t lane_stride_;
    std::size_t active_count_ = 0;
    DuplexRun run_;
    std::array<Slot, slots_max> slots_;
    alignas(64) std::uint8_t batch_[lane_count * lane_size * slots_max] = {};
    // Not initialised: kernels write there before they read.
    alignas(64) std::uint8_t scratch_[slots_max == 1 ? 1 : scratch_size(slots_max)];
    alignas(64) std::uint8_t staging_[slots_max][fold_rate] = {};
};

}  // namespace stt::stc
