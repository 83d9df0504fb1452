#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
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
constexpr std::size_t message_size = 8'192;

template <class Body>
const Body* body_of(const nlmsghdr& message) noexcept {
    if (message.nlmsg_len < NLMSG_LENGTH(sizeof(Body))) return nullptr;
    return static_cast<const Body*>(NLMSG_DATA(&message));
}

// Where it is, and the address; of neither family: no address that is understood.
std::pair<unsigned, Address> address_of(const nlmsghdr& message, const ifaddrmsg& body) noexcept {
    Address address;
    auto rest = static_cast<unsigned>(IFA_PAYLOAD(&message));
    for (const rtattr* each = IFA_RTA(&body); RTA_OK(each, rest); each = RTA_NEXT(each, rest)) {
        // Both are there where there is a peer's, too; then the other one is that.
        const bool is_own =
            each->rta_type == IFA_LOCAL || (each->rta_type == IFA_ADDRESS && address == Address());
        if (!is_own) continue;
        const auto take = [&](auto octets) {
            std::memcpy(octets.data(), RTA_DATA(each), octets.size());
            return octets;
        };
        if (body.ifa_family == AF_INET && RTA_PAYLOAD(each) == 4) {
            address = Address::ipv4(take(std::array<std::uint8_t, 4>{}), 0);
        } else if (body.ifa_family == AF_INET6 && RTA_PAYLOAD(each) == 16) {
            address = Address::ipv6(take(std::array<std::uint8_t, 16>{}), 0);
        }
    }
    return {body.ifa_index, address};
}

// What the kernel makes of addresses by itself counts with those. What is not understood counts.
bool is_route_change(const nlmsghdr& message) noexcept {
    const auto* route = body_of<rtmsg>(message);
    return route == nullptr ||
           (route->rtm_type == RTN_UNICAST && route->rtm_protocol != RTPROT_KERNEL);
}

// Asks for all addresses that there are. Without them each counts when it is told anew, once.
void ask_for_addresses(int descriptor) noexcept {
    struct {
        nlmsghdr header;
        ifaddrmsg body;
    } request{};
    request.header.nlmsg_len = sizeof request;
    request.header.nlmsg_type = RTM_GETADDR;
    request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    static_cast<void>(::send(descriptor, &request, sizeof request, 0));
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
    ask_for_addresses(descriptor);
    watch.take_change();
    return watch;
}

NetworkWatch::~NetworkWatch() {
    if (descriptor_ >= 0) static_cast<void>(::close(descriptor_));
}

NetworkWatch::NetworkWatch(NetworkWatch&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), known_(std::move(other.known_)) {}

NetworkWatch& NetworkWatch::operator=(NetworkWatch&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    std::swap(known_, other.known_);
    return *this;
}

// Addresses of one link come with every interface, also of containers, and carry no session
// elsewhere. One that is told anew has another lifetime, as router advertisements give it.
bool NetworkWatch::is_address_change(const nlmsghdr& message) {
    const auto* body = body_of<ifaddrmsg>(message);
    if (body == nullptr) return true;
    if (body->ifa_scope == RT_SCOPE_LINK) return false;
    const auto address = address_of(message, *body);
    if (message.nlmsg_type == RTM_DELADDR) {
        known_.erase(address);
        return true;
    }
    // Until nobody else has turned out to have it, it is not used; then it is told again.
    const bool is_tentative =
        (body->ifa_flags & IFA_F_TENTATIVE) != 0 && (body->ifa_flags & IFA_F_OPTIMISTIC) == 0;
    if (is_tentative) return false;
    const bool is_deprecated = (body->ifa_flags & IFA_F_DEPRECATED) != 0;
    const auto [known, is_new] = known_.try_emplace(address, is_deprecated);
    return is_new || std::exchange(known->second, is_deprecated) != is_deprecated;
}

bool NetworkWatch::is_change(const nlmsghdr& message) {
    switch (message.nlmsg_type) {
        case RTM_NEWADDR:
        case RTM_DELADDR:
            return is_address_change(message);
        case RTM_NEWROUTE:
        case RTM_DELROUTE:
            return is_route_change(message);
        case NLMSG_NOOP:
        case NLMSG_ERROR:  // the answer to a question
        case NLMSG_DONE:
            return false;
        default:
            return true;
    }
}

bool NetworkWatch::take_change() {
    bool has_changed = false;
    alignas(nlmsghdr) std::array<char, message_size> buffer;
    for (int i = 0; i < messages_per_call; ++i) {
        const ssize_t size = ::recv(descriptor_, buffer.data(), buffer.size(), 0);
        if (size > 0) {
            auto rest = static_cast<unsigned>(size);
            has_changed = has_changed || rest < sizeof(nlmsghdr);
            for (const auto* message = reinterpret_cast<const nlmsghdr*>(buffer.data());
                 NLMSG_OK(message, rest); message = NLMSG_NEXT(message, rest)) {
                if (is_change(*message)) has_changed = true;
            }
        } else if (errno == ENOBUFS) {  // so many that some were lost
            has_changed = true;
            known_.clear();
        } else if (errno != EINTR) {
            break;
        }
    }
    return has_changed;
}

}  // namespace stt::platform
