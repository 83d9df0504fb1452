#include <doctest/doctest.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <platform/network_watch.hpp>
#include <utility>

using namespace stt;

namespace {

enum Outcome : int {
    ok,
    no_namespace,
    no_watch,
    early,
    no_interface,
    not_told,
    told_twice,
    link_address_told,
    address_not_told,
    lifetime_told,
    known_address_told,
    end_not_told
};

bool wait_readable(const platform::NetworkWatch& watch) {
    pollfd polled{watch.native_handle(), POLLIN, 0};
    return ::poll(&polled, 1, 5'000) == 1;
}

// A request about an interface. False: the kernel has refused it.
bool request_of(int family, unsigned long what, void* request) {
    const int socket = ::socket(family, SOCK_DGRAM, 0);
    if (socket < 0) return false;
    const bool is_done = ::ioctl(socket, what, request) == 0;
    ::close(socket);
    return is_done;
}

// What <linux/ipv6.h> calls in6_ifreq, which does not go with the C library's headers.
struct Ipv6Request {
    in6_addr address;
    std::uint32_t prefix_size;
    int interface;
};

// fe80::1 for the loopback interface, which is its first. False: this machine has no IPv6.
bool add_link_address() {
    Ipv6Request request{{}, 64, 1};
    request.address.s6_addr[0] = 0xfe;
    request.address.s6_addr[1] = 0x80;
    request.address.s6_addr[15] = 1;
    return request_of(AF_INET6, SIOCSIFADDR, &request);
}

// 192.0.2.1, of RFC 5737.
bool set_address(const char* interface) {
    ifreq request{};
    std::strcpy(request.ifr_name, interface);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(0xc0000201);
    std::memcpy(&request.ifr_addr, &address, sizeof(address));
    return request_of(AF_INET, SIOCSIFADDR, &request);
}

bool set_loopback(short flags) {
    ifreq request{};
    std::strcpy(request.ifr_name, "lo");
    request.ifr_flags = flags;
    return request_of(AF_INET, SIOCSIFFLAGS, &request);
}

// 192.0.2.2, with a lifetime in seconds; again with another one.
bool set_lifetime(std::uint32_t seconds) {
    struct {
        nlmsghdr header;
        ifaddrmsg body;
        rtattr address_header;
        std::uint32_t address;
        rtattr lifetime_header;
        ifa_cacheinfo lifetime;
    } request{};
    request.header.nlmsg_len = sizeof request;
    request.header.nlmsg_type = RTM_NEWADDR;
    request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_REPLACE | NLM_F_ACK;
    request.body.ifa_family = AF_INET;
    request.body.ifa_prefixlen = 24;
    request.body.ifa_index = 1;
    request.address_header = {RTA_LENGTH(sizeof request.address), IFA_LOCAL};
    request.address = htonl(0xc0000202);
    request.lifetime_header = {RTA_LENGTH(sizeof request.lifetime), IFA_CACHEINFO};
    request.lifetime.ifa_prefered = request.lifetime.ifa_valid = seconds;
    const int socket = ::socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
    struct {
        nlmsghdr header;
        nlmsgerr error;
    } answer{};
    const bool is_set = ::send(socket, &request, sizeof request, 0) == sizeof request &&
                        ::recv(socket, &answer, sizeof answer, 0) > 0 && answer.error.error == 0;
    ::close(socket);
    return is_set;
}

// Takes the loopback interface of a network of its own up: addresses and routes appear.
Outcome watch_an_interface() {
    if (::unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) return no_namespace;
    auto opened = platform::NetworkWatch::open();
    if (!opened) return no_watch;
    platform::NetworkWatch watch = std::move(*opened);
    if (watch.take_change()) return early;
    if (!set_loopback(IFF_UP)) return no_interface;
    if (!wait_readable(watch) || !watch.take_change()) return not_told;
    if (watch.take_change()) return told_twice;
    // Every interface brings an address of its link; no session is elsewhere for that.
    if (add_link_address()) {
        if (!wait_readable(watch) || watch.take_change()) return link_address_told;
    }
    if (!set_address("lo:1")) return no_interface;
    if (!wait_readable(watch) || !watch.take_change()) return address_not_told;
    if (!set_lifetime(1'000)) return no_interface;
    if (!wait_readable(watch) || !watch.take_change()) return address_not_told;
    if (!set_lifetime(2'000)) return no_interface;
    if (!wait_readable(watch) || watch.take_change()) return lifetime_told;
    // Nor is what was there before it watched.
    auto later = platform::NetworkWatch::open();
    if (!later) return no_watch;
    if (!set_lifetime(3'000)) return no_interface;
    if (!wait_readable(*later) || later->take_change()) return known_address_told;
    if (!set_loopback(0)) return no_interface;
    return wait_readable(*later) && later->take_change() ? ok : end_not_told;
}

}  // namespace

TEST_CASE(
    "NetworkWatch: an interface that comes up is told once, an address of its link never, another "
    "lifetime of an address never") {
    std::fflush(nullptr);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) std::exit(watch_an_interface());  // with the counts of coverage, unlike _exit
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFEXITED(status));
    if (WEXITSTATUS(status) == no_namespace) {
        MESSAGE("not tested: this machine makes no network of one's own");
        return;
    }
    CHECK(WEXITSTATUS(status) == ok);
}

TEST_CASE("a watch moves by assignment, and says why it cannot be opened") {
    auto watch = platform::NetworkWatch::open();
    auto other = platform::NetworkWatch::open();
    REQUIRE((watch && other));
    const int kept = other->native_handle();
    *watch = std::move(*other);
    CHECK(watch->native_handle() == kept);
    rlimit limit{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
    rlimit none = limit;
    none.rlim_cur = 0;
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
    const auto refused = platform::NetworkWatch::open();
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &limit) == 0);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error() == std::errc::too_many_files_open);
}
