// How many may be there at one time, in all and of one source.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <map>
#include <stt/address.hpp>

namespace stt {

// One source to limits: an IPv4 address, or the 64 bits of an IPv6 one that a site has; no port.
inline Address source_of(const Address& address) noexcept {
    if (address.family() != Address::Family::ipv6) return address.with_port(0);
    std::array<std::uint8_t, 16> octets = address.octets();
    std::fill(octets.begin() + 8, octets.end(), std::uint8_t{0});
    return Address::ipv6(octets, 0);
}

// Places for those that come, which hold theirs until it is given back.
class SourceLimit {
public:
    SourceLimit(std::size_t count_max, std::size_t count_max_of_source) noexcept
        : count_max_(count_max), count_max_of_source_(count_max_of_source) {}

    // False: there is none left.
    bool take(const Address& address) {
        const Address source = source_of(address);
        const auto found = of_source_.find(source);
        const std::size_t count = found == of_source_.end() ? 0 : found->second;
        if (count_ >= count_max_ || count >= count_max_of_source_) return false;
        ++of_source_[source];
        ++count_;
        return true;
    }
    // Of one that has a place.
    void give_back(const Address& address) noexcept {
        const auto found = of_source_.find(source_of(address));
        if (found == of_source_.end()) return;
        --count_;
        if (--found->second == 0) of_source_.erase(found);
    }
    void clear() noexcept {
        of_source_.clear();
        count_ = 0;
    }
    std::size_t count() const noexcept { return count_; }

private:
    std::size_t count_max_;
    std::size_t count_max_of_source_;
    std::size_t count_ = 0;
    std::map<Address, std::size_t> of_source_;
};

}  // namespace stt
