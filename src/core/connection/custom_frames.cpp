#include "core/connection/custom_frames.hpp"

#include <utility>

namespace stt::connection {

bool CustomQueue::push(std::uint8_t type, std::uint16_t stream, Bytes payload) {
    const bool has_room = frames_.size() < custom_queue_count_max &&
                          payload.size() <= custom_queue_bytes_max - bytes_;
    if (!has_room) return false;
    bytes_ += payload.size();
    frames_.push_back({type, stream, {payload.begin(), payload.end()}});
    return true;
}

std::optional<CustomFrame> CustomQueue::pop() {
    if (frames_.empty()) return std::nullopt;
    CustomFrame frame = std::move(frames_.front());
    frames_.pop_front();
    bytes_ -= frame.payload.size();
    return frame;
}

void CustomQueue::clear() noexcept {
    frames_.clear();
    bytes_ = 0;
}

}  // namespace stt::connection
