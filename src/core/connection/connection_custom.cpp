// Frames of the application's own types. Spec protocol §3.
#include <algorithm>
#include <utility>

#include "core/connection/connection.hpp"

namespace stt::connection {

Result<void, CustomError> Connection::send_custom(std::uint8_t type, std::uint16_t stream,
                                                  Bytes payload) {
    if (type < wire::application_frame_type_min) return Unexpected(CustomError::not_custom);
    if (payload.size() > custom_payload_size_max) return Unexpected(CustomError::too_large);
    if (phase_ != Phase::active) return Unexpected(CustomError::closed);
    if (custom_ == nullptr) custom_ = std::make_unique<CustomState>();
    if (!custom_->to_send.push(type, stream, payload)) {
        custom_->is_writable_wanted = true;
        return Unexpected(CustomError::queue_full);
    }
    return {};
}

std::optional<CustomFrame> Connection::receive_custom() {
    if (custom_ == nullptr) return std::nullopt;
    while (auto frame = custom_->received.pop()) {
        if (is_custom_kept(frame->type)) return frame;
        drop(wire::DropReason::no_handler);  // it had one when the frame came
    }
    custom_->is_readable_told = false;
    return std::nullopt;
}

void Connection::set_custom_types(const CustomTypes& types) {
    if (custom_ == nullptr && types.none()) return;  // most sessions never have any
    if (custom_ == nullptr) custom_ = std::make_unique<CustomState>();
    custom_->types = types;
}

bool Connection::is_custom_kept(std::uint8_t type) const noexcept {
    const std::size_t index = custom_type_index(type);
    return config_.custom_types[index] || (custom_ != nullptr && custom_->types[index]);
}

void Connection::keep_custom(const wire::FrameView& frame, Bytes plaintext) {
    const auto type = static_cast<std::uint8_t>(frame.type);
    if (type < wire::application_frame_type_min) return;
    if (!is_custom_kept(type)) return drop(wire::DropReason::no_handler, &frame);
    if (custom_ == nullptr) custom_ = std::make_unique<CustomState>();
    if (!custom_->received.push(type, frame.stream_id, plaintext)) {
        return drop(wire::DropReason::queue_full, &frame);
    }
    if (!std::exchange(custom_->is_readable_told, true)) events_.push_back(CustomReadable{});
}

// In turn with the streams, datagram by datagram: a flood of custom frames must not hold back
// what the streams have to say, credit and RESET among it.
void Connection::add_custom_frames(bool has_stream_frames) {
    if (!has_custom_to_send()) return;
    if (has_stream_frames && std::exchange(custom_->had_last_turn, false)) return;
    while (!custom_->to_send.empty()) {
        const CustomFrame& next = custom_->to_send.front();
        const auto type = static_cast<wire::FrameType>(next.type);
        const std::size_t room = data_room(type, next.stream_id);
        if (room == 0 || next.payload.size() > room) break;
        recovery::Cargo cargo;
        cargo.type = type;
        const MutableBytes place =
            add_frame(type, next.stream_id, 0, next.payload.size(), true, cargo);
        std::copy(next.payload.begin(), next.payload.end(), place.begin());
        static_cast<void>(custom_->to_send.pop());
        custom_->had_last_turn = true;
    }
    if (custom_->to_send.size() <= custom_queue_count_max / 2 &&
        std::exchange(custom_->is_writable_wanted, false)) {
        events_.push_back(CustomWritable{});
    }
}

}  // namespace stt::connection
