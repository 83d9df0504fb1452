// What every TCP socket of a WebSocket is told.
#pragma once

#include <asio/ip/tcp.hpp>

namespace stt::transport {

// The kernel keeps this many bytes that it has not sent yet, and no more: what waits longer waits
// where urgent streams can overtake it. Chosen: at 10 Gbit/s 100 us.
inline constexpr int unsent_size_max = 128 << 10;

// Non-blocking, without Nagle's delay. What a kernel does not know is done without.
void set_socket_options(asio::ip::tcp::socket& socket) noexcept;

}  // namespace stt::transport
