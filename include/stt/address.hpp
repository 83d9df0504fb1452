// Where a peer is.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace stt {

// An IP address and a port. A value without meaning to the protocol core but
// equality: the transport gives it its sense.
class Address {
public:
    enum class Family : std::uint8_t { none, ipv4, ipv6 };

    Address() noexcept = default;
    static Address ipv4(std::array<std::uint8_t, 4> octets, std::uint16_t port) noexcept;
    static Address ipv6(std::array<std::uint8_t, 16> octets, std::uint16_t port,
                        std::uint32_t scope_id = 0) noexcept;
    // "127.0.0.1:9001", "[::1]:9001", "[fe80::1%2]:9001"; numbers only,
    // no names. Null when the text is none of these.
    static std::optional<Address> parse(std::string_view text) noexcept;

    Family family() const noexcept { return family_; }
    // 4 bytes of an IPv4 address, 16 of an IPv6 one are meaningful, the rest zero.
    const std::array<std::uint8_t, 16>& octets() const noexcept { return octets_; }
    std::uint16_t port() const noexcept { return port_; }
    std::uint32_t scope_id() const noexcept { return scope_id_; }
    Address with_port(std::uint16_t port) const noexcept;
    bool is_same_host(const Address& other) const noexcept {
        return with_port(0) == other.with_port(0);
    }

    std::string to_string() const;

    friend std::strong_ordering operator<=>(const Address&, const Address&) noexcept = default;

private:
    std::array<std::uint8_t, 16> octets_{};
    std::uint32_t scope_id_ = 0;
    std::uint16_t port_ = 0;
    Family family_ = Family::none;
};

}  // namespace stt
