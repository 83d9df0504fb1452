#include <algorithm>
#include <stt/check.hpp>
#include <transport/udp/receive_batch.hpp>
#include <transport/udp/receive_batch_state.hpp>

namespace stt::transport {

MutableBytes ReceivedDatagrams::datagram(std::size_t index) const noexcept {
    const std::size_t begin = index * segment_size;
    STT_CHECK(begin < data.size());
    return data.subspan(begin, std::min(segment_size, data.size() - begin));
}

ReceiveBatch::State::State(std::size_t slot_count, std::size_t slot_size)
    : memory(std::make_unique_for_overwrite<std::uint8_t[]>(slot_count * slot_size)),
      headers(slot_count),
      vectors(slot_count),
      addresses(slot_count),
      controls(slot_count),
      received(slot_count) {
    for (std::size_t i = 0; i < slot_count; ++i) {
        vectors[i] = {memory.get() + i * slot_size, slot_size};
    }
}

void ReceiveBatch::State::prepare(std::size_t count) noexcept {
    for (std::size_t i = 0; i < count; ++i) {
        msghdr& header = headers[i].msg_hdr;
        header.msg_name = &addresses[i];
        header.msg_namelen = sizeof addresses[i];
        header.msg_iov = &vectors[i];
        header.msg_iovlen = 1;
        header.msg_control = controls[i].bytes.data();
        header.msg_controllen = controls[i].bytes.size();
        header.msg_flags = 0;
        headers[i].msg_len = 0;
    }
}

ReceiveBatch::ReceiveBatch(std::size_t slot_count, std::size_t slot_size) {
    STT_CHECK(slot_count >= 1 && slot_count <= slot_count_max && slot_size >= 1);
    state_ = std::make_unique<State>(slot_count, slot_size);
}

ReceiveBatch::~ReceiveBatch() = default;
ReceiveBatch::ReceiveBatch(ReceiveBatch&&) noexcept = default;
ReceiveBatch& ReceiveBatch::operator=(ReceiveBatch&&) noexcept = default;

std::size_t ReceiveBatch::slot_count() const noexcept {
    return state_->headers.size();
}

}  // namespace stt::transport
