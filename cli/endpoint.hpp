// HOST:PORT, as people write it.
#pragma once

#include <asio/awaitable.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <stt/address.hpp>
#include <stt/result.hpp>
#include <vector>

#include "exit_code.hpp"

namespace stt::cli {

struct Endpoint {
    std::string host;  // a name or an address, without brackets
    std::uint16_t port = 0;
};

// "host", "host:port", "[v6]", "[v6]:port". Port 0 is refused.
Result<Endpoint, Problem> parse_endpoint(std::string_view text, std::uint16_t default_port);

// An address of this machine: "ADDR:PORT", "ADDR", ":PORT"; port 0 takes a free one.
Result<Address, Problem> parse_listen_address(std::string_view text, std::uint16_t default_port);

// Every address of the endpoint's host. Never empty.
asio::awaitable<Result<std::vector<Address>, Problem>> resolve(Endpoint endpoint);

// As a person would write it: brackets around IPv6.
std::string to_string(const Endpoint& endpoint);

}  // namespace stt::cli
