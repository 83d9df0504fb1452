#include "stc/dsf.hpp"

#include <algorithm>
#include <array>
#include <cstring>
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
constexpr std::size_t tag_size_long = tag_size_max;

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

using TagLanes = std::span<const std::uint8_t, tag_size_max>;

void finish(FoldJob& job, TagLanes lanes) noexcept {
    // Sizes that the compiler knows: else it calls a function to copy them.
    std::memcpy(job.tag.data(), lanes.data(), tag_size_short);
    if (job.tag.size() > tag_size_short) {
        std::memcpy(job.tag.data() + tag_size_short, lanes.data() + tag_size_short,
                    tag_size_long - tag_size_short);
    }
}

void finish(UnfoldJob& job, TagLanes lanes) noexcept {
    job.is_opened = equal_constant_time(Bytes{lanes}.first(job.tag.size()), job.tag);
    wipe_unless_opened(job.is_opened, job.data);
}

// Jobs that are sorted at once, on the stack: as many as a burst of datagrams has.
constexpr std::size_t sorted_max = 64;

template <class Job>
std::size_t block_count(const Job& job) noexcept {
    return (job.data.size() + fold_rate - 1) / fold_rate;
}

template <std::size_t slots_max, class Job>
using BatchOf =
    DuplexBatch<std::is_same_v<Job, FoldJob> ? Direction::fold : Direction::unfold, slots_max>;

template <class Job, std::size_t slots_max>
void run_together(BatchOf<slots_max, Job>& batch, const Backend& backend,
                  std::span<Job* const> jobs) noexcept {
    batch.run(backend, kernel_for(backend, jobs.size()), jobs,
              [](Job& job, TagLanes lanes) { finish(job, lanes); });
}

template <class Job>
void run_one(const Backend& backend, Job& job) noexcept {
    check(job);
    BatchOf<1, Job> batch;
    Job* const jobs[] = {&job};
    run_together<Job, 1>(batch, backend, jobs);
}

// Those of like length together. What has a long A goes by itself: handshakes do, which come one
// by one.
template <class Job>
void run_some(BatchOf<width_max, Job>& batch, const Backend& backend,
              std::span<Job> jobs) noexcept {
    std::array<Job*, sorted_max> sorted;
    std::size_t count = 0;
    bool is_uniform = true;
    for (Job& job : jobs) {
        if (job.associated_data[0].size() + job.associated_data[1].size() > fold_rate) {
            run_one(backend, job);
            continue;
        }
        check(job);
        sorted[count++] = &job;
        is_uniform = is_uniform && block_count(job) == block_count(*sorted[0]);
    }
    if (!is_uniform) {
        std::sort(sorted.begin(), sorted.begin() + count,
                  [](const Job* a, const Job* b) { return block_count(*a) > block_count(*b); });
    }
    for (std::size_t next = 0; next < count;) {
        const std::size_t width = kernel_for(backend, count - next).width;
        const std::size_t together = std::min(width, count - next);
        run_together<Job, width_max>(batch, backend,
                                     std::span<Job* const>{&sorted[next], together});
        next += together;
    }
}

template <class Job>
void run(const Backend& backend, std::span<Job> jobs) noexcept {
    // One job is the common case of a short exchange, and spared a batch's many slots.
    if (kernel_for(backend, jobs.size()).width == 1) {
        for (Job& job : jobs) run_one(backend, job);
        return;
    }
    BatchOf<width_max, Job> batch;
    while (!jobs.empty()) {
        const std::size_t count = std::min(sorted_max, jobs.size());
        run_some(batch, backend, jobs.first(count));
        jobs = jobs.subspan(count);
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
