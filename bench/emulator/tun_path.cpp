// tun_path NAMESPACE NAMESPACE [seed=N] [KEY=VALUE]...
//
// A path between two network namespaces (`ip netns`), with delay, rate and loss, for whatever goes
// over IPv4: the device stt0 is 10.77.0.1 in the first and 10.77.0.2 in the second. Keys are those
// of tests/e2e/emulator/settings.hpp. Prints "ready", and ends with its standard input: then the
// devices are gone, and it prints what became of the packets. Needs root.
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <queue>
#include <string>
#include <vector>

#include "platform/clock.hpp"
#include "testing/link.hpp"
#include "tests/e2e/emulator/settings.hpp"

namespace stt::emulator {
namespace {

constexpr const char* device_name = "stt0";
constexpr std::array<const char*, 2> addresses{"10.77.0.1", "10.77.0.2"};
constexpr const char* netmask = "255.255.255.252";
constexpr std::size_t packet_size_max = 1'500;
// What waits in the kernel for this program: a gigabit for 0.1 s, so that it loses nothing that
// the path does not.
constexpr int kernel_queue_packets = 10'000;
// Bytes under way in all; what is more is dropped. A gigabit for half a second.
constexpr std::size_t bytes_waiting_max = 64u << 20;
constexpr int packets_a_turn = 256;
constexpr std::chrono::seconds sleep_max{1};
// Asked of the kernel for timers: by default they are 50 microseconds late.
constexpr unsigned long timer_slack_nanoseconds = 1'000;

void require(bool is_good, const char* what) {
    if (is_good) return;
    std::perror(what);
    std::exit(1);
}

void set_address(int socket, ifreq request, unsigned long operation, const char* text) {
    auto* const address = reinterpret_cast<sockaddr_in*>(&request.ifr_addr);
    address->sin_family = AF_INET;
    require(::inet_pton(AF_INET, text, &address->sin_addr) == 1, "address");
    require(::ioctl(socket, operation, &request) == 0, "address");
}

// The device is in the namespace that this process was in when it opened it.
int open_device(const std::string& name_space, const char* address) {
    const int entry = ::open(("/run/netns/" + name_space).c_str(), O_RDONLY | O_CLOEXEC);
    require(entry >= 0 && ::setns(entry, CLONE_NEWNET) == 0, name_space.c_str());
    ::close(entry);
    const int device = ::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    require(device >= 0, "/dev/net/tun");
    ifreq request{};
    std::strncpy(request.ifr_name, device_name, IFNAMSIZ - 1);
    request.ifr_flags = IFF_TUN | IFF_NO_PI;
    require(::ioctl(device, TUNSETIFF, &request) == 0, "TUNSETIFF");
    const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    require(socket >= 0, "socket");
    set_address(socket, request, SIOCSIFADDR, address);
    set_address(socket, request, SIOCSIFNETMASK, netmask);
    request.ifr_qlen = kernel_queue_packets;
    require(::ioctl(socket, SIOCSIFTXQLEN, &request) == 0, "SIOCSIFTXQLEN");
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    require(::ioctl(socket, SIOCSIFFLAGS, &request) == 0, "SIOCSIFFLAGS");
    ::close(socket);
    return device;
}

struct Waiting {
    Instant at{};
    std::uint64_t order = 0;  // of equal times the first goes first
    std::size_t to = 0;
    std::vector<std::uint8_t> bytes;

    bool operator>(const Waiting& other) const noexcept {
        return at != other.at ? at > other.at : order > other.order;
    }
};

class Path {
public:
    Path(std::array<int, 2> devices, const PathOptions& options, std::uint64_t seed)
        : devices_(devices),
          links_{testing::Link(options.up, seed), testing::Link(options.down, seed + 1)} {}

