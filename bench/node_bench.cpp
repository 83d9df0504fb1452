// Many sessions between two processes, over real sockets on loopback: what an idle session costs
// in memory, and what one costs in time that carries 100 small messages a second.
//
//   node_bench [sessions ...]     default: 100 1000 10000
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <asio/co_spawn.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <stt/node.hpp>
#include <vector>

namespace {

using std::chrono::milliseconds;
constexpr auto as_tuple = asio::experimental::as_tuple(asio::use_awaitable);
// Sessions that are connected at one time: within the half-open handshakes a node allows.
constexpr std::size_t connects_at_once = 64;
constexpr int rounds = 300;  // of one message in each session, 10 ms apart
constexpr milliseconds round_time{10};
constexpr std::size_t message_size = 32;

// Resident memory of a process, in bytes.
std::size_t resident(pid_t process) {
    std::ifstream file("/proc/" + std::to_string(process) + "/statm");
    std::size_t size = 0, pages = 0;
    file >> size >> pages;
    return pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

// Seconds of processor time that a process used.
double processor_time(pid_t process) {
    std::ifstream file("/proc/" + std::to_string(process) + "/stat");
    std::string line;
    std::getline(file, line);
    std::istringstream fields(line.substr(line.rfind(')') + 2));
    std::string skipped;
    for (int field = 3; field < 14; ++field) fields >> skipped;
    double user = 0, system = 0;
    fields >> user >> system;
    return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

stt::Seed bench_seed() {
    const std::array<std::uint8_t, 32> bytes{7};
    return stt::Seed(bytes);
}

stt::NodeConfig bench_config() {
    stt::NodeConfig config;
    config.keep_alive = std::chrono::hours(1);
    config.idle_timeout = std::chrono::hours(2);
    return config;
}

asio::awaitable<void> swallow(stt::Session, stt::MessageStream stream) {
    while (true) {
        auto [error, message] = co_await stream.async_receive(as_tuple);
        if (error) co_return;
    }
}

// The process that is measured. Tells its port through `pipe`.
[[noreturn]] void serve(int pipe) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    asio::io_context context(1);
    stt::Node node(context, bench_seed(), bench_config());
    node.handle_messages("sink", swallow);
    const auto bound = node.listen(stt::Address::ipv4({127, 0, 0, 1}, 0));
    const std::uint16_t port = bound ? bound->port() : 0;
    if (::write(pipe, &port, sizeof(port)) != sizeof(port)) std::_Exit(1);
    context.run();
    std::_Exit(0);
}

class Bench {
public:
    Bench(asio::io_context& context, stt::Address server, pid_t process, std::size_t count)
        : node_(context, bench_seed(), bench_config()),
          timer_(context),
          server_(server),
          process_(process),
          count_(count) {}

    asio::awaitable<void> run() {
        const std::size_t memory_before = resident(process_);
        using namespace std::chrono;
        const auto start = steady_clock::now();
        for (std::size_t i = 0; i < connects_at_once; ++i) {
            asio::co_spawn(co_await asio::this_coro::executor, connect_some(),
                           [this](std::exception_ptr) { --connecting_; });
            ++connecting_;
        }
        while (connecting_ > 0) co_await pause(milliseconds(1));
        const duration<double> connected = steady_clock::now() - start;
        co_await pause(milliseconds(500));
        const double idle = static_cast<double>(resident(process_) - memory_before) /
                            static_cast<double>(sessions_.size());
        std::vector<stt::MessageStream> streams;
        for (stt::Session& session : sessions_) {
            auto stream = co_await session.open_messages("sink", stt::StreamKind::messages);
            if (!stream) co_return;
            streams.push_back(std::move(*stream));
        }
        co_await pause(milliseconds(500));
        const double used = co_await load(streams);
        const double messages = static_cast<double>(streams.size()) * rounds;
        std::printf("%8zu  %12.0f  %14.0f  %14.2f\n", sessions_.size(), idle,
                    static_cast<double>(sessions_.size()) / connected.count(),
                    used / messages * 1e6);
    }

private:
    asio::awaitable<void> pause(milliseconds time) {
        timer_.expires_after(time);
        co_await timer_.async_wait(asio::use_awaitable);
    }

    asio::awaitable<void> connect_some() {
        while (started_ < count_) {
            ++started_;
            auto session = co_await node_.connect(server_);
            if (!session) {
                std::fprintf(stderr, "connect: %s\n", session.error().message().c_str());
                co_return;
            }
            sessions_.push_back(*session);
        }
    }

    // Seconds of the server's processor for all messages.
    asio::awaitable<double> load(std::vector<stt::MessageStream>& streams) {
        const std::array<std::uint8_t, message_size> message{};
        const double before = processor_time(process_);
        auto next = std::chrono::steady_clock::now();
        asio::steady_timer timer(co_await asio::this_coro::executor);
        for (int round = 0; round < rounds; ++round) {
            for (stt::MessageStream& stream : streams) {
                co_await stream.async_send(message, as_tuple);
            }
            next += round_time;
            timer.expires_at(next);
            co_await timer.async_wait(asio::use_awaitable);
        }
        co_return processor_time(process_) - before;
    }

    stt::Node node_;
    asio::steady_timer timer_;
    stt::Address server_;
    pid_t process_;
    std::size_t count_;
    std::size_t started_ = 0;
    std::size_t connecting_ = 0;
    std::vector<stt::Session> sessions_;
};

bool measure(std::size_t count) {
    std::array<int, 2> pipe{};
    if (::pipe(pipe.data()) != 0) return false;
    const pid_t server = ::fork();
    if (server < 0) return false;
    if (server == 0) serve(pipe[1]);
    std::uint16_t port = 0;
    const bool is_up = ::read(pipe[0], &port, sizeof(port)) == sizeof(port) && port != 0;
    if (is_up) {
        asio::io_context context(1);
        Bench bench(context, stt::Address::ipv4({127, 0, 0, 1}, port), server, count);
        asio::co_spawn(context, bench.run(), [&](std::exception_ptr) { context.stop(); });
        context.run();
    }
    ::kill(server, SIGKILL);
    ::waitpid(server, nullptr, 0);
    ::close(pipe[0]);
    ::close(pipe[1]);
    return is_up;
}

}  // namespace

int main(int argc, char** argv) {
    std::vector<std::size_t> counts;
    for (int i = 1; i < argc; ++i) counts.push_back(std::strtoul(argv[i], nullptr, 10));
    if (counts.empty()) counts = {100, 1'000, 10'000};
    std::printf("sessions  bytes each  handshakes a second  us of processor a message\n");
    for (const std::size_t count : counts) {
        if (!measure(count)) return 1;
    }
}
