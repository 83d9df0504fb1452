#include "page_urls.hpp"

#include <fmt/format.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include <array>
#include <cstring>
#include <memory>

namespace stt::cli {
namespace {

// A person reads no more.
constexpr std::size_t url_count_max = 6;

struct FreeInterfaces {
    void operator()(ifaddrs* list) const noexcept { ::freeifaddrs(list); }
};

bool is_loopback(const Address& address) {
    if (address.family() == Address::Family::ipv4) return address.octets()[0] == 127;
    return address.is_same_host(Address::ipv6({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 0));
}

bool is_every(const Address& address) {
    return address.octets() == std::array<std::uint8_t, 16>{};
}

// Addresses of this machine that others may reach; none that is of one link alone, as browsers
// take no zone. IPv4 first: those are the shorter ones.
std::vector<Address> own_addresses(std::uint16_t port, bool has_ipv6) {
    ifaddrs* list = nullptr;
    if (::getifaddrs(&list) != 0) return {};
    const std::unique_ptr<ifaddrs, FreeInterfaces> owner(list);
    std::vector<Address> ipv4;
    std::vector<Address> ipv6;
    for (const ifaddrs* one = list; one != nullptr; one = one->ifa_next) {
        if (one->ifa_addr == nullptr || (one->ifa_flags & IFF_UP) == 0) continue;
        if (one->ifa_addr->sa_family == AF_INET) {
            sockaddr_in address{};
            std::memcpy(&address, one->ifa_addr, sizeof address);
            std::array<std::uint8_t, 4> octets{};
            std::memcpy(octets.data(), &address.sin_addr, octets.size());
            ipv4.push_back(Address::ipv4(octets, port));
        } else if (one->ifa_addr->sa_family == AF_INET6 && has_ipv6) {
            sockaddr_in6 address{};
            std::memcpy(&address, one->ifa_addr, sizeof address);
            if (IN6_IS_ADDR_LINKLOCAL(&address.sin6_addr)) continue;
            std::array<std::uint8_t, 16> octets{};
            std::memcpy(octets.data(), &address.sin6_addr, octets.size());
            ipv6.push_back(Address::ipv6(octets, port));
        }
    }
    ipv4.insert(ipv4.end(), ipv6.begin(), ipv6.end());
    std::erase_if(ipv4, is_loopback);
    return ipv4;
}

}  // namespace

PageUrls page_urls(const Address& bound, bool is_secure) {
    const std::string scheme = is_secure ? "https" : "http";
    PageUrls urls;
    if (!is_every(bound)) {
        urls.all.push_back(fmt::format("{}://{}/", scheme, bound.to_string()));
        if (!is_loopback(bound)) urls.for_others = urls.all.back();
        return urls;
    }
    urls.all.push_back(fmt::format("{}://localhost:{}/", scheme, bound.port()));
    const bool has_ipv6 = bound.family() == Address::Family::ipv6;
    for (const Address& address : own_addresses(bound.port(), has_ipv6)) {
        if (urls.all.size() == url_count_max) break;
        urls.all.push_back(fmt::format("{}://{}/", scheme, address.to_string()));
        if (urls.for_others.empty()) urls.for_others = urls.all.back();
    }
    return urls;
}

}  // namespace stt::cli
