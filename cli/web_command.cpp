#include <fmt/format.h>
#include <unistd.h>

#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "async.hpp"
#include "console.hpp"
#include "inbox.hpp"
#include "interrupt.hpp"
#include "listening.hpp"
#include "network.hpp"
#include "options.hpp"
#include "progress.hpp"
#include "qr_code.hpp"
#include "seed_file.hpp"
#include "send_session.hpp"
#include "task_group.hpp"
#include "terminal_text.hpp"
#include "transfer/pump.hpp"
#include "web/live_relay.hpp"
#include "web/page_assets.hpp"
#include "web/page_urls.hpp"

namespace stt::cli {
namespace {

// Of `--share`: each has a thread and up to 25 MB. Chosen.
constexpr std::size_t share_count_max = 64;

struct Inputs {
    Seed seed;
    std::vector<SourceRoot> shared;
    PageAssets page;
    UniqueFd directory;
};

class WebServer {
public:
    WebServer(asio::io_context& context, const WebOptions& options, Inputs inputs)
        : options_(options),
          shared_(std::move(inputs.shared)),
          page_(std::move(inputs.page)),
          executor_(context.get_executor()),
          display_(ProgressDisplay::start(console_, executor_)),
          inbox_(std::move(inputs.directory), options.overwrite, console_, display_, executor_),
          relay_(executor_),
          changed_(executor_),
          tasks_(executor_, changed_),
          interrupt_(context),
          node_(context, inputs.seed, node_config(options.common)) {
        interrupt_.set_handler([this] { stop(); });
        if (options.shows_seed) seed_digits_ = hex_of(inputs.seed);
    }

    asio::awaitable<void> run() {
        const auto listening =
            listen(node_, options_.listen, MainPort::websocket, console_,
                   [this](const HttpRequest& request) { return page_.answer(request); });
        if (listening) {
            introduce(*listening);
            tasks_.spawn(accept_sessions());
            while (!stopping_) co_await changed_.wait();
            inbox_.stop();
            relay_.stop();
            for (auto& [number, session] : sessions_) {
                session.close(close_interrupted, "the node was stopped");
            }
        } else {
            console_.error(listening.error().text);
            exit_code_ = listening.error().code;
        }
        co_await node_.close();
        co_await tasks_.wait();
        display_->stop();
        interrupt_.cancel();
        if (interrupt_.happened()) {
            console_.error("interrupted; unfinished files resume when they are sent again");
        }
    }

    ExitCode exit_code() const {
        return interrupt_.happened() ? interrupt_.exit_code() : exit_code_;
    }

private:
    void stop() {
        stopping_ = true;
        changed_.notify();
    }

    void introduce(const Listening& listening) {
        console_.say(fmt::format("listening on {}, receiving into {}", to_string(listening),
                                 quoted(options_.directory)));
        if (!shared_.empty()) {
            console_.say(fmt::format("sharing {}", format_count(shared_.size(), "path", "paths")));
        }
        const PageUrls urls = page_urls(*listening.websocket, listening.is_secure);
        console_.say("open in a browser:");
        for (const std::string& url : urls.all) console_.say("  " + url);
        const bool is_terminal = ::isatty(STDOUT_FILENO) == 1;
        if (is_terminal && !urls.for_others.empty()) say_code(urls.for_others);
        if (!options_.shows_seed) return;
        console_.say(fmt::format("the seed, for whoever may send and receive: {}", seed_digits_));
        say_code(seed_digits_);
        wipe_digits();
    }

    void say_code(const std::string& text) {
        const QrColours colours =
            ::isatty(STDOUT_FILENO) == 1 ? QrColours::explicit_colours : QrColours::none;
        if (const auto code = render_qr_code(text, colours)) console_.say(*code);
    }

    void wipe_digits() { std::fill(seed_digits_.begin(), seed_digits_.end(), '\0'); }

    // ---- sessions

