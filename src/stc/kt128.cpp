#include "stc/kt128.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <stt/check.hpp>

#include "base/byte_order.hpp"
#include "base/secret.hpp"
#include "stc/permutation/backend.hpp"
#include "stc/phe.hpp"

namespace stt::stc {
namespace {

// RFC 9861 §3.2: the domain bytes of a leaf, of the final node above leaves, and of a
// message that is a single node.
constexpr std::uint8_t leaf_domain = 0x0b;
constexpr std::uint8_t final_node_domain = 0x06;
constexpr std::uint8_t single_node_domain = 0x07;
// Between the first chunk and the chaining values.
constexpr std::array<std::uint8_t, 8> chaining_prefix = {0x03};
constexpr std::array<std::uint8_t, 2> chaining_suffix = {0xff, 0xff};

// As many leaves as the widest kernel takes at once: the 64 KiB that ContentDigest holds.
constexpr std::size_t held_leaves_max = width_max;
constexpr std::size_t held_size_max = held_leaves_max * leaf_size;

struct EncodedLength {
    std::array<std::uint8_t, 9> bytes{};
    std::size_t size = 0;
};

// length_encode(value): the bytes of the number, highest first and none of them leading
// zeros, then how many there are. RFC 9861 §3.3.
EncodedLength encode_length(std::uint64_t value) noexcept {
    EncodedLength encoded;
    for (std::size_t shift = 64; shift > 0; shift -= 8) {
        const auto byte = static_cast<std::uint8_t>(value >> (shift - 8));
        if (encoded.size > 0 || byte != 0) encoded.bytes[encoded.size++] = byte;
    }
    encoded.bytes[encoded.size] = static_cast<std::uint8_t>(encoded.size);
    ++encoded.size;
    return encoded;
}

// Hashes `count` leaves, at most as many as the kernel is wide.
void hash_group(const Kernel& kernel, const std::uint8_t* leaves, std::size_t count,
                std::uint8_t* output) noexcept {
    constexpr std::size_t whole_blocks = leaf_size / rate;
    constexpr std::size_t tail_offset = whole_blocks * rate;
    constexpr std::size_t tail_lanes = (leaf_size - tail_offset) / lane_size;
    static_assert(tail_offset + tail_lanes * lane_size == leaf_size && tail_lanes < absorb_lanes);

    alignas(64) std::uint8_t batch[lane_count * lane_size * width_max] = {};
    const auto lane = [&](std::size_t index, std::size_t state) {
        return batch + lane_size * (index * kernel.width + state);
    };
    const auto xor_lane = [&](std::size_t index, std::size_t state, std::uint64_t word) {
        const auto before = load_little_endian<std::uint64_t>(lane(index, state));
        store_little_endian(lane(index, state), before ^ word);
    };

    const std::uint8_t* input[width_max];
    // A state without a leaf of its own repeats the first.
    for (std::size_t i = 0; i < width_max; ++i) input[i] = leaves + (i < count ? i * leaf_size : 0);
    kernel.absorb(batch, input, whole_blocks);
    for (std::size_t i = 0; i < count; ++i) {
        const std::uint8_t* const tail = input[i] + tail_offset;
        for (std::size_t index = 0; index < tail_lanes; ++index) {
            xor_lane(index, i, load_little_endian<std::uint64_t>(tail + lane_size * index));
        }
        xor_lane(tail_lanes, i, leaf_domain);
        xor_lane(absorb_lanes - 1, i, std::uint64_t{0x80} << 56);
    }
    kernel.permute(batch, rounds_stc);
    for (std::size_t i = 0; i < count; ++i) {
        for (std::size_t index = 0; index < chaining_value_size / lane_size; ++index) {
            std::memcpy(output, lane(index, i), lane_size);
            output += lane_size;
        }
    }
}

// The tree above the message, whatever is appended to it.
class Tree {
public:
    void update(Bytes data) {
        if (size_ < leaf_size) {
            const Bytes head = data.first(
                static_cast<std::size_t>(std::min<std::uint64_t>(leaf_size - size_, data.size())));
            node_.absorb(head);
            size_ += head.size();
            data = data.subspan(head.size());
        }
        if (data.empty()) return;
        if (size_ == leaf_size) begin_leaves();
        size_ += data.size();
        if (held_size_ > 0) data = data.subspan(hold(data));
        if (held_size_ == held_size_max) {
            absorb_leaves({held_.get(), held_size_max});
            held_size_ = 0;
        }
        const std::size_t direct = data.size() - data.size() % held_size_max;
        absorb_leaves(data.first(direct));
        hold(data.subspan(direct));
    }

