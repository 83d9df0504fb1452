#include <doctest/doctest.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <platform/network_watch.hpp>
#include <utility>

using namespace stt;

namespace {

enum Outcome : int { ok, no_namespace, no_watch, early, no_interface, not_told, told_twice };

bool wait_readable(const platform::NetworkWatch& watch) {
    pollfd polled{watch.native_handle(), POLLIN, 0};
    return ::poll(&polled, 1, 5'000) == 1;
}

// Takes the loopback interface of a network of its own up: addresses and routes appear.
Outcome watch_an_interface() {
    if (::unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) return no_namespace;
    auto opened = platform::NetworkWatch::open();
    if (!opened) return no_watch;
    platform::NetworkWatch watch = std::move(*opened);
    if (watch.take_change()) return early;
    const int socket = ::socket(AF_INET, SOCK_DGRAM, 0);
    ifreq request{};
    std::strcpy(request.ifr_name, "lo");
    request.ifr_flags = IFF_UP;
    if (::ioctl(socket, SIOCSIFFLAGS, &request) != 0) return no_interface;
    ::close(socket);
    if (!wait_readable(watch) || !watch.take_change()) return not_told;
    return watch.take_change() ? told_twice : ok;
}

}  // namespace

TEST_CASE("NetworkWatch: an interface that comes up is told once") {
    std::fflush(nullptr);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) std::exit(watch_an_interface());  // with the counts of coverage, unlike _exit
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFEXITED(status));
    if (WEXITSTATUS(status) == no_namespace) {
        MESSAGE("not tested: this machine makes no network of one's own");
        return;
    }
    CHECK(WEXITSTATUS(status) == ok);
}

TEST_CASE("a watch moves by assignment, and says why it cannot be opened") {
    auto watch = platform::NetworkWatch::open();
    auto other = platform::NetworkWatch::open();
    REQUIRE((watch && other));
    const int kept = other->native_handle();
    *watch = std::move(*other);
    CHECK(watch->native_handle() == kept);
    rlimit limit{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
    rlimit none = limit;
    none.rlim_cur = 0;
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
    const auto refused = platform::NetworkWatch::open();
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &limit) == 0);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error() == std::errc::too_many_files_open);
}
