#include <netinet/udp.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <transport/udp/receive_batch_state.hpp>
#include <transport/udp/udp_socket_state.hpp>

namespace stt::transport {

namespace {

struct Ancillary {
    std::size_t segment_size = 0;  // 0: the kernel named none
    std::uint8_t ecn = 0;
};

// The payload of a cmsg, which is an int or, for IP_TOS, one byte.
int value_of(const cmsghdr& control) noexcept {
    const auto* data = CMSG_DATA(&control);
    if (control.cmsg_len < CMSG_LEN(sizeof(int))) return *data;
    int value;
    std::memcpy(&value, data, sizeof value);
    return value;
}

Ancillary ancillary_of(msghdr& header) noexcept {
    Ancillary result;
    for (cmsghdr* i = CMSG_FIRSTHDR(&header); i != nullptr; i = CMSG_NXTHDR(&header, i)) {
        const int level = i->cmsg_level;
        const int type = i->cmsg_type;
        if (level == SOL_UDP && type == UDP_GRO) {
            result.segment_size = static_cast<std::size_t>(std::max(value_of(*i), 0));
        } else if ((level == IPPROTO_IP && type == IP_TOS) ||
                   (level == IPPROTO_IPV6 && type == IPV6_TCLASS)) {
            result.ecn = static_cast<std::uint8_t>(value_of(*i) & 3);
        }
    }
    return result;
}

// Errors that the socket reports once for a datagram sent earlier, if at all.
bool is_about_a_destination(int error) noexcept {
    return error == ECONNREFUSED || error == EHOSTUNREACH || error == ENETUNREACH ||
           error == EMSGSIZE || error == ENOPROTOOPT || error == EACCES || error == EPERM ||
           error == EPROTO || error == EHOSTDOWN || error == ENETDOWN;
}

}  // namespace

Result<ReceiveOutcome, SystemError> UdpSocket::receive(ReceiveBatch& batch) {
    State& state = *state_;
    ReceiveBatch::State& slots = *batch.state_;
    const std::size_t slot_count = std::min(slots.headers.size(), state.messages_per_call);
    slots.prepare(slot_count);
    ++state.counters.receive_calls;
    int filled = 0;
    do {
        filled = ::recvmmsg(state.descriptor.value(), slots.headers.data(),
                            static_cast<unsigned>(slot_count), MSG_DONTWAIT, nullptr);
    } while (filled < 0 && errno == EINTR);
    if (filled < 0) {
        if (errno == EAGAIN) return ReceiveOutcome{};
        if (is_about_a_destination(errno)) return ReceiveOutcome{.datagrams = {}, .more = true};
        // No memory for the cmsgs or the like: the datagrams wait, and so may the caller.
        if (errno == ENOMEM || errno == ENOBUFS) return ReceiveOutcome{};
        return Unexpected(platform::last_system_error());
    }

    std::size_t count = 0;
    for (std::size_t i = 0; i < static_cast<std::size_t>(filled); ++i) {
        msghdr& header = slots.headers[i].msg_hdr;
        const std::size_t size = slots.headers[i].msg_len;
        if ((header.msg_flags & MSG_TRUNC) != 0) {
            ++state.counters.messages_truncated;
            continue;
        }
        if (size == 0) {
            ++state.counters.datagrams_empty;
            continue;
        }
        const Ancillary ancillary = ancillary_of(header);
        // A segment size of 0, or over the size, would make a reader stand still or
        // overrun: such a message is one datagram. So s2n-quic GHSA-hxq4.
        const bool is_joined = ancillary.segment_size > 0 && ancillary.segment_size < size;
        ReceivedDatagrams& received = slots.received[count++];
        received.from = from_socket_address(slots.addresses[i]);
        received.data = {static_cast<std::uint8_t*>(slots.vectors[i].iov_base), size};
        received.segment_size = is_joined ? ancillary.segment_size : size;
        received.ecn = ancillary.ecn;
        state.counters.datagrams_received += received.count();
        state.counters.bytes_received += size;
    }
    return ReceiveOutcome{.datagrams = {slots.received.data(), count},
                          .more = static_cast<std::size_t>(filled) == slot_count};
}

}  // namespace stt::transport
