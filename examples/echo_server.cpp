// Serves the endpoint "echo": sends back what comes, until it is interrupted.
//
//     echo_server SEED_FILE [ADDRESS:PORT]
#include <asio/awaitable.hpp>
#include <asio/buffer.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <stt/node.hpp>
#include <vector>

namespace {

constexpr auto as_tuple = asio::experimental::as_tuple(asio::use_awaitable);

asio::awaitable<void> echo(stt::Session, stt::Stream stream) {
    std::vector<char> buffer(64 << 10);
    while (true) {
        auto [read_error, size] = co_await stream.async_read_some(asio::buffer(buffer), as_tuple);
        if (read_error == asio::error::eof) break;
        if (read_error) co_return;
        auto [write_error, written] =
            co_await asio::async_write(stream, asio::buffer(buffer.data(), size), as_tuple);
        if (write_error) co_return;
    }
    stream.finish();
    co_await stream.async_wait_acknowledged(as_tuple);
}

}  // namespace

int main(int argc, char** argv) {
    // From a file: what stands on a command line, every user of the machine can read.
    std::ifstream file(argc > 1 ? argv[1] : "");
    const auto seed = stt::seed_from_hex(std::string(std::istreambuf_iterator<char>(file), {}));
    const auto address = stt::Address::parse(argc > 2 ? argv[2] : "[::]:9001");
    if (!seed || !address) {
        std::fprintf(stderr, "usage: echo_server SEED_FILE [ADDRESS:PORT]\n");
        return 2;
    }
    asio::io_context context(1);
    stt::Node node(context, *seed);
    node.handle("echo", echo);
    const auto bound = node.listen(*address);
    if (!bound) {
        std::fprintf(stderr, "echo_server: cannot listen on %s: %s\n", address->to_string().c_str(),
                     bound.error().message().c_str());
        return 1;
    }
    std::printf("listening on %s\n", bound->to_string().c_str());
    asio::signal_set signals(context, SIGINT, SIGTERM);
    signals.async_wait([&context](std::error_code, int) { context.stop(); });
    context.run();
}
