#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <transport/udp/socket_address.hpp>
#include <transport/udp/udp_socket_state.hpp>

namespace stt::transport {

namespace {

bool set_option(int handle, int level, int name, int value) noexcept {
    return ::setsockopt(handle, level, name, &value, sizeof value) == 0;
}

// Asks for `size` bytes and returns what was granted. The forced form goes over the
// system's maximum where the process may; where not, the plain request has to do.
std::size_t request_buffer(int handle, int name, int forced_name, std::size_t size) noexcept {
    const int asked = static_cast<int>(std::min<std::size_t>(size, INT_MAX / 2));
    if (!set_option(handle, SOL_SOCKET, forced_name, asked)) {
        set_option(handle, SOL_SOCKET, name, asked);
    }
    int granted = 0;
    socklen_t length = sizeof granted;
    if (::getsockopt(handle, SOL_SOCKET, name, &granted, &length) != 0 || granted < 0) return 0;
    // The kernel shows twice what was asked for: the other half is its own book-keeping.
    return static_cast<std::size_t>(granted) / 2;
}

// Don't-fragment without the kernel's own path MTU, and ECN marks of what arrives.
bool set_ip_options(int handle, int family, bool has_ipv4) noexcept {
    if (family == AF_INET6) {
        if (!set_option(handle, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE)) return false;
        if (!set_option(handle, IPPROTO_IPV6, IPV6_RECVTCLASS, 1)) return false;
    }
    if (!has_ipv4) return true;
    return set_option(handle, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE) &&
           set_option(handle, IPPROTO_IP, IP_RECVTOS, 1);
}

Address bound_address(int handle) noexcept {
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    if (::getsockname(handle, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return {};
    return from_socket_address(storage);
}

Unexpected<SystemError> error_of(std::errc condition) {
    return Unexpected(SystemError(static_cast<int>(condition), std::system_category()));
}

}  // namespace

UdpSocket::UdpSocket(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
UdpSocket::~UdpSocket() = default;
UdpSocket::UdpSocket(UdpSocket&&) noexcept = default;
UdpSocket& UdpSocket::operator=(UdpSocket&&) noexcept = default;

Result<UdpSocket, SystemError> UdpSocket::bind(const Address& address, const UdpOptions& options) {
    if (address.family() == Address::Family::none) {
        return error_of(std::errc::address_family_not_supported);
    }
    if (options.messages_per_call < 1 || options.messages_per_call > message_count_max) {
        return error_of(std::errc::invalid_argument);
    }
    auto state = std::make_unique<State>();
    state->family = address.family() == Address::Family::ipv4 ? AF_INET : AF_INET6;
    state->messages_per_call = options.messages_per_call;
    state->descriptor =
        FileDescriptor(::socket(state->family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const int handle = state->descriptor.value();
    if (!state->descriptor.is_open()) return Unexpected(platform::last_system_error());

    const int ipv6_only = options.is_ipv6_only ? 1 : 0;
    if (state->family == AF_INET6 && !set_option(handle, IPPROTO_IPV6, IPV6_V6ONLY, ipv6_only)) {
        return Unexpected(platform::last_system_error());
    }
    const bool has_ipv4 = state->family == AF_INET || !options.is_ipv6_only;
    if (!set_ip_options(handle, state->family, has_ipv4)) {
        return Unexpected(platform::last_system_error());
    }
    if (const auto error = platform::prepare_to_bind(handle, options.port_use)) {
        return Unexpected(error);
    }
    const auto to_bind = to_socket_address(address, state->family);
    if (::bind(handle, reinterpret_cast<const sockaddr*>(&to_bind->storage), to_bind->size) != 0) {
        return Unexpected(platform::last_system_error());
    }
    if (const auto error = platform::share_bound(handle, options.port_use)) {
        return Unexpected(error);
    }

    state->buffers.receive_size =
        request_buffer(handle, SO_RCVBUF, SO_RCVBUFFORCE, options.receive_buffer_size);
    state->buffers.send_size =
        request_buffer(handle, SO_SNDBUF, SO_SNDBUFFORCE, options.send_buffer_size);
    // A size of 0 for the socket changes nothing, but a kernel without the option refuses it.
    state->has_segmentation_offload =
        options.use_segmentation_offload && set_option(handle, SOL_UDP, UDP_SEGMENT, 0);
    state->has_receive_offload =
        options.use_receive_offload && set_option(handle, SOL_UDP, UDP_GRO, 1);
    state->local = bound_address(handle);
    return UdpSocket(std::move(state));
}

Address UdpSocket::local_address() const noexcept {
    return state_->local;
}
int UdpSocket::native_handle() const noexcept {
    return state_->descriptor.value();
}
UdpBuffers UdpSocket::buffers() const noexcept {
    return state_->buffers;
}
const UdpCounters& UdpSocket::counters() const noexcept {
    return state_->counters;
}

bool UdpSocket::has_segmentation_offload() const noexcept {
    return state_->has_segmentation_offload;
}

bool UdpSocket::has_receive_offload() const noexcept {
    return state_->has_receive_offload;
}

}  // namespace stt::transport
