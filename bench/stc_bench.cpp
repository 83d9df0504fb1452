// STC beside OpenSSL, on one core, in one run:
//
//   build/bench/stc_bench --benchmark_repetitions=9 --benchmark_report_aggregates_only=true
//
// What to compare: the `bytes_per_second` of the medians. A frame is a message of its own
// with a nonce of its own, 32 bytes of associated data and a tag of 16 bytes; OpenSSL gets
// one message a call, with the key schedule kept, which is the fastest way it offers.
#include <benchmark/benchmark.h>
#include <openssl/evp.h>

#include <array>
#include <cstdint>
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

void count_bytes(benchmark::State& state, std::size_t bytes_each_iteration) {
    state.SetBytesProcessed(static_cast<std::int64_t>(bytes_each_iteration) *
                            static_cast<std::int64_t>(state.iterations()));
}

// `count` frames of `size` bytes, each in a buffer of its own as a sender has them.
struct Frames {
    Frames(std::size_t count, std::size_t size)
        : data(count, std::vector<std::uint8_t>(size)), prefix(count), tags(count) {}

    std::vector<std::vector<std::uint8_t>> data;
    std::vector<std::array<std::uint8_t, associated_data_size>> prefix;
    std::vector<std::array<std::uint8_t, tag_size>> tags;
};

void fold_frames(benchmark::State& state, const Backend& backend, std::size_t count,
                 std::size_t size) {
    const FoldKey key{Key{}};
    Frames frames{count, size};
    std::vector<FoldJob> jobs;
    for (std::size_t i = 0; i < count; ++i) {
        jobs.push_back({&key, {frames.prefix[i], {}}, frames.data[i], frames.tags[i]});
    }
    for (auto _ : state) {
        fold_many(backend, jobs);
        benchmark::ClobberMemory();
    }
    count_bytes(state, count * size);
}

// Frames that open: their ciphertext is made anew before each batch, outside the time.
void unfold_frames(benchmark::State& state, const Backend& backend, std::size_t count,
                   std::size_t size) {
    const FoldKey key{Key{}};
    Frames frames{count, size};
    std::vector<FoldJob> fold_jobs;
    std::vector<UnfoldJob> jobs;
    for (std::size_t i = 0; i < count; ++i) {
        fold_jobs.push_back({&key, {frames.prefix[i], {}}, frames.data[i], frames.tags[i]});
        jobs.push_back({&key, {frames.prefix[i], {}}, frames.data[i], frames.tags[i]});
    }
    fold_many(backend, fold_jobs);
    const Frames folded = frames;
    for (auto _ : state) {
        state.PauseTiming();
        for (std::size_t i = 0; i < count; ++i) {
            std::copy(folded.data[i].begin(), folded.data[i].end(), frames.data[i].begin());
        }
        state.ResumeTiming();
        unfold_many(backend, jobs);
        benchmark::ClobberMemory();
    }
    for (const UnfoldJob& job : jobs) {
        if (!job.is_opened) state.SkipWithError("a frame did not open");
    }
    count_bytes(state, count * size);
}

void openssl_seal(benchmark::State& state, const EVP_CIPHER* cipher, std::size_t size) {
    Frames frames{batch_size, size};
    const std::array<std::uint8_t, 32> key{};
    std::array<std::uint8_t, 12> nonce{};
    EVP_CIPHER_CTX* const context = EVP_CIPHER_CTX_new();
    bool is_ok = EVP_EncryptInit_ex(context, cipher, nullptr, key.data(), nullptr) == 1;
    for (auto _ : state) {
        for (std::size_t i = 0; i < batch_size; ++i) {
            ++nonce[0];
            std::uint8_t* const data = frames.data[i].data();
            int written = 0;
            is_ok &= EVP_EncryptInit_ex(context, nullptr, nullptr, nullptr, nonce.data()) == 1;
            is_ok &= EVP_EncryptUpdate(context, nullptr, &written, frames.prefix[i].data(),
                                       associated_data_size) == 1;
            is_ok &= EVP_EncryptUpdate(context, data, &written, data, static_cast<int>(size)) == 1;
            is_ok &= EVP_EncryptFinal_ex(context, data + written, &written) == 1;
            is_ok &= EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, tag_size,
                                         frames.tags[i].data()) == 1;
        }
        benchmark::ClobberMemory();
    }
    EVP_CIPHER_CTX_free(context);
    if (!is_ok) state.SkipWithError("OpenSSL refused");
    count_bytes(state, batch_size * size);
}

