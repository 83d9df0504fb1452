// What a page needs beside sessions: seeds as text, and how fast it encrypts.
#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <span>
#include <stt/seed.hpp>
#include <vector>

#include "export.hpp"
#include "stc/dsf.hpp"

using namespace stt;

namespace {

// The text of a seed or an identity comes in, and a seed goes out, here: one at a time, wiped when
// it was taken. Room for the digits of the largest seed and white space around them.
std::array<std::uint8_t, 2 * seed_size_max + 64> secret_input;

// Frames as a full datagram or WebSocket message has them, folded as the engine does.
class FoldBench {
public:
    static constexpr std::size_t frames = 64;

    explicit FoldBench(std::size_t frame_size) : data_(frames * frame_size), before_(data_.size()) {
        for (std::size_t i = 0; i < data_.size(); ++i) {
            data_[i] = static_cast<std::uint8_t>(i * 31 + i / 251);
        }
        before_ = data_;
        for (std::size_t i = 0; i < frames; ++i) {
            headers_[i] = {static_cast<std::uint8_t>(i), 1};
            fold_jobs_[i].key = unfold_jobs_[i].key = &key_;
            fold_jobs_[i].associated_data =
                unfold_jobs_[i].associated_data = {headers_[i], Bytes{}};
            fold_jobs_[i].data = unfold_jobs_[i].data =
                MutableBytes(data_).subspan(i * frame_size, frame_size);
            fold_jobs_[i].tag = tags_[i];
            unfold_jobs_[i].tag = tags_[i];
        }
    }
    void fold() noexcept { stc::fold_many(fold_jobs_); }
    // True when every frame opened.
    bool unfold() noexcept {
        stc::unfold_many(unfold_jobs_);
        return std::all_of(unfold_jobs_.begin(), unfold_jobs_.end(),
                           [](const stc::UnfoldJob& job) { return job.is_opened; });
    }
    bool is_as_before() const noexcept { return data_ == before_; }

private:
    stc::FoldKey key_{stc::Key{}};
    std::vector<std::uint8_t> data_;
    std::vector<std::uint8_t> before_;
    std::array<std::array<std::uint8_t, 2>, frames> headers_{};
    std::array<std::array<std::uint8_t, 16>, frames> tags_{};
    std::array<stc::FoldJob, frames> fold_jobs_{};
    std::array<stc::UnfoldJob, frames> unfold_jobs_{};
};

}  // namespace

STT_EXPORT(stt_secret_input) std::uint8_t* stt_secret_input() {
    return secret_input.data();
}
STT_EXPORT(stt_secret_input_size) std::size_t stt_secret_input_size() {
    return secret_input.size();
}
// The text there becomes the bytes of the seed, whose size is returned. 0: it is no seed.
STT_EXPORT(stt_parse_seed) std::size_t stt_parse_seed(std::size_t size) {
    const Bytes text = Bytes(secret_input).first(std::min(size, secret_input.size()));
    const auto seed = seed_from_hex(text_of(text));
    wipe(secret_input);
    if (!seed) return 0;
    std::copy(seed->bytes().begin(), seed->bytes().end(), secret_input.begin());
    return seed->bytes().size();
}
STT_EXPORT(stt_wipe_secret) void stt_wipe_secret() {
    wipe(secret_input);
}

STT_EXPORT(stt_bench_new) FoldBench* stt_bench_new(std::size_t frame_size) {
    return std::make_unique<FoldBench>(frame_size).release();
}
STT_EXPORT(stt_bench_delete) void stt_bench_delete(FoldBench* bench) {
    const std::unique_ptr<FoldBench> owned(bench);
}
STT_EXPORT(stt_bench_fold) void stt_bench_fold(FoldBench* bench) {
    bench->fold();
}
STT_EXPORT(stt_bench_unfold) int stt_bench_unfold(FoldBench* bench) {
    return bench->unfold() ? 1 : 0;
}
STT_EXPORT(stt_bench_is_as_before) int stt_bench_is_as_before(FoldBench* bench) {
    return bench->is_as_before() ? 1 : 0;
}
