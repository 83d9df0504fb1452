// Memory for datagrams to arrive in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stt/address.hpp>
#include <stt/bytes.hpp>

namespace stt::transport {

// One datagram, or several of one sender and one ECN mark that the kernel joined: all
// have segment_size bytes, the last may be shorter.
struct ReceivedDatagrams {
    Address from;              // IPv4 for an IPv4-mapped address
    MutableBytes data;         // never empty
    std::size_t segment_size;  // 1 to data.size(); equal to it for a single datagram
    std::uint8_t ecn;          // 0 to 3: the two low bits of TOS or traffic class

    std::size_t count() const noexcept { return (data.size() + segment_size - 1) / segment_size; }
    // The bytes of one datagram; `index` is below count().
    MutableBytes datagram(std::size_t index) const noexcept;
};

// Slots that UdpSocket::receive() fills, again and again: the memory is taken once.
// It is slot_count * (slot_size + about 300) bytes; 528 kB by default.
class ReceiveBatch {
public:
    // The largest UDP payload and the largest joined message fit in 64 KiB.
    static constexpr std::size_t slot_size_default = 64u << 10;
    static constexpr std::size_t slot_count_default = 8;
    static constexpr std::size_t slot_count_max = 64;

    // 1 to slot_count_max slots of at least 1 byte.
    explicit ReceiveBatch(std::size_t slot_count = slot_count_default,
                          std::size_t slot_size = slot_size_default);
    ~ReceiveBatch();
    ReceiveBatch(ReceiveBatch&&) noexcept;
    ReceiveBatch& operator=(ReceiveBatch&&) noexcept;

    std::size_t slot_count() const noexcept;

private:
    friend class UdpSocket;
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace stt::transport
