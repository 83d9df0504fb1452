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

#include "base/secret.hpp"
#include "stc/dsf.hpp"
#include "stc/permutation/backend.hpp"

namespace stt::stc {

static_assert(fold_rate == fold_lanes * lane_size);

enum class Direction { fold, unfold };

// Spec stc §DSF: e, which tells apart the blocks of a message.
inline constexpr unsigned key_block = 1;
inline constexpr unsigned data_block = 4;
inline constexpr unsigned associated_data_block = 5;
inline constexpr unsigned data_end = 6;
inline constexpr unsigned associated_data_end_without_data = 7;

inline constexpr std::size_t tag_size_max = 32;

// od's trailer as what it XORs into lane 20: e + (top(e) << full), and 0x80 at byte 167.
consteval std::uint64_t trailer_of(unsigned e, bool is_full) noexcept {
    unsigned top = 1;
    while (top * 2 <= e) top *= 2;
    return (e + (top << (is_full ? 1 : 0))) | (std::uint64_t{0x80} << 56);
}

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

// Messages side by side, from their beginning to their end. Wipes itself.
//
// They go on together until one ends, and then the others: messages of like length go best
// together. A slot without a message does again what another does.
template <Direction direction, std::size_t slots_max>
class DuplexBatch {
public:
    DuplexBatch() noexcept {
        run_.scratch = scratch_;
        run_.trailer = trailer_of(data_block, true);
    }
    ~DuplexBatch() {
        wipe(batch_);
        wipe({staging_[0], sizeof staging_});
        wipe(scratch_);
    }
    DuplexBatch(const DuplexBatch&) = delete;
    DuplexBatch& operator=(const DuplexBatch&) = delete;

    // Encrypts or decrypts the data of `jobs` in place. There are as many at most as `kernel`
    // is wide, which is no wider than slots_max; when few are left, a narrower kernel of
    // `backend` goes on. Of several, each has at most 160 bytes of A. Calls finish(job, state)
    // when a message has ended: `state` holds the 32 bytes of which its tag is made.
    template <class Job, class Finish>
    void run(const Backend& backend, const Kernel& kernel, std::span<Job* const> jobs,
             Finish finish) noexcept {
        STT_CHECK(!jobs.empty() && jobs.size() <= kernel.width && kernel.width <= slots_max);
        use(kernel);
        active_count_ = jobs.size();
        for (std::size_t slot = 0; slot < active_count_; ++slot) begin(slot, *jobs[slot], slot);
        run_.is_start = true;
        if (has_associated_data_left(0)) take_associated_data();
        // One for all: wiping takes longer than copying.
        Secret<tag_size_max> state;
        while (true) {
            step();
            for (std::size_t slot = 0; slot < active_count_; ++slot) {
                if (!slots_[slot].data.empty()) continue;
                get_tag_lanes(slot, state.mutable_bytes());
                finish(*jobs[slots_[slot].job], state.bytes());
            }
            close_ranks();
            if (active_count_ == 0) return;
            const Kernel& next = kernel_for(backend, active_count_);
            if (next.width < kernel_->width && active_count_ <= next.width) narrow(next);
        }
    }

private:
    struct Slot {
        // What the steps so far have left.
        std::array<Bytes, 2> associated_data;
        MutableBytes data;
        std::size_t job;
    };

    std::uint8_t* lane(std::size_t index, std::size_t slot) noexcept {
        return batch_ + lane_size * (kernel_->width * index + slot);
    }
    void use(const Kernel& kernel) noexcept { kernel_ = &kernel; }

    bool has_associated_data_left(std::size_t slot) const noexcept {
        return !slots_[slot].associated_data[0].empty() || !slots_[slot].associated_data[1].empty();
    }
    // The next block of A, put together from its pieces, and how long it is.
    std::size_t stage_associated_data(std::size_t slot) noexcept {
        auto& [first, second] = slots_[slot].associated_data;
        const std::size_t size = take_front(first, staging_[slot], fold_rate);
        return size + take_front(second, staging_[slot] + size, fold_rate - size);
    }
    // Of the block of A that was staged.
    std::uint64_t associated_data_trailer(std::size_t slot, std::size_t size) const noexcept {
        const bool is_full = size == fold_rate;
        if (slots_[slot].data.empty() && !has_associated_data_left(slot)) {
            return is_full ? trailer_of(associated_data_end_without_data, true)
                           : trailer_of(associated_data_end_without_data, false);
        }
        return is_full ? trailer_of(associated_data_block, true)
                       : trailer_of(associated_data_block, false);
    }

    template <class Job>
    void begin(std::size_t slot, const Job& job, std::size_t index) noexcept {
        slots_[slot].associated_data[0] = job.associated_data[0];
        slots_[slot].associated_data[1] = job.associated_data[1];
        slots_[slot].data = job.data;
        slots_[slot].job = index;
        const std::size_t size = stage_associated_data(slot);
        run_.keyed[slot] = job.key->state().data();
        run_.head[slot] = staging_[slot];
        run_.head_size[slot] = size;
        run_.head_trailer[slot] = associated_data_trailer(slot, size);
    }

