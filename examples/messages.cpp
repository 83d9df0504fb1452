// Readings that are of use only while they are fresh, and alarms that must arrive.
//
//     messages SEED_FILE listen ADDRESS:PORT      prints what sensors send
//     messages SEED_FILE connect ADDRESS:PORT     is a sensor
#include <asio/co_spawn.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <stt/node.hpp>

namespace {

constexpr auto as_tuple = asio::experimental::as_tuple(asio::use_awaitable);

// Serves both endpoints: prints each message of a sensor as a line.
asio::awaitable<void> print(stt::Session, stt::MessageStream stream) {
    while (true) {
        auto [error, message] = co_await stream.async_receive(as_tuple);
        if (error) break;
        const std::string line = stream.endpoint() + ": " + std::string(stt::text_of(message));
        std::puts(line.c_str());
    }
}

asio::awaitable<void> measure(stt::Node& node, stt::Address monitor) {
    const auto session = co_await node.connect(monitor);
    if (!session) {
        std::fprintf(stderr, "messages: %s\n", session.error().message().c_str());
        co_return;
    }
    stt::Session peer = *session;
    // A reading of more than 200 ms ago is not worth the bytes, and alarms go before readings.
    stt::MessageOptions fresh;
    fresh.deadline = std::chrono::milliseconds(200);
    fresh.priority = 5;
    stt::MessageOptions urgent;
    urgent.priority = 0;
    auto readings = co_await peer.open_messages("readings", stt::StreamKind::expiring, fresh);
    auto alarms = co_await peer.open_messages("alarms", stt::StreamKind::messages, urgent);
    if (!readings || !alarms) co_return;
    asio::steady_timer timer(co_await asio::this_coro::executor);
    for (int number = 0;; ++number) {
        const std::string reading = std::to_string(number);
        auto [error, size] = co_await readings->async_send(stt::bytes_of(reading), as_tuple);
        if (error && error != stt::Failure::message_expired) co_return;
        if (number % 50 == 49) {
            const std::string alarm = "the reading is " + reading;
            auto [failed, taken] = co_await alarms->async_send(stt::bytes_of(alarm), as_tuple);
            if (failed) co_return;
        }
        timer.expires_after(std::chrono::milliseconds(20));
        co_await timer.async_wait(asio::use_awaitable);
    }
}

}  // namespace

int main(int argc, char** argv) {
    std::ifstream file(argc > 1 ? argv[1] : "");
    const auto seed = stt::seed_from_hex(std::string(std::istreambuf_iterator<char>(file), {}));
    const std::string_view role = argc > 2 ? argv[2] : "";
    const auto address = stt::Address::parse(argc > 3 ? argv[3] : "");
    if (!seed || !address || (role != "listen" && role != "connect")) {
        std::fprintf(stderr, "usage: messages SEED_FILE listen|connect ADDRESS:PORT\n");
        return 2;
    }
    asio::io_context context(1);
    stt::Node node(context, *seed);
    if (role == "listen") {
        node.handle_messages("readings", print);
        node.handle_messages("alarms", print);
        if (const auto bound = node.listen(*address); !bound) {
            std::fprintf(stderr, "messages: %s\n", bound.error().message().c_str());
            return 1;
        }
    } else {
        asio::co_spawn(context, measure(node, *address),
                       [&context](const std::exception_ptr&) { context.stop(); });
    }
    asio::signal_set signals(context, SIGINT, SIGTERM);
    signals.async_wait([&context](std::error_code, int) { context.stop(); });
    context.run();
}
