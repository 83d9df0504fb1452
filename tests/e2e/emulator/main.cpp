// stt_emulator SERVER [seed=N] [seconds=N] [key=value...]
//
// A relay on loopback between clients and the server at SERVER, with delay, rate, loss and more.
// Prints "listening on ADDRESS", then obeys lines of its standard input, each answered by one
// line that begins with "ok" or "error":
//
//   set key=value...        see settings.hpp
//   blackout MS [up|down]   carries nothing for so long
//   rebind port|address     the server sees the clients elsewhere from now on
//   statistics
//
// Ends when its standard input does, and after `seconds` (600) in any case.

#include <poll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdio>
#include <sstream>

#include "platform/clock.hpp"
#include "tests/e2e/emulator/relay.hpp"

namespace stt::emulator {
namespace {

constexpr std::uint64_t seconds_max = 86'400;
constexpr std::size_t line_size_max = 4'096;
// Asked of the kernel for timers: by default they are 50 microseconds late.
constexpr unsigned long timer_slack_nanoseconds = 1'000;

std::string black_out(std::istringstream& words, Relay& relay) {
    std::uint64_t milliseconds = 0;
    std::string direction;
    if (!(words >> milliseconds) || milliseconds > seconds_max * 1'000) {
        return "error: blackout MS [up|down]";
    }
    words >> direction;
    if (!direction.empty() && direction != "up" && direction != "down") {
        return "error: no direction: " + direction;
    }
    const Instant until = platform::now() + std::chrono::milliseconds(milliseconds);
    if (direction != "down") relay.black_out(Direction::up, until);
    if (direction != "up") relay.black_out(Direction::down, until);
    return "ok";
}

std::string set(std::istringstream& words, Relay& relay) {
    PathOptions options = relay.options();
    for (std::string word; words >> word;) {
        if (const std::string fault = apply_setting(word, options); !fault.empty()) {
            return "error: " + fault;
        }
    }
    relay.set_options(options);
    return "ok";
}

std::string obey(const std::string& line, Relay& relay) {
    std::istringstream words(line);
    std::string command;
    words >> command;
    if (command == "set") return set(words, relay);
    if (command == "blackout") return black_out(words, relay);
    if (command == "statistics") return "ok " + relay.statistics();
    if (command == "rebind") {
        std::string kind;
        words >> kind;
        if (kind != "port" && kind != "address") return "error: rebind port|address";
        relay.rebind(kind == "port" ? Rebinding::port : Rebinding::address);
        return "ok";
    }
    return "error: no command: " + command;
}

void answer(const std::string& line) {
    std::printf("%s\n", line.c_str());
    std::fflush(stdout);
}

// False: standard input has ended.
bool read_lines(std::string& pending, Relay& relay) {
    std::array<char, 1'024> piece;
    const ssize_t size = ::read(STDIN_FILENO, piece.data(), piece.size());
    if (size <= 0) return false;
    pending.append(piece.data(), static_cast<std::size_t>(size));
    for (std::size_t end; (end = pending.find('\n')) != std::string::npos;) {
        answer(obey(pending.substr(0, end), relay));
        pending.erase(0, end + 1);
    }
    return pending.size() <= line_size_max;
}

void run(Relay& relay, Instant end) {
    std::string pending_line;
    std::vector<pollfd> polled;
    for (Instant now = platform::now(); now < end; now = platform::now()) {
        polled.assign(1, {STDIN_FILENO, POLLIN, 0});
        for (const int descriptor : relay.descriptors()) polled.push_back({descriptor, POLLIN, 0});
        const Instant until = std::min(end, relay.next_release().value_or(end));
        const auto wait = std::max(Duration::zero(), until - now);
        const timespec timeout{wait.count() / 1'000'000, wait.count() % 1'000'000 * 1'000};
        if (::ppoll(polled.data(), polled.size(), &timeout, nullptr) < 0) return;
        relay.receive(platform::now());
        relay.release(platform::now());
        if (polled[0].revents != 0 && !read_lines(pending_line, relay)) return;
    }
}

int start(const std::vector<std::string>& arguments) {
    const auto server = arguments.empty() ? std::nullopt : Address::parse(arguments[0]);
    if (!server || server->family() != Address::Family::ipv4 || server->octets()[0] != 127) {
        std::fprintf(stderr,
                     "usage: stt_emulator 127.x.x.x:PORT [seed=N] [seconds=N] [KEY=VALUE]\n");
        return 2;
    }
    std::uint64_t seed = 1;
    std::uint64_t seconds = 600;
    std::string settings = "set";
    for (std::size_t i = 1; i < arguments.size(); ++i) {
        const std::string& word = arguments[i];
        if (word.starts_with("seed=")) {
            seed = std::strtoull(word.c_str() + 5, nullptr, 10);
        } else if (word.starts_with("seconds=")) {
            seconds =
                std::min(seconds_max, std::uint64_t{std::strtoull(word.c_str() + 8, nullptr, 10)});
        } else {
            settings += ' ' + word;
        }
    }
    const auto relay = Relay::open(*server, seed);
    if (relay == nullptr) {
        std::fprintf(stderr, "cannot bind a socket on loopback\n");
        return 1;
    }
    if (const std::string fault = obey(settings, *relay); fault != "ok") {
        std::fprintf(stderr, "%s\n", fault.c_str());
        return 2;
    }
    ::prctl(PR_SET_TIMERSLACK, timer_slack_nanoseconds, 0, 0, 0);
    answer("listening on " + relay->local_address().to_string());
    run(*relay, platform::now() + std::chrono::seconds(seconds));
    return 0;
}

}  // namespace
}  // namespace stt::emulator

int main(int argument_count, char** arguments) {
    return stt::emulator::start({arguments + 1, arguments + argument_count});
}
