// A program that has nothing of STT but the installed package.
#include <asio/io_context.hpp>
#include <cstdio>
#include <stt/node.hpp>

int main() {
    asio::io_context context;
    stt::Node node(context, stt::random_seed());
    const auto address = node.listen(stt::Address::ipv4({127, 0, 0, 1}, 0));
    if (!address) {
        std::fprintf(stderr, "consumer: cannot listen: %s\n", address.error().message().c_str());
        return 1;
    }
    std::printf("consumer: listening on %s\n", (*address).to_string().c_str());
    return 0;
}
