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
    // Only that there is a message counts: one that is cut short says it as well.
    std::array<char, 64> start;
    for (int i = 0; i < messages_per_call; ++i) {
        if (::recv(descriptor_, start.data(), start.size(), 0) > 0) {
            has_changed = true;
        } else if (errno == ENOBUFS) {  // so many that some were lost
            has_changed = true;
        } else if (errno != EINTR) {
            break;
        }
    }
    return has_changed;
}

}  // namespace stt::platform
