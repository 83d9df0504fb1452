#include <doctest/doctest.h>

#include <array>
#include <cstring>
#include <string>

#include "samples.hpp"
#include "stc/permutation/backend.hpp"
#include "stc/permutation/reference.hpp"
#include "stc/turboshake.hpp"

using namespace stt;
using namespace stt::stc;
using namespace stt::stc::test;

namespace {

struct alignas(64) Batch {
    std::array<std::uint8_t, lane_count * lane_size * width_max> bytes{};
};

void put_state(Batch& batch, const Kernel& kernel, std::size_t index, const Buffer& state) {
    for (std::size_t lane = 0; lane < lane_count; ++lane) {
        std::memcpy(&batch.bytes[lane_size * (lane * kernel.width + index)],
                    &state[lane_size * lane], lane_size);
    }
}

Buffer state_of(const Batch& batch, const Kernel& kernel, std::size_t index) {
    Buffer state(lattice_size);
    for (std::size_t lane = 0; lane < lane_count; ++lane) {
        std::memcpy(&state[lane_size * lane],
                    &batch.bytes[lane_size * (lane * kernel.width + index)], lane_size);
    }
    return state;
}

template <class Check>
void for_each_kernel(Check check) {
    for (const Backend& backend : available_backends()) {
        for (std::size_t i = 0; i < backend.kernel_count; ++i) {
            CAPTURE(std::string(backend.name));
            CAPTURE(backend.kernels[i]->width);
            check(*backend.kernels[i]);
        }
    }
}

// SHAKE128 of FIPS 202: the same sponge as TurboSHAKE128 with all 24 rounds.
Buffer shake128(const Kernel& kernel, const Buffer& message, std::size_t output_size) {
    Buffer padded = message;
    padded.push_back(0x1f);
    padded.resize((padded.size() + rate - 1) / rate * rate);
    padded.back() ^= 0x80;
    Batch batch;
    Buffer state(lattice_size);
    const auto permute = [&] {
        put_state(batch, kernel, kernel.width - 1, state);
        kernel.permute(batch.bytes.data(), rounds_max);
        state = state_of(batch, kernel, kernel.width - 1);
    };
    for (std::size_t at = 0; at < padded.size(); at += rate) {
        for (std::size_t i = 0; i < rate; ++i) state[i] ^= padded[at + i];
        permute();
    }
    Buffer output;
    while (true) {
        output.insert(output.end(), state.begin(), state.begin() + rate);
        if (output.size() >= output_size) break;
        permute();
    }
    output.resize(output_size);
    return output;
}

// What Python's hashlib.shake_128 gives for the pattern of RFC 9861: the last 32 bytes.
struct ShakeSample {
    std::size_t message_size;
    std::size_t output_size;
    const char* end;
};
constexpr ShakeSample shake_samples[] = {
    {0, 32, "7f9c2ba4e88f827d616045507605853ed73b8093f6efbc88eb1a6eacfa66ef26"},
    {3, 32, "203d4b7543731ad58bce7697b39a48eafc4fee548891d1cf94bffd231022a896"},
    {167, 32, "1e552791cc4e93a0d4a8dc47ae49228c2faa869e40e628f6ace477aec3f1ca7a"},
    {168, 32, "f15277eb61c4908d44a2853f3cde071ae2ed7a23461fbe162a1a98cf6875059c"},
    {169, 32, "015be3338c986d9846affa0f94b4afc2a76bc289c709e1a596ec9eccf090a773"},
    {5000, 1000, "c8c89d77fd30c667b7c72558508d121d2393950056e7ef23d84373dd36a262db"},
    {8192, 10000, "a92ecb7cbd8f87b7e0b9e2ad6e41030d15a2d1a4be7c260ee6bfd940441ec918"},
};

}  // namespace

TEST_CASE("stc One permutation (a): with 24 rounds it is the permutation of FIPS 202") {
    for_each_kernel([](const Kernel& kernel) {
        for (const ShakeSample& sample : shake_samples) {
            const Buffer output =
                shake128(kernel, pattern(sample.message_size), sample.output_size);
            CHECK(hex(Bytes{output}.last(32)) == sample.end);
        }
    });
}

TEST_CASE("stc One permutation (b): every kernel equals the reference on random states") {
    Samples samples{1};
    for_each_kernel([&](const Kernel& kernel) {
        for (unsigned rounds : {2u, 12u, 14u, 24u}) {
            for (int repeat = 0; repeat < 20; ++repeat) {
                Batch batch;
                std::array<Buffer, width_max> states;
                for (std::size_t i = 0; i < kernel.width; ++i) {
                    states[i] = samples.bytes(lattice_size);
                    put_state(batch, kernel, i, states[i]);
                }
                kernel.permute(batch.bytes.data(), rounds);
                for (std::size_t i = 0; i < kernel.width; ++i) {
                    permutation::permute_reference(states[i].data(), rounds);
                    CHECK(state_of(batch, kernel, i) == states[i]);
                }
            }
        }
    });
}

