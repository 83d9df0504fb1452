// WebSockets of a node: where peers have theirs, and how it serves its own. Spec protocol §13.2.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <stt/address.hpp>
#include <stt/web_page.hpp>
#include <vector>

namespace stt {

// Spec protocol §13.2.
inline constexpr std::uint16_t default_websocket_port = 8080;

// A peer's. The path is /stt, always.
struct WebSocketAddress {
    Address address;
    // The name that the person gave, without port: what the server is asked for and, with TLS, what
    // its certificate must be for. Empty: the address.
    std::string host;
    bool is_secure = false;  // wss
};

// Where a peer may be reached, in the order in which each is to be tried.
struct Destination {
    std::vector<Address> udp;
    std::vector<WebSocketAddress> websocket;
};

struct WebSocketOptions {
    // PEM files, the certificate with those that lead to its root; both or none: wss, or ws.
    std::string certificate_file;
    std::string key_file;
    // Pages of other origins, such as "https://example.org", that may connect; "*" is all. Pages
    // that this node serves itself may, and what is no browser. A peer needs the seed all the same.
    std::vector<std::string> allowed_origins;
    // Names, without port, by which the node may be called; empty: any.
    std::vector<std::string> accepted_hosts;
    // Answers ordinary requests of browsers; without it they get 404. Called from the node's loop;
    // it must not use the node.
    PageHandler page;
    // Connections by which nothing authentic has come yet, in all and of one source (an IPv4
    // address, or 64 bits of an IPv6 one); further ones are closed. About 10 KB each, with TLS 150.
    std::size_t unauthenticated_max = 512;
    std::size_t unauthenticated_max_of_source = 64;
};

}  // namespace stt
