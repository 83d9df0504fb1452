#include "core/connection/frame_batch.hpp"

#include <cstring>

namespace stt::connection {

void FrameBatch::begin(MutableBytes buffer, session::SendKeys& keys,
                       const wire::SessionId& session_id) {
    jobs_.clear();
    go_on(buffer, keys, session_id);
}

void FrameBatch::go_on(MutableBytes buffer, session::SendKeys& keys,
                       const wire::SessionId& session_id) {
    buffer_ = buffer;
    keys_ = &keys;
    session_id_ = session_id;
    size_ = 0;
    datagram_size_ = 0;
    datagram_size_max_ = 0;
    frames_.clear();
}

bool FrameBatch::begin_datagram(std::size_t size_max) noexcept {
    if (buffer_.size() - size_ < size_max) return false;
    datagram_size_ = 0;
    datagram_size_max_ = size_max;
    frames_.clear();
    return true;
}

wire::SessionFrameHeader FrameBatch::header(wire::FrameType type, std::uint16_t stream,
                                            std::uint8_t flags,
                                            std::uint64_t sequence) const noexcept {
    return {type, session_id_, stream, sequence, flags, keys_->epoch()};
}

std::size_t FrameBatch::payload_room(wire::FrameType type, std::uint16_t stream,
                                     std::uint64_t sequence) const noexcept {
    return wire::session_payload_size_max(header(type, stream, 0, sequence), datagram_room());
}

void FrameBatch::add_sealed(Bytes frame) noexcept {
    STT_CHECK(frame.size() <= datagram_room());
    std::memcpy(buffer_.data() + size_ + datagram_size_, frame.data(), frame.size());
    datagram_size_ += frame.size();
}

MutableBytes FrameBatch::add(wire::FrameType type, std::uint16_t stream, std::uint8_t flags,
                             std::uint64_t sequence, std::size_t payload_size, bool elicits_ack,
                             const recovery::Cargo& cargo) {
    const MutableBytes room = buffer_.subspan(size_ + datagram_size_, datagram_room());
    const wire::FrameLayout layout =
        wire::lay_out_session_frame(header(type, stream, flags, sequence), payload_size, room);
    datagram_size_ += layout.size;
    jobs_.push_back({&keys_->key_of(stream),
                     {layout.header, layout.metadata_head},
                     layout.payload,
                     layout.tag});
    recovery::SentFrame& frame = frames_.emplace_back();
    frame.sequence = sequence;
    frame.size = static_cast<std::uint32_t>(layout.size);
    frame.elicits_ack = elicits_ack;
    frame.cargo = cargo;
    return layout.payload;
}

void FrameBatch::end_datagram() noexcept {
    size_ += datagram_size_;
    datagram_size_ = 0;
    datagram_size_max_ = 0;
}

void FrameBatch::seal() noexcept {
    stc::fold_many(jobs_);
    jobs_.clear();
}

}  // namespace stt::connection