TEST_CASE("stc One permutation (b): every kernel absorbs blocks as the reference does") {
    Samples samples{2};
    const Kernel& reference = single_kernel(permutation::reference_backend);
    for_each_kernel([&](const Kernel& kernel) {
        for (std::size_t count : {0u, 1u, 2u, 5u}) {
            Batch batch;
            std::array<Buffer, width_max> states;
            std::array<Buffer, width_max> data;
            const std::uint8_t* input[width_max] = {};
            for (std::size_t i = 0; i < kernel.width; ++i) {
                states[i] = samples.bytes(lattice_size);
                put_state(batch, kernel, i, states[i]);
                data[i] = samples.bytes(count * rate);
                input[i] = data[i].data();
            }
            kernel.absorb(batch.bytes.data(), input, count);
            for (std::size_t i = 0; i < kernel.width; ++i) {
                reference.absorb(states[i].data(), &input[i], count);
                CHECK(state_of(batch, kernel, i) == states[i]);
            }
        }
    });
}

namespace {

struct Shape {
    std::size_t count;
    bool is_fold;
    bool is_start;
    std::size_t last_size_min;
};

// A run of every state that a kernel is wide, and what the reference makes of it one by one.
void check_duplex(Samples& samples, const Kernel& kernel, const Shape& shape) {
    const Kernel& reference = single_kernel(permutation::reference_backend);
    constexpr std::size_t block_size = fold_lanes * lane_size;
    Batch batch;
    alignas(64) std::array<std::uint8_t, scratch_size(width_max)> scratch{};
    DuplexRun run{};
    std::array<Buffer, width_max> states;
    std::array<Buffer, width_max> data;
    std::array<Buffer, width_max> keyed;
    std::array<Buffer, width_max> heads;
    run.count = shape.count;
    run.is_start = shape.is_start;
    run.trailer = samples.number(0, 1u << 30);
    run.scratch = scratch.data();
    for (std::size_t i = 0; i < kernel.width; ++i) {
        states[i] = samples.bytes(lattice_size);
        put_state(batch, kernel, i, states[i]);
        keyed[i] = samples.bytes(lattice_size);
        run.keyed[i] = keyed[i].data();
        // Not a byte more than there is to read and to write.
        run.head_size[i] = samples.number(0, block_size);
        heads[i] = samples.bytes(run.head_size[i]);
        run.head[i] = heads[i].data();
        run.head_trailer[i] = samples.number(0, 1u << 30);
        run.last_size[i] = samples.number(shape.last_size_min, block_size);
        if (shape.count > 0)
            data[i] = samples.bytes((shape.count - 1) * block_size + run.last_size[i]);
        run.input[i] = run.output[i] = data[i].data();
        run.last_trailer[i] = samples.number(0, 1u << 30);
    }
    const std::array<Buffer, width_max> before = data;
    (shape.is_fold ? kernel.fold : kernel.unfold)(batch.bytes.data(), run);
    for (std::size_t i = 0; i < kernel.width; ++i) {
        Buffer expected(before[i].size());
        DuplexRun single = run;
        single.input[0] = before[i].data();
        single.output[0] = expected.data();
        single.last_trailer[0] = run.last_trailer[i];
        single.last_size[0] = run.last_size[i];
        single.keyed[0] = run.keyed[i];
        single.head[0] = run.head[i];
        single.head_size[0] = run.head_size[i];
        single.head_trailer[0] = run.head_trailer[i];
        (shape.is_fold ? reference.fold : reference.unfold)(states[i].data(), single);
        CHECK(state_of(batch, kernel, i) == states[i]);
        CHECK(data[i] == expected);
    }
}

}  // namespace

TEST_CASE("stc DSF (d): every kernel folds and unfolds blocks as the reference does") {
    Samples samples{3};
    for_each_kernel([&](const Kernel& kernel) {
        for (std::size_t count : {1u, 2u, 3u, 9u}) {
            for (const bool is_fold : {true, false}) {
                for (const bool is_start : {true, false}) {
                    check_duplex(samples, kernel,
                                 {count, is_fold, is_start, fold_lanes * lane_size});
                }
            }
        }
    });
}

TEST_CASE("stc DSF (d): every kernel pads blocks of any size as the reference does") {
    Samples samples{4};
    for_each_kernel([&](const Kernel& kernel) {
        for (int repeat = 0; repeat < 200; ++repeat) {
            for (const bool is_fold : {true, false}) {
                check_duplex(samples, kernel, {samples.number(1, 3), is_fold, false, 0});
                check_duplex(samples, kernel, {samples.number(0, 3), is_fold, true, 0});
            }
        }
    });
}

TEST_CASE("stc One permutation (b): the fastest backend is the last, and has a kernel of width 1") {
    CHECK(std::string(available_backends().front().name) == "reference");
    CHECK(&available_backends().back() == &backend());
    for (const Backend& backend : available_backends()) {
        CHECK(single_kernel(backend).width == 1);
        CHECK(&kernel_for(backend, 1) == &single_kernel(backend));
        CHECK(&kernel_for(backend, 0) == &single_kernel(backend));
        CHECK(&kernel_for(backend, 1000) == backend.kernels[0]);
    }
}
