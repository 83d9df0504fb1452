// STC beside OpenSSL, on one core, in one run:
//
//   build/bench/stc_bench --benchmark_repetitions=9 --benchmark_report_aggregates_only=true
//
// Names are operation/way/algorithm/bytes, as fold/batch/stt/1400 or hash/sha3-256/1400. `stt` is
// what this processor would use; `stt-avx2` and so on are the backends below it.
//
// What to compare: the `bytes_per_second` of the medians. A frame is a message of its own
// with a nonce of its own, 32 bytes of associated data and a tag of 16 bytes. OpenSSL gets
// one message a call, which is all that it offers, by a context that is made once: key schedule
// and algorithm stay, the nonce alone is set anew. All work on the same frames in place, and
// time is counted while they do, not while the frames are made ready.
#include <benchmark/benchmark.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "stc/dsf_backend.hpp"
#include "stc/kt128.hpp"
#include "stc/permutation/backend.hpp"
#include "stc/phe.hpp"

namespace {

using namespace stt;
using namespace stt::stc;

constexpr std::size_t batch_size = 64;
constexpr std::size_t associated_data_size = 32;
constexpr std::size_t tag_size = 16;
// What all frames of a case hold together, at most: so much stays in a core's second-level cache,
// and it is ciphers that are compared, not memory. So many frames that stopping the time to make
// them ready costs nothing that can be seen.
constexpr std::size_t data_size_max = std::size_t{1} << 20;
constexpr std::size_t frame_count_max = 1024;

enum class Way { single, batch };

// Times `work` alone, not `prepare`.
template <class Prepare, class Work>
void time_work(benchmark::State& state, std::size_t bytes, Prepare prepare, Work work) {
    for (auto _ : state) {
        state.PauseTiming();
        prepare();
        state.ResumeTiming();
        work();
        benchmark::ClobberMemory();
    }
    state.SetBytesProcessed(static_cast<std::int64_t>(bytes) *
                            static_cast<std::int64_t>(state.iterations()));
}

template <class Function>
void add(const std::string& name, Function function) {
    benchmark::RegisterBenchmark(name.c_str(), function);
}

// Frames of one size, each in a buffer of its own as a sender has them.
struct Frames {
    explicit Frames(std::size_t frame_size)
        : size(frame_size),
          count(std::clamp<std::size_t>(data_size_max / frame_size, 1, frame_count_max)),
          data(count, std::vector<std::uint8_t>(frame_size)),
          prefix(count),
          tags(count) {}

    std::size_t bytes() const { return count * size; }

    std::size_t size;
    std::size_t count;
    std::vector<std::vector<std::uint8_t>> data;
    std::vector<std::array<std::uint8_t, associated_data_size>> prefix;
    std::vector<std::array<std::uint8_t, tag_size>> tags;
};

// Puts back what a run has decrypted in place.
struct Ciphertexts {
    explicit Ciphertexts(const Frames& frames) : data(frames.data) {}
    void copy_to(Frames& frames) const {
        for (std::size_t i = 0; i < data.size(); ++i) {
            std::copy(data[i].begin(), data[i].end(), frames.data[i].begin());
        }
    }
    std::vector<std::vector<std::uint8_t>> data;
};

template <class Job>
std::vector<Job> jobs_of(const FoldKey& key, Frames& frames) {
    std::vector<Job> jobs;
    for (std::size_t i = 0; i < frames.count; ++i) {
        Job job;
        job.key = &key;
        job.associated_data = {frames.prefix[i], {}};
        job.data = frames.data[i];
        job.tag = frames.tags[i];
        jobs.push_back(job);
    }
    return jobs;
}

// One a call, or many.
template <class Job, class Run>
void run_jobs(Way way, std::span<Job> jobs, Run run) {
    const std::size_t count_max = way == Way::single ? 1 : batch_size;
    while (!jobs.empty()) {
        const std::size_t count = std::min(count_max, jobs.size());
        run(jobs.first(count));
        jobs = jobs.subspan(count);
    }
}

void fold_frames(benchmark::State& state, const Backend& backend, Way way, std::size_t size) {
    const FoldKey key{Key{}};
    Frames frames{size};
    std::vector<FoldJob> jobs = jobs_of<FoldJob>(key, frames);
    const auto work = [&] {
        run_jobs(way, std::span{jobs}, [&](std::span<FoldJob> some) { fold_many(backend, some); });
    };
    time_work(
        state, frames.bytes(), [] {}, work);
}

void unfold_frames(benchmark::State& state, const Backend& backend, Way way, std::size_t size) {
    const FoldKey key{Key{}};
    Frames frames{size};
    std::vector<FoldJob> fold_jobs = jobs_of<FoldJob>(key, frames);
    std::vector<UnfoldJob> jobs = jobs_of<UnfoldJob>(key, frames);
    fold_many(backend, fold_jobs);
    const Ciphertexts ciphertexts{frames};
    const auto work = [&] {
        run_jobs(way, std::span{jobs},
                 [&](std::span<UnfoldJob> some) { unfold_many(backend, some); });
    };
    time_work(
        state, frames.bytes(), [&] { ciphertexts.copy_to(frames); }, work);
    for (const UnfoldJob& job : jobs) {
        if (!job.is_opened) state.SkipWithError("a frame did not open");
    }
}

// An AEAD of OpenSSL with its key set. Every call gives true when OpenSSL did as it was asked.
class OpensslAead {
public:
    OpensslAead(const char* name, bool is_seal)
        : is_seal_(is_seal), context_(EVP_CIPHER_CTX_new()) {
        EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, name, nullptr);
        const std::array<std::uint8_t, 32> key{};
        is_ready_ =
            EVP_CipherInit_ex(context_, cipher, nullptr, key.data(), nullptr, is_seal ? 1 : 0) == 1;
        EVP_CIPHER_free(cipher);
    }
    ~OpensslAead() { EVP_CIPHER_CTX_free(context_); }
    OpensslAead(const OpensslAead&) = delete;
    OpensslAead& operator=(const OpensslAead&) = delete;

