#include "network.hpp"

#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <ctime>
#include <fstream>
#include <memory>
#include <stt/error.hpp>
#include <utility>

#include "async.hpp"
#include "connect_lines.hpp"
#include "terminal_text.hpp"

namespace stt::cli {
namespace {

constexpr double handshake_seconds = 10;  // Spec protocol §4.3
// A session ends when nothing was heard for this long. Less than the protocol's default:
// a person waits for the answer.
constexpr double idle_seconds = 60;
// This many keep-alives may be lost before that.
constexpr double keep_alives = 4;
// A person is told of a silent peer after this part of the time that silence is borne.
constexpr double silent_part = 4;
constexpr double silent_seconds_max = 4;
// Worst-case memory of a session: what is received and unread, and what is unsent. The
// tool stays below 64 MB with both and its own buffers. Issue 2.
constexpr std::size_t stream_window_max = 16u << 20;
constexpr std::size_t session_window_max = 20u << 20;

spdlog::level::level_enum to_level(LogLevel level) {
    switch (level) {
        case LogLevel::debug:
            return spdlog::level::debug;
        case LogLevel::info:
            return spdlog::level::info;
        case LogLevel::warning:
            return spdlog::level::warn;
    }
    return spdlog::level::warn;
}

// Writes traces to a new file in `directory`, named by time and process.
std::function<void(std::string_view)> start_trace(const std::string& directory) {
    if (directory.empty()) return {};
    const std::string path =
        fmt::format("{}/stt-{}-{}.sqlog", directory, std::time(nullptr), ::getpid());
    const auto file = std::make_shared<std::ofstream>(path, std::ios::binary);
    if (!*file) {
        Console().warning(
            fmt::format("cannot write the trace {}: {}", visible(path), std::strerror(errno)));
        return {};
    }
    return [file](std::string_view piece) {
        file->write(piece.data(), static_cast<std::streamsize>(piece.size()));
    };
}

Duration to_duration(double seconds) {
    return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

// The handshake has its own end. What comes before it on a WebSocket has the same time, and this
// more, so that who says why goes first.
constexpr Duration connect_grace = std::chrono::milliseconds(500);

struct Attempt {
    Result<Session, std::error_code> session =
        Unexpected(std::make_error_code(std::errc::timed_out));
    asio::cancellation_signal give_up;
};

asio::awaitable<void> attempt(Node& node, Destination destination, std::shared_ptr<Attempt> state) {
    auto session = co_await node.connect(std::move(destination));
    if (session || session.error() != asio::error::operation_aborted) {
        state->session = std::move(session);
    }
}

// std::errc::timed_out when nothing has come of it by then.
asio::awaitable<Result<Session, std::error_code>> connect_within(Node& node,
                                                                 Destination destination,
                                                                 Duration limit) {
    const auto executor = co_await asio::this_coro::executor;
    // Shared with a timer whose handler may be on its way when all is over.
    const auto state = std::make_shared<Attempt>();
    asio::steady_timer timer(executor, limit);
    timer.async_wait([state](std::error_code error) {
        if (!error) state->give_up.emit(asio::cancellation_type::terminal);
    });
    // A coroutine that is cancelled ends by an exception, which says nothing more.
    static_cast<void>(
        co_await asio::co_spawn(executor, attempt(node, std::move(destination), state),
                                asio::bind_cancellation_slot(state->give_up.slot(), as_result)));
    co_return state->session;
}

}  // namespace

std::function<void(LogLevel, std::string_view)> start_log(int verbosity) {
    const auto logger =
        std::make_shared<spdlog::logger>("stt", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    logger->set_pattern("%H:%M:%S.%e %l %v");
    logger->set_level(verbosity == 0   ? spdlog::level::off
                      : verbosity == 1 ? spdlog::level::info
                                       : spdlog::level::debug);
    spdlog::set_default_logger(logger);
    if (verbosity == 0) return {};
    return [](LogLevel level, std::string_view line) {
        spdlog::log(to_level(level), "{}", visible(line));
    };
}

NodeConfig node_config(const CommonOptions& options) {
    NodeConfig config;
    const double silence = options.timeout_seconds.value_or(idle_seconds);
    config.handshake_timeout = to_duration(options.timeout_seconds.value_or(handshake_seconds));
    config.idle_timeout = to_duration(silence);
    config.resume_timeout = config.idle_timeout;
    config.unreachable_after = to_duration(std::min(silent_seconds_max, silence / silent_part));
    config.keep_alive = to_duration(silence / keep_alives);
    // Each run of the tool is a node of its own: nobody comes back who lost a session.
    config.reconnects = false;
    config.stream_window_max = stream_window_max;
    config.session_window_max = session_window_max;
    if (options.congestion == "cubic") {
        config.congestion = CongestionAlgorithm::cubic;
    } else if (options.congestion == "background") {
        config.congestion = CongestionAlgorithm::background;
    }
    if (options.padding == "bucket") config.padding = PaddingPolicy::bucket;
    if (options.padding == "constant") config.padding = PaddingPolicy::constant;
    config.tls_authorities_file = options.authorities_file;
    config.tls_verifies = !options.is_insecure;
    config.log = start_log(options.verbosity);
    config.trace = start_trace(options.qlog_directory);
    return config;
}

asio::awaitable<void> tell_reachability(Session session, Console& console) {
    while (true) {
        const auto event = co_await session.next_event();
        if (!event) co_return;
        if (std::holds_alternative<Unreachable>(*event)) {
            console.note("the other side does not answer; waiting for it");
        } else if (std::holds_alternative<Reachable>(*event)) {
            console.note("the other side answers again");
        }
    }
}

asio::awaitable<Result<Session, Problem>> connect(Node& node, const Target& target,
                                                  const CommonOptions& options) {
    auto destination = co_await resolve(target);
    if (!destination) co_return Unexpected(destination.error());
    const double seconds = options.timeout_seconds.value_or(handshake_seconds);
    auto session = co_await connect_within(node, *std::move(destination),
                                           to_duration(seconds) + connect_grace);
    if (session) {
        spdlog::info("connected to {} by {}", session->peer_address().to_string(),
                     session->statistics().transport == Transport::udp ? "UDP" : "WebSocket");
        co_return *std::move(session);
    }
    co_return Unexpected(connect_problem(target, session.error(), seconds));
}

void refuse(StreamHandle& stream) {
    stream.reset(static_cast<std::uint64_t>(ErrorCode::refused));
    stream.stop(static_cast<std::uint64_t>(ErrorCode::refused));
}

void refuse_streams(Session session) {
    // With a handler, all that it does not serve is refused by the node. Nobody opens this one.
    session.handle("", [](Session, Stream stream) -> asio::awaitable<void> {
        refuse(stream);
        co_return;
    });
}

std::string_view transport_note(const Session& session) {
    return session.statistics().transport == Transport::websocket ? " by WebSocket" : "";
}

std::string end_reason(const Session& session, std::error_code error) {
    if (error == Failure::session_closed_by_peer) {
        const CloseReason reason = session.close_reason();
        if (!reason.text.empty())
            return fmt::format("the other side said: {}", visible(reason.text));
        return "the other side closed the session";
    }
    if (error == Failure::session_timeout) return "nothing was heard from the other side any more";
    return visible(error.message());
}

}  // namespace stt::cli
