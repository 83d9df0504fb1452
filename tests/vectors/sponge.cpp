#include "tests/vectors/sponge.hpp"

#include <algorithm>
#include <array>

namespace stt::vectors {
namespace {

constexpr std::size_t state_size = stc::lane_count * stc::lane_size;
constexpr std::size_t block_size = stc::absorb_lanes * stc::lane_size;

// A kernel's states, with the bytes of each in their own order.
class Batch {
public:
    explicit Batch(const stc::Kernel& kernel) : kernel_(kernel) {}

    std::uint8_t& at(std::size_t state, std::size_t byte) {
        const std::size_t lane = byte / stc::lane_size;
        return bytes_[stc::lane_size * (lane * kernel_.width + state) + byte % stc::lane_size];
    }
    std::uint8_t* data() { return bytes_.data(); }
    // The first `size` bytes of every state, when all are the same; else nothing.
    std::vector<std::uint8_t> common(std::size_t size) {
        std::vector<std::uint8_t> first(size);
        for (std::size_t state = 0; state < kernel_.width; ++state) {
            for (std::size_t byte = 0; byte < size; ++byte) {
                if (state == 0) first[byte] = at(0, byte);
                if (first[byte] != at(state, byte)) return {};
            }
        }
        return first;
    }

private:
    const stc::Kernel& kernel_;
    alignas(64) std::array<std::uint8_t, state_size * stc::width_max> bytes_{};
};

}  // namespace

std::vector<std::uint8_t> turboshake128_on(const stc::Kernel& kernel, Bytes message,
                                           std::uint8_t domain, std::size_t output_size) {
    std::vector<std::uint8_t> padded(message.begin(), message.end());
    padded.push_back(domain);
    padded.resize((padded.size() + block_size - 1) / block_size * block_size);
    padded.back() ^= 0x80;

    Batch batch(kernel);
    std::array<const std::uint8_t*, stc::width_max> input;
    input.fill(padded.data());
    kernel.absorb(batch.data(), input.data(), padded.size() / block_size);
    std::vector<std::uint8_t> output;
    while (output.size() < output_size) {
        const std::size_t size = std::min(block_size, output_size - output.size());
        const auto block = batch.common(size);
        if (block.empty()) return {};
        output.insert(output.end(), block.begin(), block.end());
        kernel.permute(batch.data(), stc::rounds_stc);
    }
    return output;
}

std::vector<std::uint8_t> permuted_on(const stc::Kernel& kernel, Bytes state) {
    Batch batch(kernel);
    for (std::size_t i = 0; i < kernel.width; ++i) {
        for (std::size_t byte = 0; byte < state_size; ++byte) batch.at(i, byte) = state[byte];
    }
    kernel.permute(batch.data(), stc::rounds_stc);
    return batch.common(state_size);
}

}  // namespace stt::vectors