    void finish(MutableBytes output) noexcept {
        if (size_ <= leaf_size) {
            node_.finish(single_node_domain);
            node_.squeeze(output);
            return;
        }
        const std::size_t whole = held_size_ - held_size_ % leaf_size;
        absorb_leaves({held_.get(), whole});
        if (held_size_ > whole) {
            std::array<std::uint8_t, chaining_value_size> value;
            turboshake128({held_.get() + whole, held_size_ - whole}, leaf_domain, value);
            node_.absorb(value);
        }
        const EncodedLength leaf_count = encode_length((size_ - 1) / leaf_size);
        node_.absorb(Bytes{leaf_count.bytes}.first(leaf_count.size));
        node_.absorb(chaining_suffix);
        node_.finish(final_node_domain);
        node_.squeeze(output);
    }

private:
    // Only a message of more than one chunk pays for the held leaves.
    void begin_leaves() {
        node_.absorb(chaining_prefix);
        held_.reset(new std::uint8_t[held_size_max]);  // not make_unique(): no need of zeros
    }

    // Keeps what there is room for; says how much that was.
    std::size_t hold(Bytes data) noexcept {
        const std::size_t size = std::min(held_size_max - held_size_, data.size());
        if (size > 0) std::memcpy(held_.get() + held_size_, data.data(), size);
        held_size_ += size;
        return size;
    }

    void absorb_leaves(Bytes leaves) noexcept {
        std::array<std::uint8_t, held_leaves_max * chaining_value_size> values;
        while (!leaves.empty()) {
            const Bytes some = leaves.first(std::min(held_size_max, leaves.size()));
            const auto chained =
                MutableBytes{values}.first(some.size() / leaf_size * chaining_value_size);
            hash_leaves(backend(), some, chained);
            node_.absorb(chained);
            leaves = leaves.subspan(some.size());
        }
    }

    TurboShake128 node_;
    std::unique_ptr<std::uint8_t[]> held_;
    std::size_t held_size_ = 0;
    // Of the message so far.
    std::uint64_t size_ = 0;
};

}  // namespace

void hash_leaves(const Backend& backend, Bytes leaves, MutableBytes output) noexcept {
    std::size_t count = leaves.size() / leaf_size;
    STT_CHECK(leaves.size() == count * leaf_size && output.size() == count * chaining_value_size);
    const std::uint8_t* from = leaves.data();
    std::uint8_t* to = output.data();
    while (count > 0) {
        const Kernel& kernel = kernel_for(backend, count);
        const std::size_t group = std::min(kernel.width, count);
        hash_group(kernel, from, group, to);
        from += group * leaf_size;
        to += group * chaining_value_size;
        count -= group;
    }
}

void kt128(Bytes message, Bytes customization, MutableBytes output) {
    Tree tree;
    tree.update(message);
    tree.update(customization);
    const EncodedLength customization_size = encode_length(customization.size());
    tree.update(Bytes{customization_size.bytes}.first(customization_size.size));
    tree.finish(output);
}

}  // namespace stt::stc

namespace stt {

struct ContentDigest::State {
    stc::Tree tree;
};

ContentDigest::ContentDigest() : state_(std::make_unique<State>()) {}
ContentDigest::~ContentDigest() = default;
ContentDigest::ContentDigest(ContentDigest&&) noexcept = default;
ContentDigest& ContentDigest::operator=(ContentDigest&&) noexcept = default;

void ContentDigest::update(Bytes data) {
    state_->tree.update(data);
}

ContentDigest::Output ContentDigest::finish() {
    // The customization string is empty, and its encoded length still ends the message.
    const stc::EncodedLength customization_size = stc::encode_length(0);
    state_->tree.update(Bytes{customization_size.bytes}.first(customization_size.size));
    Output output;
    state_->tree.finish(output);
    return output;
}

}  // namespace stt