    bool run(Frames& frames) {
        bool is_ok = is_ready_;
        for (std::size_t i = 0; i < frames.count; ++i) is_ok &= run_frame(frames, i);
        return is_ok;
    }

private:
    bool run_frame(Frames& frames, std::size_t i) {
        // Sealing and opening see the same nonces when both begin with the first frame.
        std::array<std::uint8_t, 12> nonce{};
        nonce[0] = static_cast<std::uint8_t>(i);
        nonce[1] = static_cast<std::uint8_t>(i >> 8);
        std::uint8_t* const data = frames.data[i].data();
        int written = 0;
        bool is_ok = EVP_CipherInit_ex(context_, nullptr, nullptr, nullptr, nonce.data(), -1) == 1;
        if (!is_seal_) {
            is_ok &= EVP_CIPHER_CTX_ctrl(context_, EVP_CTRL_AEAD_SET_TAG, tag_size,
                                         frames.tags[i].data()) == 1;
        }
        is_ok &= EVP_CipherUpdate(context_, nullptr, &written, frames.prefix[i].data(),
                                  associated_data_size) == 1;
        is_ok &=
            EVP_CipherUpdate(context_, data, &written, data, static_cast<int>(frames.size)) == 1;
        is_ok &= EVP_CipherFinal_ex(context_, data + written, &written) == 1;
        if (is_seal_) {
            is_ok &= EVP_CIPHER_CTX_ctrl(context_, EVP_CTRL_AEAD_GET_TAG, tag_size,
                                         frames.tags[i].data()) == 1;
        }
        return is_ok;
    }

    bool is_seal_;
    EVP_CIPHER_CTX* context_;
    bool is_ready_ = false;
};

void openssl_seal(benchmark::State& state, const char* cipher, std::size_t size) {
    Frames frames{size};
    OpensslAead aead{cipher, true};
    bool is_ok = true;
    time_work(
        state, frames.bytes(), [] {}, [&] { is_ok &= aead.run(frames); });
    if (!is_ok) state.SkipWithError("OpenSSL refused");
}

void openssl_open(benchmark::State& state, const char* cipher, std::size_t size) {
    Frames frames{size};
    bool is_ok = OpensslAead{cipher, true}.run(frames);
    const Ciphertexts ciphertexts{frames};
    OpensslAead aead{cipher, false};
    time_work(
        state, frames.bytes(), [&] { ciphertexts.copy_to(frames); },
        [&] { is_ok &= aead.run(frames); });
    if (!is_ok) state.SkipWithError("OpenSSL refused");
}

