#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <stt/bytes.hpp>
#include <vector>

#include "core/recovery/sent_log.hpp"
#include "core/session/keys.hpp"
#include "core/wire/frame.hpp"
#include "stc/dsf.hpp"

namespace stt::connection {

// Datagrams of one transmission while they are written: frames are laid out in the
// caller's buffer as plaintext, and all are folded together at the end, several side by side.
//
// The buffer and the keys must outlive seal(); keys may not rotate in between.
class FrameBatch {
public:
    // Begins a transmission into `buffer`.
    void begin(MutableBytes buffer, session::SendKeys& keys, const wire::SessionId& session_id);
    // Goes on with frames of another session in other room. What was laid out before waits for
    // seal() with them; size() counts from here.
    void go_on(MutableBytes buffer, session::SendKeys& keys, const wire::SessionId& session_id);

    // Begins a datagram of at most `size_max` bytes behind the last one; false: no room.
    bool begin_datagram(std::size_t size_max) noexcept;
    std::size_t datagram_room() const noexcept { return datagram_size_max_ - datagram_size_; }
    std::size_t datagram_size() const noexcept { return datagram_size_; }
    // Bytes that are frames already, such as AUTH_PROOF's.
    void add_sealed(Bytes frame) noexcept;
    // The largest payload that a frame of the open datagram can have now; 0: none fits.
    std::size_t payload_room(wire::FrameType type, std::uint16_t stream,
                             std::uint64_t sequence) const noexcept;
    // Lays out a frame; the returned payload is to be filled with plaintext before seal().
    MutableBytes add(wire::FrameType type, std::uint16_t stream, std::uint8_t flags,
                     std::uint64_t sequence, std::size_t payload_size, bool elicits_ack,
                     const recovery::Cargo& cargo);
    // The frames of the open datagram, for loss detection.
    std::span<const recovery::SentFrame> datagram_frames() const noexcept { return frames_; }
    // The bytes of the open datagram: before seal() its frames hold plaintext.
    MutableBytes open_datagram() const noexcept { return buffer_.subspan(size_, datagram_size_); }
    // Ends the open datagram; one without bytes leaves nothing.
    void end_datagram() noexcept;

    // Encrypts every frame.
    void seal() noexcept;
    std::size_t size() const noexcept { return size_; }

private:
    wire::SessionFrameHeader header(wire::FrameType type, std::uint16_t stream, std::uint8_t flags,
                                    std::uint64_t sequence) const noexcept;

    MutableBytes buffer_;
    session::SendKeys* keys_ = nullptr;
    wire::SessionId session_id_{};
    std::size_t size_ = 0;  // of the datagrams that are ended
    std::size_t datagram_size_ = 0;
    std::size_t datagram_size_max_ = 0;
    std::vector<recovery::SentFrame> frames_;
    std::vector<stc::FoldJob> jobs_;
};

}  // namespace stt::connection
