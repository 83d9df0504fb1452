#include <netinet/udp.h>

#include <algorithm>
#include <cstring>
#include <transport/udp/send_plan.hpp>

namespace stt::transport {

namespace {

// A segment for a path of 65,535 bytes leaves no room for a second one.
static_assert(udp_payload_size_max <= 0xffff, "a segment size is 16 bits for the kernel");

std::size_t segment_size_of(const Outgoing& message) noexcept {
    const bool is_one = message.segment_size == 0 || message.segment_size >= message.data.size();
    return is_one ? message.data.size() : message.segment_size;
}

// Appends one cmsg to `header`, whose control bytes have room for it.
template <class Value>
void append_control(msghdr& header, int level, int type, Value value) noexcept {
    auto* bytes = static_cast<std::uint8_t*>(header.msg_control) + header.msg_controllen;
    std::memset(bytes, 0, CMSG_SPACE(sizeof value));
    cmsghdr control{};
    control.cmsg_level = level;
    control.cmsg_type = type;
    control.cmsg_len = CMSG_LEN(sizeof value);
    std::memcpy(bytes, &control, sizeof control);
    std::memcpy(bytes + CMSG_LEN(0), &value, sizeof value);
    header.msg_controllen += CMSG_SPACE(sizeof value);
}

}  // namespace

void SendPlan::make(std::span<const Outgoing> messages, const SendLimits& limits) noexcept {
    count_ = 0;
    for (const Outgoing& message : messages) {
        const auto to = to_socket_address(message.to, limits.socket_family);
        if (message.data.empty() || !to) return;
        const std::size_t segment_size = segment_size_of(message);
        const std::size_t segments_fitting = udp_payload_size_max / segment_size;
        const std::size_t segments = std::clamp<std::size_t>(segments_fitting, 1, limits.segments);
        for (Bytes rest = message.data; !rest.empty();) {
            if (count_ == limits.messages) return;
            const Bytes data = rest.first(std::min(rest.size(), segments * segment_size));
            pieces_[count_] = {data.size(), (data.size() + segment_size - 1) / segment_size};
            add(message, data, *to, limits.socket_family);
            rest = rest.subspan(data.size());
        }
    }
}

void SendPlan::add(const Outgoing& message, Bytes data, const SocketAddress& to,
                   int family) noexcept {
    const std::size_t i = count_++;
    addresses_[i] = to;
    // The kernel does not write through it.
    vectors_[i] = {const_cast<std::uint8_t*>(data.data()), data.size()};
    headers_[i] = {};
    msghdr& header = headers_[i].msg_hdr;
    header.msg_name = &addresses_[i].storage;
    header.msg_namelen = to.size;
    header.msg_iov = &vectors_[i];
    header.msg_iovlen = 1;
    header.msg_control = controls_[i].bytes.data();
    header.msg_controllen = 0;
    if (message.ecn != 0) {
        // A socket of IPv6 sends to a mapped address as IPv4, whose cmsg counts then.
        const bool as_ipv4 = family == AF_INET || is_ipv4(message.to);
        append_control<int>(header, as_ipv4 ? IPPROTO_IP : IPPROTO_IPV6,
                            as_ipv4 ? IP_TOS : IPV6_TCLASS, message.ecn & 3);
    }
    if (pieces_[i].segments > 1) {
        append_control(header, SOL_UDP, UDP_SEGMENT,
                       static_cast<std::uint16_t>(message.segment_size));
    }
    if (header.msg_controllen == 0) header.msg_control = nullptr;
}

void take_from_front(std::span<Outgoing> messages, std::size_t& index, SendPiece piece) noexcept {
    Outgoing& message = messages[index];
    STT_CHECK(piece.size <= message.data.size());
    message.data = message.data.subspan(piece.size);
    if (message.data.empty()) ++index;
}

}  // namespace stt::transport