    asio::awaitable<void> accept_sessions() {
        while (!stopping_) {
            auto session = co_await node_.accept();
            if (!session) co_return;
            const std::uint64_t number = next_session_++;
            sessions_.emplace(number, *session);
            tasks_.spawn(serve(number, *session));
            tasks_.spawn(serve_messages(number, *session));
        }
    }

    asio::awaitable<void> serve(std::uint64_t number, Session session) {
        while (!stopping_) {
            auto stream = co_await session.accept_stream();
            if (!stream) break;
            if (stream->endpoint() == transfer_endpoint) {
                tasks_.spawn(take(session, *std::move(stream)));
            } else if (stream->endpoint() == share_endpoint && !shared_.empty() &&
                       share_count_ < share_count_max) {
                tasks_.spawn(share(session, *std::move(stream)));
            } else {
                refuse(*stream);
            }
        }
        sessions_.erase(number);
    }

    asio::awaitable<void> serve_messages(std::uint64_t number, Session session) {
        while (!stopping_) {
            auto stream = co_await session.accept_messages();
            if (!stream) co_return;
            tasks_.spawn(relay_.serve(number, *std::move(stream)));
        }
    }

    asio::awaitable<void> take(Session session, Stream stream) {
        static_cast<void>(co_await inbox_.take(std::move(session), std::move(stream),
                                               Inbox::Afterwards::keep_session));
    }

    asio::awaitable<void> share(Session session, Stream stream) {
        ++share_count_;
        const std::string peer = session.peer_address().to_string();
        SendSession sending(session, std::move(stream), shared_, peer, console_, executor_,
                            SendSession::Afterwards::keep_session);
        co_await sending.run();
        --share_count_;
        if (sending.end().is_complete) {
            if (sending.counters()->files_done > 0) sending.say_summary("shared");
        } else if (!stopping_ && sending.counters()->files_done > 0) {
            console_.warning(fmt::format("sharing with {} ended early", peer));
        }
    }

    const WebOptions& options_;
    std::vector<SourceRoot> shared_;
    PageAssets page_;
    asio::any_io_executor executor_;
    Console console_;
    std::shared_ptr<ProgressDisplay> display_;
    Inbox inbox_;
    LiveRelay relay_;
    Notifier changed_;
    TaskGroup tasks_;
    Interrupt interrupt_;
    Node node_;
    std::map<std::uint64_t, Session> sessions_;
    std::uint64_t next_session_ = 0;
    std::string seed_digits_;
    std::size_t share_count_ = 0;
    bool stopping_ = false;
    ExitCode exit_code_ = ExitCode::ok;
};

Result<Inputs, Problem> read_inputs(const WebOptions& options) {
    if (options.listen.websocket == "off") {
        return Unexpected(Problem{ExitCode::usage,
                                  "stt web is for pages, which come by --listen; give it an "
                                  "address, or use stt receive"});
    }
    STT_TRY_VOID(check(options.listen));
    STT_TRY(Seed seed, read_seed_file(options.common.seed_file));
    STT_TRY(std::vector<SourceRoot> shared, source_roots(options.shared));
    STT_TRY(PageAssets page, options.assets_directory.empty()
                                 ? PageAssets::of(built_in_assets())
                                 : PageAssets::of_folder(options.assets_directory));
    STT_TRY(UniqueFd directory, open_inbox(options.directory));
    return Inputs{std::move(seed), std::move(shared), std::move(page), std::move(directory)};
}

}  // namespace

ExitCode run_web(const WebOptions& options) {
    auto inputs = read_inputs(options);
    if (!inputs) {
        Console().error(inputs.error().text);
        return inputs.error().code;
    }
    raise_file_limit();
    asio::io_context context(1);
    WebServer server(context, options, *std::move(inputs));
    asio::co_spawn(context, server.run(), [](const std::exception_ptr& error) {
        if (error) std::rethrow_exception(error);
    });
    context.run();
    return server.exit_code();
}

}  // namespace stt::cli
