#include "stc/dsf.hpp"

#include <algorithm>
#include <array>
#include <stt/check.hpp>
#include <type_traits>

#include "base/byte_order.hpp"
#include "base/secret.hpp"
#include "stc/dsf_backend.hpp"
#include "stc/duplex_batch.hpp"
#include "stc/permutation/backend.hpp"

namespace stt::stc {
namespace {

constexpr std::size_t tag_size_short = 16;
constexpr std::size_t tag_size_long = 32;

template <class Job>
void check(const Job& job) noexcept {
    STT_CHECK(job.key != nullptr);
    STT_CHECK(!job.associated_data[0].empty() || !job.associated_data[1].empty());
    STT_CHECK(job.tag.size() == tag_size_short || job.tag.size() == tag_size_long);
}

// The one branch on the outcome of a comparison of tags: from here on everyone may know it.
// A function of its own so that tests/timing can exempt it, and nothing else, by its name.
[[gnu::noinline]] void wipe_unless_opened(bool is_opened, MutableBytes data) noexcept {
    if (!is_opened) wipe(data);
}

template <class Batch>
void finish(Batch& batch, std::size_t slot, FoldJob& job) noexcept {
    batch.take_tag(slot, job.tag);
}

template <class Batch>
void finish(Batch& batch, std::size_t slot, UnfoldJob& job) noexcept {
    Secret<tag_size_long> expected;
    const MutableBytes tag = MutableBytes{expected.mutable_bytes()}.first(job.tag.size());
    batch.take_tag(slot, tag);
    job.is_opened = equal_constant_time(tag, job.tag);
    wipe_unless_opened(job.is_opened, job.data);
}

// Runs all jobs through one batch, refilling each slot as its message ends. When too few are
// left for the kernel to pay off, what is under way goes on in a narrower one.
template <std::size_t slots_max, class Job>
void run_in_batch(const Backend& backend, std::span<Job> jobs) noexcept {
    constexpr bool is_fold = std::is_same_v<Job, FoldJob>;
    DuplexBatch<is_fold ? Direction::fold : Direction::unfold, slots_max> batch{
        kernel_for(backend, jobs.size())};
    std::array<Job*, slots_max> running{};
    std::size_t next = 0;
    while (true) {
        for (std::size_t slot = 0; slot < batch.width() && next < jobs.size(); ++slot) {
            if (batch.is_active(slot)) continue;
            Job& job = jobs[next++];
            check(job);
            running[slot] = &job;
            batch.start(slot, *job.key, job.associated_data, job.data);
        }
        if (batch.active_count() == 0) return;
        const std::size_t left = batch.active_count() + jobs.size() - next;
        const Kernel& kernel = kernel_for(backend, left);
        if (kernel.width < batch.width() && left <= kernel.width) {
            // Slots keep their order and move together: none is overwritten before it is read.
            std::size_t to = 0;
            for (std::size_t slot = 0; slot < batch.width(); ++slot) {
                if (batch.is_active(slot)) running[to++] = running[slot];
            }
            batch.narrow(kernel);
        }
        batch.step();
        for (std::size_t slot = 0; slot < batch.width(); ++slot) {
            if (batch.is_done(slot)) finish(batch, slot, *running[slot]);
        }
    }
}

template <class Job>
void run(const Backend& backend, std::span<Job> jobs) noexcept {
    // One job is the common case of a short exchange, and spared a batch's many slots.
    if (kernel_for(backend, jobs.size()).width == 1) {
        run_in_batch<1>(backend, jobs);
    } else {
        run_in_batch<width_max>(backend, jobs);
    }
}

}  // namespace

FoldKey::FoldKey(const Key& key) noexcept {
    // od(K, 1) on zeros.
    const MutableBytes state = state_.mutable_bytes();
    constexpr std::size_t key_size = Key::byte_count;
    std::copy_n(key.bytes().begin(), key_size, state.begin());
    state[key_size] = 0x01;
    state[fold_rate] = static_cast<std::uint8_t>(trailer_of(key_block, false));
    state[rate - 1] = 0x80;
    single_kernel(backend()).permute(state.data(), rounds_stc);
}

void fold(const FoldJob& job) noexcept {
    FoldJob single = job;
    run(backend(), std::span{&single, 1});
}

bool unfold(UnfoldJob& job) noexcept {
    run(backend(), std::span{&job, 1});
    return job.is_opened;
}

void fold_many(std::span<FoldJob> jobs) noexcept {
    run(backend(), jobs);
}
void unfold_many(std::span<UnfoldJob> jobs) noexcept {
    run(backend(), jobs);
}
void fold_many(const Backend& backend, std::span<FoldJob> jobs) noexcept {
    run(backend, jobs);
}
void unfold_many(const Backend& backend, std::span<UnfoldJob> jobs) noexcept {
    run(backend, jobs);
}

bool equal_constant_time(Bytes a, Bytes b) noexcept {
    if (a.size() != b.size()) return false;
    std::uint64_t difference = 0;
    std::size_t i = 0;
    for (; i + lane_size <= a.size(); i += lane_size) {
        difference |= load_little_endian<std::uint64_t>(a.data() + i) ^
                      load_little_endian<std::uint64_t>(b.data() + i);
        // The compiler may not see that the outcome is settled once a bit is set.
        asm volatile("" : "+r"(difference));
    }
    for (; i < a.size(); ++i) {
        difference |= static_cast<std::uint64_t>(a[i] ^ b[i]);
        asm volatile("" : "+r"(difference));
    }
    // Without a branch: only a difference has its own or its negative's highest bit set.
    return ((difference | (0 - difference)) >> 63) == 0;
}

}  // namespace stt::stc
