// A program that has nothing of STT but the installed package.
#include <cstdio>
#include <stt/address.hpp>
#include <stt/node.hpp>
#include <stt/seed.hpp>

int main() {
    const stt::Seed seed = stt::random_seed();
    const auto address = stt::Address::parse("127.0.0.1:9001");
    if (!address || seed.bytes().size() < stt::seed_size_min) return 1;
    std::printf("consumer: %s\n", address->to_string().c_str());
    return 0;
}