    // All of an A that is longer than a block, of the only message.
    void take_associated_data() noexcept {
        STT_CHECK(active_count_ == 1 && kernel_->width == 1);
        run_.count = 0;
        run_kernel();
        while (has_associated_data_left(0)) {
            const std::size_t size = stage_associated_data(0);
            run_.count = 1;
            run_.input[0] = run_.output[0] = staging_[0];
            run_.last_size[0] = size;
            run_.last_trailer[0] = associated_data_trailer(0, size);
            // A overwrites the state as it is, which is what unfold does with all it is given.
            kernel_->unfold(batch_, run_);
        }
    }

    // As many blocks of data as the message that is nearest to its end still has.
    void step() noexcept {
        std::size_t count = SIZE_MAX;
        for (std::size_t slot = 0; slot < active_count_; ++slot) {
            const std::size_t left = (slots_[slot].data.size() + fold_rate - 1) / fold_rate;
            count = left < count ? left : count;
        }
        run_.count = count;
        if (count == 0 && !run_.is_start) return;
        if (count > 0) {
            for (std::size_t slot = 0; slot < active_count_; ++slot) prepare(slot);
        }
        if (active_count_ < kernel_->width) occupy_idle();
        run_kernel();
    }
    void run_kernel() noexcept {
        if constexpr (direction == Direction::fold) {
            kernel_->fold(batch_, run_);
        } else {
            kernel_->unfold(batch_, run_);
        }
        run_.is_start = false;
    }

    void prepare(std::size_t index) noexcept {
        MutableBytes& data = slots_[index].data;
        run_.input[index] = run_.output[index] = data.data();
        const std::size_t size_max = run_.count * fold_rate;
        const bool is_end = data.size() <= size_max;
        const std::size_t size = is_end ? data.size() : size_max;
        data = data.subspan(size);
        const std::size_t last_size = size + fold_rate - size_max;
        run_.last_size[index] = last_size;
        run_.last_trailer[index] = !is_end                  ? trailer_of(data_block, true)
                                   : last_size == fold_rate ? trailer_of(data_end, true)
                                                            : trailer_of(data_end, false);
    }

    // Gives free slots the message and the state of the first: they compute the same, and write
    // the same where it does.
    void occupy_idle() noexcept {
        for (std::size_t slot = active_count_; slot < kernel_->width; ++slot) {
            run_.input[slot] = run_.input[0];
            run_.output[slot] = run_.output[0];
            run_.last_size[slot] = run_.last_size[0];
            run_.last_trailer[slot] = run_.last_trailer[0];
            run_.keyed[slot] = run_.keyed[0];
            run_.head[slot] = run_.head[0];
            run_.head_size[slot] = run_.head_size[0];
            run_.head_trailer[slot] = run_.head_trailer[0];
            if (run_.is_start) continue;
            for (std::size_t index = 0; index < lane_count; ++index) {
                std::memcpy(lane(index, slot), lane(index, 0), lane_size);
            }
        }
    }

    void get_tag_lanes(std::size_t slot, std::span<std::uint8_t, tag_size_max> to) noexcept {
        for (std::size_t index = 0; index < tag_size_max / lane_size; ++index) {
            std::memcpy(to.data() + lane_size * index, lane(index, slot), lane_size);
        }
    }

    // Those that have not ended move together.
    void close_ranks() noexcept {
        std::size_t to = 0;
        for (std::size_t slot = 0; slot < active_count_; ++slot) {
            if (slots_[slot].data.empty()) continue;
            if (to != slot) {
                slots_[to] = slots_[slot];
                for (std::size_t index = 0; index < lane_count; ++index) {
                    std::memcpy(lane(index, to), lane(index, slot), lane_size);
                }
            }
            ++to;
        }
        active_count_ = to;
    }

    // Goes on with a narrower kernel that has room for every message. Every lane moves to a lower
    // address or stays: in this order none is overwritten unread.
    void narrow(const Kernel& kernel) noexcept {
        STT_CHECK(active_count_ <= kernel.width && kernel.width <= kernel_->width);
        for (std::size_t index = 0; index < lane_count; ++index) {
            for (std::size_t slot = 0; slot < active_count_; ++slot) {
                std::memmove(batch_ + lane_size * (kernel.width * index + slot), lane(index, slot),
                             lane_size);
            }
        }
        use(kernel);
    }

    const Kernel* kernel_ = nullptr;
    std::size_t active_count_ = 0;
    DuplexRun run_;
    std::array<Slot, slots_max> slots_;
    alignas(64) std::uint8_t batch_[lane_count * lane_size * slots_max];
    // Kernels write there before they read.
    alignas(64) std::uint8_t scratch_[scratch_size(slots_max)];
    // Blocks of A.
    alignas(64) std::uint8_t staging_[slots_max][fold_rate];
};

}  // namespace stt::stc
