#include "node/record_ring.hpp"

#include <bit>
#include <cstring>
#include <stt/check.hpp>
#include <type_traits>

namespace stt::node {
namespace {

struct Header {
    std::uint32_t size = 0;  // of the payload
    bool is_filler = false;  // what is left at the end of the ring is too little for the next
    Record record;
};
static_assert(std::is_trivially_copyable_v<Header>);

// Headers begin at multiples of this.
constexpr std::size_t grain = 8;
static_assert(sizeof(Header) % grain == 0);

constexpr std::size_t size_in_ring(std::size_t payload_size) noexcept {
    return (sizeof(Header) + payload_size + grain - 1) / grain * grain;
}

}  // namespace

RecordRing::RecordRing(std::size_t capacity)
    : capacity_(capacity), bytes_(std::make_unique_for_overwrite<std::uint8_t[]>(capacity)) {
    STT_CHECK(std::has_single_bit(capacity) && capacity >= sizeof(Header));
}

bool RecordRing::put(const Record& record, Bytes payload) noexcept {
    const std::size_t free = capacity_ - used();
    const std::size_t needed = size_in_ring(payload.size());
    std::uint64_t at = written_.load(std::memory_order_relaxed);
    const std::size_t left = left_at(at);
    const std::size_t filler = left < needed ? left : 0;
    if (needed > free || filler > free - needed) return false;
    if (filler > 0) {
        // Where not even a header has room, the reader knows by itself.
        const Header header{.size = 0, .is_filler = true, .record = {}};
        if (filler >= sizeof header) std::memcpy(place_of(at), &header, sizeof header);
        at += filler;
    }
    const Header header{static_cast<std::uint32_t>(payload.size()), false, record};
    std::memcpy(place_of(at), &header, sizeof header);
    if (!payload.empty()) {
        std::memcpy(place_of(at) + sizeof header, payload.data(), payload.size());
    }
    written_.store(at + needed, std::memory_order_release);
    return true;
}

RecordRing::Step RecordRing::look(std::uint64_t at, Record& record,
                                  MutableBytes& payload) const noexcept {
    const std::size_t left = left_at(at);
    if (left < sizeof(Header)) return {left, false};
    Header header;
    std::memcpy(&header, place_of(at), sizeof header);
    if (header.is_filler) return {left, false};
    record = header.record;
    payload = {place_of(at) + sizeof header, header.size};
    return {size_in_ring(header.size), true};
}

}  // namespace stt::node
