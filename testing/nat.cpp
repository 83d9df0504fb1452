#include "testing/nat.hpp"

#include <algorithm>
#include <iterator>

namespace stt::testing {

Nat::Key Nat::key_of(const Address& inside, const Address& destination) const noexcept {
    const bool is_one_for_all = options_.mapping == NatMapping::endpoint_independent;
    return {inside, is_one_for_all ? Address() : destination};
}

std::uint16_t Nat::free_port() {
    while (true) {
        const auto port = static_cast<std::uint16_t>(random_.between(1'024, 65'535));
        if (!by_port_.contains(port)) return port;
    }
}

Address Nat::outbound(Instant now, const Address& inside, const Address& destination) {
    // A forwarded address keeps its port on the way out.
    const auto forwarded = mappings_.find({inside, Address()});
    const bool is_forwarded = forwarded != mappings_.end() && forwarded->second.is_forwarded;
    const Key key = is_forwarded ? Key{inside, Address()} : key_of(inside, destination);
    Mapping& mapping = mappings_[key];
    if (mapping.port != 0 && is_stale(now, mapping)) {
        by_port_.erase(mapping.port);
        mapping = {};
    }
    if (mapping.port == 0) {
        mapping.port = free_port();
        by_port_[mapping.port] = key;
    }
    mapping.used_at = now;
    mapping.peers[destination] = now;
    return options_.outside.with_port(mapping.port);
}

std::map<Nat::Key, Nat::Mapping>::iterator Nat::find(Instant now, const Address& outside) {
    const auto known = by_port_.find(outside.port());
    if (!is_outside(outside) || known == by_port_.end()) return mappings_.end();
    const auto found = mappings_.find(known->second);
    if (!is_stale(now, found->second)) return found;
    mappings_.erase(found);
    by_port_.erase(known);
    return mappings_.end();
}

std::optional<Address> Nat::owner(Instant now, const Address& outside) {
    const auto found = find(now, outside);
    if (found == mappings_.end()) return std::nullopt;
    return found->first.first;
}

std::optional<Address> Nat::inbound(Instant now, const Address& source, const Address& outside) {
    const auto found = find(now, outside);
    if (found == mappings_.end()) return std::nullopt;
    const Mapping& mapping = found->second;
    if (mapping.is_forwarded || options_.filtering == NatFiltering::endpoint_independent) {
        return found->first.first;
    }
    for (const auto& [peer, sent_at] : mapping.peers) {
        if (now - sent_at > options_.timeout) continue;
        const bool fits = options_.filtering == NatFiltering::address_dependent
                              ? peer.is_same_host(source)
                              : peer == source;
        if (fits) return found->first.first;
    }
    return std::nullopt;
}

Address Nat::forward(const Address& inside, std::uint16_t port) {
    const Key key{inside, Address()};
    Mapping& mapping = mappings_[key];
    mapping.port = port;
    mapping.is_forwarded = true;
    by_port_[port] = key;
    return options_.outside.with_port(port);
}

void Nat::rebind_ports() {
    for (auto at = mappings_.begin(); at != mappings_.end();) {
        if (at->second.is_forwarded) {
            ++at;
            continue;
        }
        by_port_.erase(at->second.port);
        at = mappings_.erase(at);
    }
}

void Nat::rebind_host(const Address& outside) {
    rebind_ports();
    options_.outside = outside;
}

}  // namespace stt::testing
