#include "stc/turboshake.hpp"

#include <algorithm>
#include <cstring>
#include <stt/check.hpp>

#include "base/secret.hpp"
#include "codec/varint.hpp"
#include "codec/writer.hpp"
#include "stc/permutation/backend.hpp"

namespace stt::stc {
namespace {

static_assert(lattice_size == lane_count * lane_size && rate == absorb_lanes * lane_size);

void permute(std::uint8_t* state) noexcept {
    single_kernel(backend()).permute(state, rounds_stc);
}

void xor_into(std::uint8_t* to, Bytes from) noexcept {
    std::size_t i = 0;
    for (; i + lane_size <= from.size(); i += lane_size) {
        std::uint64_t a;
        std::uint64_t b;
        std::memcpy(&a, to + i, lane_size);
        std::memcpy(&b, from.data() + i, lane_size);
        a ^= b;
        std::memcpy(to + i, &a, lane_size);
    }
    for (; i < from.size(); ++i) to[i] ^= from[i];
}

}  // namespace

TurboShake128::~TurboShake128() {
    wipe(state_);
}

void TurboShake128::absorb(Bytes data) noexcept {
    STT_CHECK(!is_finished_);
    if (offset_ > 0) {
        const Bytes head = data.first(std::min(rate - offset_, data.size()));
        xor_into(state_.data() + offset_, head);
        offset_ += head.size();
        data = data.subspan(head.size());
        if (offset_ < rate) return;
        permute(state_.data());
        offset_ = 0;
    }
    const std::size_t whole_blocks = data.size() / rate;
    if (whole_blocks > 0) {
        const std::uint8_t* const input = data.data();
        single_kernel(backend()).absorb(state_.data(), &input, whole_blocks);
        data = data.subspan(whole_blocks * rate);
    }
    xor_into(state_.data(), data);
    offset_ = data.size();
}

void TurboShake128::absorb_key_block(Bytes key) noexcept {
    STT_CHECK(offset_ == 0);
    std::array<std::uint8_t, codec::varint_size_max> prefix;
    codec::Writer writer{prefix};
    writer.varint(key.size());
    absorb(writer.written());
    absorb(key);
    if (offset_ == 0) return;
    // The rest of the block is zeros: absorbing them leaves the state as it is.
    permute(state_.data());
    offset_ = 0;
}

void TurboShake128::finish(std::uint8_t domain) noexcept {
    STT_CHECK(!is_finished_ && domain >= 0x01 && domain <= 0x7f);
    state_[offset_] ^= domain;
    state_[rate - 1] ^= 0x80;
    permute(state_.data());
    offset_ = 0;
    is_finished_ = true;
}

void TurboShake128::squeeze(MutableBytes output) noexcept {
    STT_CHECK(is_finished_);
    while (!output.empty()) {
        if (offset_ == rate) {
            permute(state_.data());
            offset_ = 0;
        }
        const std::size_t size = std::min(rate - offset_, output.size());
        std::memcpy(output.data(), state_.data() + offset_, size);
        offset_ += size;
        output = output.subspan(size);
    }
}

void turboshake128(Bytes message, std::uint8_t domain, MutableBytes output) noexcept {
    TurboShake128 sponge;
    sponge.absorb(message);
    sponge.finish(domain);
    sponge.squeeze(output);
}

}  // namespace stt::stc
