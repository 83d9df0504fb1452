// Frames of the application's own types, 0x80 to 0xff. Spec protocol §3.
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stt/bytes.hpp>
#include <stt/custom_frame.hpp>
#include <stt/result.hpp>

#include "base/fifo.hpp"
#include "core/wire/frame.hpp"

namespace stt::connection {

static_assert(custom_type_min == wire::application_frame_type_min);

// Which types there is a handler for; bit 0 is 0x80. Others are acknowledged, and dropped as
// wire::DropReason::no_handler.
using CustomTypes = std::bitset<std::size_t{256} - static_cast<std::size_t>(custom_type_min)>;
constexpr std::size_t custom_type_index(std::uint8_t type) noexcept {
    return std::size_t{type} - custom_type_min;
}

inline constexpr std::size_t custom_queue_bytes_max =
    custom_queue_count_max * custom_payload_size_max;

enum class CustomError : std::uint8_t {
    not_custom,  // a type below 0x80
    too_large,   // over custom_payload_size_max
    queue_full,  // what was queued before has to leave first
    closed,      // the session is ending
};

// A queue of custom frames that is bounded in frames and in bytes.
class CustomQueue {
public:
    bool empty() const noexcept { return frames_.empty(); }
    std::size_t size() const noexcept { return frames_.size(); }
    const CustomFrame& front() const noexcept { return frames_.front(); }
    // False, and nothing changed: no room.
    bool push(std::uint8_t type, std::uint16_t stream, Bytes payload);
    std::optional<CustomFrame> pop();
    void clear() noexcept;

private:
    Fifo<CustomFrame> frames_;
    std::size_t bytes_ = 0;
};

struct CustomState {
    CustomTypes types;  // of this session's own handlers
    CustomQueue to_send;
    CustomQueue received;
    bool is_readable_told = false;
    bool is_writable_wanted = false;
    bool had_last_turn = false;  // the last datagram that could hold either took custom frames
};

}  // namespace stt::connection
