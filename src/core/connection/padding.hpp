// How large frames are made, so that their sizes say little. Spec protocol §12.1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stt/padding.hpp>

namespace stt::connection {

using stt::PaddingPolicy;

// Sizes of plaintext under a policy. `room` is the largest plaintext that a frame can have at its
// place in the datagram; alone there, it is the maximum, which fills the datagram. A frame
// behind others cannot be the maximum: their sizes would show in it.
class Padding {
public:
    explicit Padding(PaddingPolicy policy) noexcept : policy_(policy) {}

    bool is_on() const noexcept { return policy_ != PaddingPolicy::none; }
    // The largest data for which padded_size() stays within `room`, the byte 0x80 taken off; 0:
    // nothing goes here.
    std::size_t capacity(std::size_t room, bool is_alone) const noexcept;
    // Of a frame with `data_size` bytes, which is at most capacity(): the data and its padding.
    std::size_t padded_size(std::size_t data_size, std::size_t room, bool is_alone) const noexcept;

private:
    PaddingPolicy policy_;
};

}  // namespace stt::connection
