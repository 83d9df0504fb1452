#include "bench/peers/sockets.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/harness/two_ends.hpp"

namespace stt::bench {
namespace {

constexpr int udp_receive_buffer_size = 8 << 20;
constexpr int udp_send_buffer_size = 4 << 20;

sockaddr_in place_of(const std::string& address, std::uint16_t port) {
    sockaddr_in place{};
    place.sin_family = AF_INET;
    place.sin_port = htons(port);
    if (::inet_pton(AF_INET, address.c_str(), &place.sin_addr) != 1) {
        give_up("no address of IPv4: " + address);
    }
    return place;
}

const sockaddr* plain(const sockaddr_in& place) {
    return reinterpret_cast<const sockaddr*>(&place);
}

void set_no_delay(int socket) {
    const int on = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

}  // namespace

int listen_tcp(const std::string& address) {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in place = place_of(address, 0);
    if (::bind(socket, plain(place), sizeof place) != 0 || ::listen(socket, 16) != 0) {
        give_up("cannot listen at " + address);
    }
    return socket;
}

void set_congestion(int socket, const std::string& congestion) {
    if (congestion.empty()) return;
    if (::setsockopt(socket, IPPROTO_TCP, TCP_CONGESTION, congestion.data(),
                     static_cast<socklen_t>(congestion.size())) != 0) {
        give_up("the kernel has no congestion control " + congestion);
    }
}

int connect_tcp(const std::string& address, std::uint16_t port, const std::string& congestion) {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in place = place_of(address, port);
    set_congestion(socket, congestion);
    if (::connect(socket, plain(place), sizeof place) != 0) give_up("cannot connect to " + address);
    set_no_delay(socket);
    return socket;
}

int accept_tcp(int listening) {
    const int socket = ::accept4(listening, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) give_up("cannot accept");
    set_no_delay(socket);
    return socket;
}

int bind_udp(const std::string& address) {
    const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const sockaddr_in place = place_of(address, 0);
    ::setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &udp_receive_buffer_size, sizeof(int));
    ::setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &udp_send_buffer_size, sizeof(int));
    if (::bind(socket, plain(place), sizeof place) != 0) give_up("cannot bind " + address);
    return socket;
}

void connect_udp(int socket, const std::string& address, std::uint16_t port) {
    const sockaddr_in place = place_of(address, port);
    if (::connect(socket, plain(place), sizeof place) != 0) give_up("cannot connect to " + address);
}

std::uint16_t port_of(int socket) {
    sockaddr_in place{};
    socklen_t size = sizeof place;
    if (::getsockname(socket, reinterpret_cast<sockaddr*>(&place), &size) != 0) {
        give_up("a socket without a name");
    }
    return ntohs(place.sin_port);
}

void set_blocking(int socket, bool is_blocking) {
    const int flags = ::fcntl(socket, F_GETFL);
    ::fcntl(socket, F_SETFL, is_blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK);
}

SocketWait::SocketWait(int socket, Waiting waiting)
    : waiting_(waiting), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    epoll_event event{.events = EPOLLIN, .data = {}};
    if (epoll_ < 0 || ::epoll_ctl(epoll_, EPOLL_CTL_ADD, socket, &event) != 0) give_up("no epoll");
}

SocketWait::~SocketWait() {
    ::close(epoll_);
}

void SocketWait::wait() const {
    epoll_event event;
    if (waiting_ == Waiting::asleep) ::epoll_wait(epoll_, &event, 1, 1'000);
}

}  // namespace stt::bench
