// A sender that holds the seed and attacks the receiver: hostile_sender SEED PORT ATTACK.
// Prints what the receiver made of it. test_hostile.py looks at the files.
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <map>
#include <string>
#include <stt/node.hpp>
#include <stt/value.hpp>
#include <vector>

#include "cli/session_link.hpp"
#include "cli/transfer/message.hpp"
#include "cli/transfer/record_reader.hpp"

namespace {

using stt::Bytes;
using stt::Value;
using namespace stt::cli;

class Attacker {
public:
    explicit Attacker(SessionLink& link) : link_(link) { start(); }

    void start() { append_notice(stream_, {.kind = Kind::start, .number = transfer_version}); }
    // Built by hand: what ours would refuse to write goes out all the same.
    void offer(std::string_view path, int kind, std::string_view target = "x",
               std::uint64_t size = 1) {
        Value::Dict dict;
        dict.emplace("item", Value(static_cast<std::uint64_t>(offered_++)));
        dict.emplace("kind", Value(kind));
        dict.emplace("path", Value(path));
        dict.emplace("target", Value(target));
        dict.emplace("size", Value(size));
        dict.emplace("mode", Value(07777));
        dict.emplace("seconds", Value(1));
        dict.emplace("nanoseconds", Value(1));
        record(Kind::offer, stt::encode(Value(std::move(dict))));
    }
    void notice(const Notice& notice) { append_notice(stream_, notice); }
    void record(Kind kind, Bytes body) {
        header(kind, body.size());
        stream_.insert(stream_.end(), body.begin(), body.end());
    }
    void header(Kind kind, std::size_t size) {
        const auto bytes = record_header(kind, size);
        stream_.insert(stream_.end(), bytes.begin(), bytes.end());
    }
    void raw(std::size_t size) {
        for (std::size_t i = 0; i < size; ++i) stream_.push_back(static_cast<std::uint8_t>(i * 37));
    }
    void end_stream() { ends_ = true; }
    std::size_t offered() const { return offered_; }

    // Sends what was collected, and reads until every offer is answered, or the end.
    asio::awaitable<void> run() {
        const std::error_code error = co_await link_.write_all(stream_);
        if (ends_) link_.finish();
        std::vector<std::uint8_t> buffer(65'536);
        RecordReader reader;
        std::size_t answers = 0;
        while (!error && (answers < offered_ || ends_ || offered_ == 0)) {
            const auto count = co_await link_.read_some(buffer);
            if (!count) co_return;
            Bytes input = Bytes(buffer).first(*count);
            while (const auto piece = reader.next(input)) {
                if (piece->kind == Kind::failed) {
                    failed_ = true;
                    co_return;
                }
                if (piece->kind != Kind::start) ++answers;
                if (piece->kind == Kind::refused) ++refused_;
            }
        }
    }

    void print() const {
        if (failed_) {
            std::cout << "ended by the receiver\n";
        } else {
            std::cout << "refused " << refused_ << " of " << offered_ << "\n";
        }
    }

private:
    SessionLink& link_;
    std::vector<std::uint8_t> stream_;
    std::size_t offered_ = 0;
    std::size_t refused_ = 0;
    bool ends_ = false;
    bool failed_ = false;
};

void attack_names(Attacker& attacker) {
    const std::vector<std::string> names{"../outside/victim",
                                         "/tmp/stt-attack",
                                         "a/../../outside/new",
                                         "..",
                                         ".",
                                         "",
                                         "a//b",
                                         "seed/",
                                         "\x1b[31mred",
                                         "line\nbreak",
                                         std::string("null\0byte", 9),
                                         ".x.0123456789abcdef.stt-part",
                                         std::string(256, 'n'),
                                         std::string(5000, 'p')};
    for (const std::string& name : names) {
        for (int kind = 0; kind < 4; ++kind) attacker.offer(name, kind);
    }
}

void attack_links(Attacker& attacker) {
    attacker.offer("planted/new", 0);  // through a link that the user has there
    attacker.offer("planted/folder", 1);
    attacker.offer("planted", 1);
    attacker.offer("planted", 3);
    attacker.offer("d", 1);  // taken
    attacker.offer("d/up", 2, "../..");
    attacker.offer("d/absolute", 2, "/etc");
    attacker.offer("d/odd", 2, "a/../../..");
    attacker.offer("d/inside", 2, "nothing");  // taken
    attacker.offer("d/inside/file", 0);
}

void begin_file(Attacker& attacker, std::uint64_t size) {
    attacker.offer("file", 0, "", size);
    attacker.notice({.kind = Kind::begin, .item = 0});
}

const std::map<std::string, std::function<void(Attacker&)>> attacks{
    {"names", attack_names},
    {"links", attack_links},
    {"garbage", [](Attacker& attacker) { attacker.raw(100'000); }},
    {"large-record", [](Attacker& attacker) { attacker.header(Kind::offer, 0xffffffff); }},
    {"too-many-offers",
     [](Attacker& attacker) {
         for (int i = 0; i < 2000; ++i) attacker.offer("many" + std::to_string(i), 0);
     }},
    {"more-content",
     [](Attacker& attacker) {
         begin_file(attacker, 1);
         attacker.header(Kind::data, 1000);
         attacker.raw(1000);
         attacker.end_stream();
     }},
    {"large-hole",
     [](Attacker& attacker) {
         begin_file(attacker, std::uint64_t{1} << 62);
         attacker.notice({.kind = Kind::hole, .number = std::uint64_t{1} << 61});
         attacker.end_stream();
     }},
    {"early-end",
     [](Attacker& attacker) {
         begin_file(attacker, 10);
         attacker.end_stream();
     }},
    {"declared-size",
     [](Attacker& attacker) {
         for (int i = 0; i < 1000; ++i) {
             attacker.offer("huge" + std::to_string(i), 0, "", (std::uint64_t{1} << 63) - 1);
         }
     }},
};

asio::awaitable<void> run(asio::io_context& context, std::string seed_text, std::uint16_t port,
                          std::string attack, int& exit_code) {
    const auto seed = stt::seed_from_hex(seed_text);
    if (!seed) co_return;
    stt::Node node(context, *seed);
    std::vector<stt::Address> addresses{stt::Address::ipv4({127, 0, 0, 1}, port)};
    auto session = co_await node.connect(std::move(addresses));
    if (!session) co_return;
    auto stream = co_await session->open_stream(std::string(transfer_endpoint));
    if (!stream) co_return;
    SessionLink link(*session, *std::move(stream), true);
    Attacker attacker(link);
    attacks.at(attack)(attacker);
    co_await attacker.run();
    attacker.print();
    session->close();
    co_await node.close();
    exit_code = EXIT_SUCCESS;
}

}  // namespace

int main(int argument_count, char** arguments) {
    if (argument_count != 4 || !attacks.contains(arguments[3])) {
        std::cerr << "usage: hostile_sender SEED PORT ATTACK\n";
        return EXIT_FAILURE;
    }
    std::ifstream file(arguments[1]);
    const std::string seed{std::istreambuf_iterator<char>(file), {}};
    asio::io_context context(1);
    int exit_code = EXIT_FAILURE;
    const auto port = static_cast<std::uint16_t>(std::stoi(arguments[2]));
    asio::co_spawn(context, run(context, seed, port, arguments[3], exit_code),
                   [](const std::exception_ptr& error) {
                       if (error) std::rethrow_exception(error);
                   });
    context.run();
    return exit_code;
}
