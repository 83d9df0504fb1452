// Lines of standard input to everybody who listens, each at its own pace.
//
//     broadcast SEED_FILE speak ADDRESS:PORT      sends each line to all listeners
//     broadcast SEED_FILE hear ADDRESS:PORT       prints them
#include <unistd.h>

#include <asio/co_spawn.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/read_until.hpp>
#include <asio/use_awaitable.hpp>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <stt/fan_out.hpp>
#include <stt/node.hpp>
#include <vector>

namespace {

constexpr auto as_tuple = asio::experimental::as_tuple(asio::use_awaitable);

asio::awaitable<void> speak(stt::MessageFanOut& listeners) {
    asio::posix::stream_descriptor input(co_await asio::this_coro::executor, ::dup(STDIN_FILENO));
    std::string pending;
    while (true) {
        auto [error, size] =
            co_await asio::async_read_until(input, asio::dynamic_buffer(pending), '\n', as_tuple);
        if (error) co_return;
        const auto line = stt::bytes_of(pending).first(size);
        auto [failure, count] = co_await listeners.async_send(line, as_tuple);
        if (failure) co_return;
        std::printf("to %zu listeners\n", count);
        pending.erase(0, size);
    }
}

asio::awaitable<void> hear(stt::Node& node, stt::Address speaker) {
    auto session = co_await node.connect(speaker);
    if (!session) {
        std::fprintf(stderr, "broadcast: %s\n", session.error().message().c_str());
        co_return;
    }
    auto stream = co_await session->open_messages("news", stt::StreamKind::messages);
    if (!stream) co_return;
    while (true) {
        auto [error, message] = co_await stream->async_receive(as_tuple);
        if (error) co_return;
        std::fwrite(message.data(), 1, message.size(), stdout);
        std::fflush(stdout);
    }
}

}  // namespace

int main(int argc, char** argv) {
    std::ifstream file(argc > 1 ? argv[1] : "");
    const auto seed = stt::seed_from_hex(std::string(std::istreambuf_iterator<char>(file), {}));
    const std::string_view role = argc > 2 ? argv[2] : "";
    const auto address = stt::Address::parse(argc > 3 ? argv[3] : "");
    if (!seed || !address || (role != "speak" && role != "hear")) {
        std::fprintf(stderr, "usage: broadcast SEED_FILE speak|hear ADDRESS:PORT\n");
        return 2;
    }
    asio::io_context context(1);
    stt::Node node(context, *seed);
    // Who is too slow misses the oldest lines.
    stt::MessageFanOut listeners(context.get_executor(),
                                 {.laggards = stt::LaggardPolicy::skip});
    const auto stop = [&context](const std::exception_ptr&) { context.stop(); };
    if (role == "speak") {
        // Who opens a stream to "news" has subscribed.
        node.handle_messages("news",
                             [&](stt::Session, stt::MessageStream stream) -> asio::awaitable<void> {
                                 listeners.add(std::move(stream));
                                 co_return;
                             });
        if (const auto bound = node.listen(*address); !bound) {
            std::fprintf(stderr, "broadcast: %s\n", bound.error().message().c_str());
            return 1;
        }
        asio::co_spawn(context, speak(listeners), stop);
    } else {
        asio::co_spawn(context, hear(node, *address), stop);
    }
    context.run();
}
