// A translator between addresses inside and one address outside. RFC 4787.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <stt/address.hpp>
#include <stt/time.hpp>
#include <utility>

#include "testing/seeded_random.hpp"

namespace stt::testing {

enum class NatMapping {
    endpoint_independent,        // one port outside for each address inside
    address_and_port_dependent,  // another for each destination: "symmetric"
};
enum class NatFiltering { endpoint_independent, address_dependent, address_and_port_dependent };

struct NatOptions {
    Address outside;  // its port means nothing
    NatMapping mapping = NatMapping::endpoint_independent;
    NatFiltering filtering = NatFiltering::address_and_port_dependent;
    // A mapping that carried nothing outwards for so long is forgotten.
    Duration timeout = std::chrono::seconds(120);
};

class Nat {
public:
    Nat(const NatOptions& options, std::uint64_t seed) : options_(options), random_(seed) {}

    const NatOptions& options() const noexcept { return options_; }
    bool is_outside(const Address& address) const noexcept {
        return options_.outside.is_same_host(address);
    }
    std::size_t mapping_count() const noexcept { return mappings_.size(); }

    // What a datagram's source becomes on its way out. Makes or renews the mapping.
    Address outbound(Instant now, const Address& inside, const Address& destination);
    // Whose port that is, whoever asks and whatever the filter says.
    std::optional<Address> owner(Instant now, const Address& outside);
    // Where a datagram from `source` goes; none: the filter or a lost mapping stops it.
    std::optional<Address> inbound(Instant now, const Address& source, const Address& outside);

    // A port that is always open to the inside address, for servers behind the translator.
    Address forward(const Address& inside, std::uint16_t port);
    // All mappings but forwarded ones are forgotten: what goes out next has another port.
    void rebind_ports();
    // The same, and the host outside is another one from here on.
    void rebind_host(const Address& outside);

private:
    using Key = std::pair<Address, Address>;  // inside, and the destination if it matters
    struct Mapping {
        std::uint16_t port = 0;
        Instant used_at{};
        bool is_forwarded = false;
        std::map<Address, Instant> peers;  // that were sent to
    };

    Key key_of(const Address& inside, const Address& destination) const noexcept;
    std::uint16_t free_port();
    bool is_stale(Instant now, const Mapping& mapping) const noexcept {
        return !mapping.is_forwarded && now - mapping.used_at > options_.timeout;
    }
    std::map<Key, Mapping>::iterator find(Instant now, const Address& outside);

    NatOptions options_;
    SeededRandom random_;
    std::map<Key, Mapping> mappings_;
    std::map<std::uint16_t, Key> by_port_;
};

}  // namespace stt::testing
