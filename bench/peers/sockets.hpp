// Sockets as a small program of its own would have them.
#pragma once

#include <cstdint>
#include <string>

#include "bench/harness/round_trips.hpp"

namespace stt::bench {

// A TCP socket that listens at a free port, and the port.
int listen_tcp(const std::string& address);
// `congestion` as the kernel names them; empty: its default. Of accepted sockets, too, when the
// listening one was given it.
void set_congestion(int socket, const std::string& congestion);
int connect_tcp(const std::string& address, std::uint16_t port, const std::string& congestion);
int accept_tcp(int listening);

// UDP, with buffers as large as the library asks for.
int bind_udp(const std::string& address);
void connect_udp(int socket, const std::string& address, std::uint16_t port);

std::uint16_t port_of(int socket);
void set_blocking(int socket, bool is_blocking);

// For a socket that does not block: waits until there is something to read, asleep, or returns at
// once to a caller that tries again.
class SocketWait {
public:
    SocketWait(int socket, Waiting waiting);
    ~SocketWait();
    SocketWait(const SocketWait&) = delete;
    SocketWait& operator=(const SocketWait&) = delete;

    void wait() const;

private:
    Waiting waiting_;
    int epoll_;
};

}  // namespace stt::bench
