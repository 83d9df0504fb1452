#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <platform/network_watch.hpp>
#include <utility>

namespace stt::platform {
namespace {

// Links are left out: a radio tells of its signal there, and an interface that comes or goes
// changes addresses and routes.
constexpr unsigned groups =
    RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE;
// Messages read in one call; the rest makes the descriptor readable again.
constexpr int messages_per_call = 64;
constexpr std::size_t message_size = 4'096;

template <class Body>
const Body* body_of(const nlmsghdr& message) noexcept {
    if (message.nlmsg_len < NLMSG_LENGTH(sizeof(Body))) return nullptr;
    return static_cast<const Body*>(NLMSG_DATA(&message));
}

// Addresses of one link, and what the kernel adds for them, come with every interface, also of
// containers, and carry no session elsewhere. What is not understood counts.
bool is_change(const nlmsghdr& message) noexcept {
    if (message.nlmsg_type == RTM_NEWADDR || message.nlmsg_type == RTM_DELADDR) {
        const auto* address = body_of<ifaddrmsg>(message);
        return address == nullptr || address->ifa_scope != RT_SCOPE_LINK;
    }
    if (message.nlmsg_type == RTM_NEWROUTE || message.nlmsg_type == RTM_DELROUTE) {
        const auto* route = body_of<rtmsg>(message);
        return route == nullptr ||
               (route->rtm_type == RTN_UNICAST && route->rtm_protocol != RTPROT_KERNEL);
    }
    return true;
}

}  // namespace

Result<NetworkWatch, SystemError> NetworkWatch::open() {
    const int descriptor =
        ::socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (descriptor < 0) return Unexpected(last_system_error());
    NetworkWatch watch(descriptor);
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    address.nl_groups = groups;
    if (::bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
        return Unexpected(last_system_error());
    }
    return watch;
}

NetworkWatch::~NetworkWatch() {
    if (descriptor_ >= 0) static_cast<void>(::close(descriptor_));
}

NetworkWatch::NetworkWatch(NetworkWatch&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)) {}

NetworkWatch& NetworkWatch::operator=(NetworkWatch&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
}

bool NetworkWatch::take_change() noexcept {
    bool has_changed = false;
    alignas(nlmsghdr) std::array<char, message_size> buffer;
    for (int i = 0; i < messages_per_call; ++i) {
        const ssize_t size = ::recv(descriptor_, buffer.data(), buffer.size(), 0);
        if (size > 0) {
            auto rest = static_cast<unsigned>(size);
            has_changed = has_changed || rest < sizeof(nlmsghdr);
            for (const auto* message = reinterpret_cast<const nlmsghdr*>(buffer.data());
                 NLMSG_OK(message, rest); message = NLMSG_NEXT(message, rest)) {
                has_changed = has_changed || is_change(*message);
            }
        } else if (errno == ENOBUFS) {  // so many that some were lost
            has_changed = true;
        } else if (errno != EINTR) {
            break;
        }
    }
    return has_changed;
}

}  // namespace stt::platform