void openssl_digest(benchmark::State& state, const EVP_MD* algorithm, std::size_t size) {
    const std::vector<std::uint8_t> data(size);
    std::array<std::uint8_t, EVP_MAX_MD_SIZE> output;
    unsigned output_size = 0;
    EVP_MD_CTX* const context = EVP_MD_CTX_new();
    bool is_ok = true;
    for (auto _ : state) {
        is_ok &= EVP_DigestInit_ex(context, algorithm, nullptr) == 1;
        is_ok &= EVP_DigestUpdate(context, data.data(), size) == 1;
        is_ok &= EVP_DigestFinal_ex(context, output.data(), &output_size) == 1;
        benchmark::DoNotOptimize(output);
    }
    EVP_MD_CTX_free(context);
    if (!is_ok) state.SkipWithError("OpenSSL refused");
    count_bytes(state, size);
}

void phe_digest(benchmark::State& state, std::size_t size) {
    const std::vector<std::uint8_t> data(size);
    std::array<std::uint8_t, digest_size_default> output;
    for (auto _ : state) {
        digest(data, {}, output);
        benchmark::DoNotOptimize(output);
    }
    count_bytes(state, size);
}

void content_digest(benchmark::State& state, std::size_t size) {
    const std::vector<std::uint8_t> data(size);
    for (auto _ : state) {
        ContentDigest content;
        content.update(data);
        benchmark::DoNotOptimize(content.finish());
    }
    count_bytes(state, size);
}

void leaves(benchmark::State& state, const Backend& backend) {
    const std::vector<std::uint8_t> data(batch_size * leaf_size);
    std::vector<std::uint8_t> output(batch_size * chaining_value_size);
    for (auto _ : state) {
        hash_leaves(backend, data, output);
        benchmark::ClobberMemory();
    }
    count_bytes(state, data.size());
}

void register_aead(std::size_t size) {
    const std::string bytes = std::string{"/"}.append(std::to_string(size));
    for (const Backend& backend : available_backends()) {
        const std::string name = std::string{"/"}.append(backend.name).append(bytes);
        const auto add = [&](const std::string& what, auto function, std::size_t count) {
            const auto run = [&backend, function, count, size](benchmark::State& state) {
                function(state, backend, count, size);
            };
            benchmark::RegisterBenchmark((what + name).c_str(), run);
        };
        add("fold_many_64", fold_frames, batch_size);
        add("unfold_many_64", unfold_frames, batch_size);
        add("fold_one", fold_frames, 1);
    }
    const auto add = [&](const std::string& name, const EVP_CIPHER* cipher) {
        benchmark::RegisterBenchmark(
            ("openssl_" + name + bytes).c_str(),
            [cipher, size](benchmark::State& state) { openssl_seal(state, cipher, size); });
    };
    add("aes_256_gcm", EVP_aes_256_gcm());
    add("aes_128_gcm", EVP_aes_128_gcm());
    add("chacha20_poly1305", EVP_chacha20_poly1305());
}

void register_digests(std::size_t size) {
    const std::string bytes = std::string{"/"}.append(std::to_string(size));
    const auto add = [&](const std::string& name, auto function) {
        benchmark::RegisterBenchmark(
            (name + bytes).c_str(),
            [function, size](benchmark::State& state) { function(state, size); });
    };
    add("phe_digest", phe_digest);
    add("content_digest", content_digest);
    add("openssl_sha3_256", [](benchmark::State& state, std::size_t data_size) {
        openssl_digest(state, EVP_sha3_256(), data_size);
    });
    add("openssl_blake2b", [](benchmark::State& state, std::size_t data_size) {
        openssl_digest(state, EVP_blake2b512(), data_size);
    });
}

const bool is_registered = [] {
    for (const std::size_t size : {64u, 256u, 1024u, 1400u, 4096u, 16384u, 65536u}) {
        register_aead(size);
    }
    for (const std::size_t size : {64u, 1024u, 16384u, 1048576u}) register_digests(size);
    for (const Backend& backend : available_backends()) {
        benchmark::RegisterBenchmark(
            ("hash_leaves_64/" + std::string(backend.name)).c_str(),
            [&backend](benchmark::State& state) { leaves(state, backend); });
    }
    return true;
}();

}  // namespace