    // Until standard input ends.
    void run() {
        for (;;) {
            std::array<pollfd, 3> polled{
                {{STDIN_FILENO, POLLIN, 0}, {devices_[0], POLLIN, 0}, {devices_[1], POLLIN, 0}}};
            Duration wait = sleep_max;
            if (!waiting_.empty()) {
                wait = std::clamp(waiting_.top().at - platform::now(), Duration::zero(), wait);
            }
            const timespec timeout{wait.count() / 1'000'000, wait.count() % 1'000'000 * 1'000};
            require(::ppoll(polled.data(), polled.size(), &timeout, nullptr) >= 0, "ppoll");
            for (const std::size_t from : {0u, 1u}) receive(from);
            release();
            std::array<char, 64> ignored;
            if (polled[0].revents != 0 && ::read(STDIN_FILENO, ignored.data(), 64) <= 0) return;
        }
    }

    void tell() const {
        const char* name = "up";
        for (const testing::Link& link : links_) {
            const testing::LinkCounters& counters = link.counters();
            std::printf("%s: offered %llu, lost %llu, overflowed %llu\n", name,
                        static_cast<unsigned long long>(counters.offered),
                        static_cast<unsigned long long>(counters.lost),
                        static_cast<unsigned long long>(counters.overflowed));
            name = "down";
        }
        std::printf("dropped by the emulator itself: %llu\n",
                    static_cast<unsigned long long>(unsent_));
    }

private:
    void receive(std::size_t from) {
        std::array<std::uint8_t, packet_size_max> packet;
        const Instant now = platform::now();
        for (int i = 0; i < packets_a_turn; ++i) {
            const ssize_t size = ::read(devices_[from], packet.data(), packet.size());
            if (size <= 0) return;
            arrivals_.clear();
            links_[from].send(now, Bytes(packet).first(static_cast<std::size_t>(size)), 0,
                              arrivals_);
            for (testing::Link::Arrival& arrival : arrivals_) {
                if (bytes_waiting_ + arrival.bytes.size() > bytes_waiting_max) {
                    ++unsent_;
                    continue;
                }
                bytes_waiting_ += arrival.bytes.size();
                waiting_.push({arrival.at, order_++, 1 - from, std::move(arrival.bytes)});
            }
        }
    }

    void release() {
        const Instant now = platform::now();
        while (!waiting_.empty() && waiting_.top().at <= now) {
            const Waiting& first = waiting_.top();
            const auto size = static_cast<ssize_t>(first.bytes.size());
            if (::write(devices_[first.to], first.bytes.data(), first.bytes.size()) != size) {
                ++unsent_;
            }
            bytes_waiting_ -= first.bytes.size();
            waiting_.pop();
        }
    }

    std::array<int, 2> devices_;
    std::array<testing::Link, 2> links_;
    std::vector<testing::Link::Arrival> arrivals_;
    std::priority_queue<Waiting, std::vector<Waiting>, std::greater<>> waiting_;
    std::size_t bytes_waiting_ = 0;
    std::uint64_t order_ = 0;
    std::uint64_t unsent_ = 0;
};

int start(int count, char** words) {
    PathOptions options;
    options.up.datagram_size_max = options.down.datagram_size_max = packet_size_max;
    std::uint64_t seed = 1;
    for (int i = 3; i < count; ++i) {
        const std::string word = words[i];
        if (word.starts_with("seed=")) {
            seed = std::strtoull(word.c_str() + 5, nullptr, 10);
        } else if (const std::string fault = apply_setting(word, options); !fault.empty()) {
            std::fprintf(stderr, "tun_path: %s\n", fault.c_str());
            return 2;
        }
    }
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::prctl(PR_SET_TIMERSLACK, timer_slack_nanoseconds);
    Path path({open_device(words[1], addresses[0]), open_device(words[2], addresses[1])}, options,
              seed);
    std::printf("ready\n");
    std::fflush(stdout);
    path.run();
    path.tell();
    return 0;
}

}  // namespace
}  // namespace stt::emulator

int main(int argc, char** argv) {
    if (argc < 3) {
        std::fprintf(stderr, "usage: tun_path NAMESPACE NAMESPACE [seed=N] [KEY=VALUE]...\n");
        return 2;
    }
    return stt::emulator::start(argc, argv);
}