void openssl_digest(benchmark::State& state, const char* name, std::size_t size) {
    const Frames frames{size};
    std::array<std::uint8_t, EVP_MAX_MD_SIZE> output;
    unsigned output_size = 0;
    EVP_MD* const algorithm = EVP_MD_fetch(nullptr, name, nullptr);
    EVP_MD_CTX* const context = EVP_MD_CTX_new();
    bool is_ok = true;
    const auto work = [&] {
        for (const auto& data : frames.data) {
            is_ok &= EVP_DigestInit_ex2(context, algorithm, nullptr) == 1;
            is_ok &= EVP_DigestUpdate(context, data.data(), size) == 1;
            is_ok &= EVP_DigestFinal_ex(context, output.data(), &output_size) == 1;
            benchmark::DoNotOptimize(output);
        }
    };
    time_work(
        state, frames.bytes(), [] {}, work);
    EVP_MD_CTX_free(context);
    EVP_MD_free(algorithm);
    if (!is_ok) state.SkipWithError("OpenSSL refused");
}

void phe_digest(benchmark::State& state, std::size_t size) {
    const Frames frames{size};
    std::array<std::uint8_t, digest_size_default> output;
    const auto work = [&] {
        for (const auto& data : frames.data) {
            digest(data, {}, output);
            benchmark::DoNotOptimize(output);
        }
    };
    time_work(
        state, frames.bytes(), [] {}, work);
}

void content_digest(benchmark::State& state, std::size_t size) {
    const Frames frames{size};
    const auto work = [&] {
        for (const auto& data : frames.data) {
            ContentDigest content;
            content.update(data);
            benchmark::DoNotOptimize(content.finish());
        }
    };
    time_work(
        state, frames.bytes(), [] {}, work);
}

void leaves(benchmark::State& state, const Backend& backend) {
    const std::vector<std::uint8_t> data(batch_size * leaf_size);
    std::vector<std::uint8_t> output(batch_size * chaining_value_size);
    time_work(
        state, data.size(), [] {}, [&] { hash_leaves(backend, data, output); });
}

std::string name_of(const Backend& of) {
    return &of == &backend() ? "stt" : std::string("stt-") + of.name;
}

void add_aead(std::size_t size) {
    const std::string bytes = "/" + std::to_string(size);
    for (const Backend& backend : available_backends()) {
        for (const Way way : {Way::single, Way::batch}) {
            const std::string rest =
                (way == Way::single ? "/single/" : "/batch/") + name_of(backend) + bytes;
            add("fold" + rest, [&backend, way, size](benchmark::State& state) {
                fold_frames(state, backend, way, size);
            });
            add("unfold" + rest, [&backend, way, size](benchmark::State& state) {
                unfold_frames(state, backend, way, size);
            });
        }
    }
    constexpr std::array<std::array<const char*, 2>, 3> ciphers = {{
        {"aes-256-gcm", "AES-256-GCM"},
        {"aes-128-gcm", "AES-128-GCM"},
        {"chacha20-poly1305", "ChaCha20-Poly1305"},
    }};
    for (const auto& [name, openssl_name] : ciphers) {
        const char* const cipher = openssl_name;
        const std::string rest = std::string("/single/") + name + bytes;
        add("fold" + rest,
            [cipher, size](benchmark::State& state) { openssl_seal(state, cipher, size); });
        add("unfold" + rest,
            [cipher, size](benchmark::State& state) { openssl_open(state, cipher, size); });
    }
}

void add_digests(std::size_t size) {
    const std::string bytes = "/" + std::to_string(size);
    add("hash/stt" + bytes, [size](benchmark::State& state) { phe_digest(state, size); });
    add("hash/stt-content" + bytes,
        [size](benchmark::State& state) { content_digest(state, size); });
    add("hash/sha3-256" + bytes,
        [size](benchmark::State& state) { openssl_digest(state, "SHA3-256", size); });
    add("hash/blake2b" + bytes,
        [size](benchmark::State& state) { openssl_digest(state, "BLAKE2B-512", size); });
}

const bool is_registered = [] {
    for (const std::size_t size : {64u, 256u, 1024u, 1400u, 4096u, 16384u, 65536u}) {
        add_aead(size);
    }
    for (const std::size_t size : {64u, 256u, 1024u, 1400u, 4096u, 16384u, 65536u, 1048576u}) {
        add_digests(size);
    }
    for (const Backend& backend : available_backends()) {
        add("hash/leaves/" + name_of(backend),
            [&backend](benchmark::State& state) { leaves(state, backend); });
    }
    return true;
}();

}  // namespace
