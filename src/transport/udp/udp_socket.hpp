// A non-blocking UDP socket that moves many datagrams with each system call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <platform/system_error.hpp>
#include <span>
#include <stt/address.hpp>
#include <stt/bytes.hpp>
#include <stt/result.hpp>
#include <transport/udp/receive_batch.hpp>
#include <transport/udp/udp_options.hpp>

namespace stt::transport {

using platform::SystemError;

// Datagrams to one address that lie one behind the other: each has segment_size bytes,
// the last what is left. A segment_size of 0, or of data.size() and more, is one datagram.
// Empty data sends nothing.
struct Outgoing {
    Address to;
    Bytes data;
    std::size_t segment_size = 0;
    std::uint8_t ecn = 0;  // 0 to 3
};

struct SendOutcome {
    // Messages from the front that are dealt with: sent, or counted as lost.
    std::size_t count = 0;
    // The rest waits until the socket is writable.
    bool would_block = false;
};

struct ReceiveOutcome {
    // Lives in the batch, until its next use. Free to be changed in place.
    std::span<const ReceivedDatagrams> datagrams;
    // All slots were used: more may be waiting, so call again before waiting for readability.
    bool more = false;
};

// Binds, sends and receives; it does not wait. The owner waits on native_handle().
//
// Datagrams leave with don't-fragment set and the path MTU that ICMP reports is ignored:
// the size of a datagram is the protocol's business. Spec protocol §13.1. Not thread-safe.
class UdpSocket {
public:
    // Port 0 takes a free one. Errors are the system's: address_in_use,
    // address_not_available, permission_denied, ... An Address of no family gives
    // address_family_not_supported, options out of range invalid_argument.
    static Result<UdpSocket, SystemError> bind(const Address& address,
                                               const UdpOptions& options = {});
    ~UdpSocket();
    UdpSocket(UdpSocket&&) noexcept;
    UdpSocket& operator=(UdpSocket&&) noexcept;

    // Sends from the front until all went out or the socket would block. A message of
    // which only a part went out is shortened to its rest, so that a caller goes on with
    // messages.subspan(outcome.count). What the interface or the destination refuses is
    // counted, dropped like a loss on the way, and does not stop the others. An error
    // means that the socket itself is of no use any more.
    Result<SendOutcome, SystemError> send(std::span<Outgoing> messages);

    // Fills slots of `batch` with what is waiting; nothing waiting is an empty outcome.
    // Datagrams of 0 bytes, and those longer than a slot, are dropped and counted.
    Result<ReceiveOutcome, SystemError> receive(ReceiveBatch& batch);

    // The address bound, with the port that was chosen. "[::]" is shown as such.
    Address local_address() const noexcept;
    // Owned by this object: never close it.
    int native_handle() const noexcept;
    UdpBuffers buffers() const noexcept;
    const UdpCounters& counters() const noexcept;
    // False when switched off, when the kernel lacks it, or once the path refused it.
    bool has_segmentation_offload() const noexcept;
    bool has_receive_offload() const noexcept;

private:
    struct State;
    explicit UdpSocket(std::unique_ptr<State> state) noexcept;

    std::unique_ptr<State> state_;
};

}  // namespace stt::transport
