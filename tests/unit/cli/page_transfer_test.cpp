// The state machines of bindings/wasm, with which pages transfer files, against the command's.
#include <doctest/doctest.h>

#include <map>
#include <optional>
#include <random>

#include "bindings/wasm/transfer_receiver.hpp"
#include "bindings/wasm/transfer_sender.hpp"
#include "cli/transfer/part_name.hpp"
#include "engine_pair.hpp"

using namespace stt;
using namespace stt::cli;

namespace {

std::string random_content(std::size_t size, unsigned seed) {
    std::mt19937_64 random(seed);
    std::string content(size, '\0');
    for (char& byte : content) byte = static_cast<char>(random());
    return content;
}

// A page that sends `files` to the command.
struct PageSends {
    explicit PageSends(const TemporaryFolder& target)
        : receiver(
              target.open(), parts, false,
              [this](std::string text) { refusals.push_back(std::move(text)); }, received) {}

    void add(const std::string& path, const std::string& content) {
        contents.push_back(content);
        REQUIRE(!page.add(path, content.size(), {1'700'000'000, 5'000'000}).has_value());
    }
    // Passes at most `bytes_max`; true when both are content.
    bool run(std::size_t bytes_max = SIZE_MAX) {
        if (!std::exchange(is_started, true)) page.start({1'700'000'001, 0});
        while (true) {
            page.receive(receiver.take_output());
            switch (page.next()) {
                case wasm::TransferSender::Next::output: {
                    const Bytes output =
                        page.output().first(std::min(page.output().size(), bytes_max));
                    receiver.consume(output);
                    bytes_max -= output.size();
                    page.take_output();
                    if (bytes_max == 0) return false;
                    break;
                }
                case wasm::TransferSender::Next::content: {
                    const auto& wanted = page.wanted();
                    page.give(bytes_of(contents[wanted.source])
                                  .subspan(static_cast<std::size_t>(wanted.offset), wanted.size));
                    break;
                }
                case wasm::TransferSender::Next::wait:
                    receiver.settle();
                    break;
                case wasm::TransferSender::Next::finished:
                    receiver.end();
                    return page.end() && receiver.state() == ReceiveEngine::State::complete;
                case wasm::TransferSender::Next::failed:
                    return false;
            }
        }
    }

    std::vector<std::string> contents;
    std::vector<std::string> refusals;
    bool is_started = false;
    Counters received;
    PartRegistry parts;
    ReceiveEngine receiver;
    wasm::TransferSender page;
};

// A page that receives from the command, and keeps files in memory.
struct PageReceives {
    explicit PageReceives(const std::vector<std::string>& paths)
        : sender(
              *source_roots(paths),
              [this](SourceTree::Severity, std::string text) {
                  failures.push_back(std::move(text));
              },
              sent) {}

    bool run() {
        std::vector<std::uint8_t> buffer(64u * 1024);
        std::vector<std::uint8_t> to_sender;
        SendEngine::Next next = SendEngine::Next::produce;
        while (true) {
            step = page.next();
            switch (step) {
                case wasm::TransferReceiver::Next::wait: {
                    if (next == SendEngine::Next::finished) {
                        page.end();
                        break;
                    }
                    const SendEngine::Step produced =
                        sender.step(std::exchange(to_sender, {}), buffer);
                    next = produced.next;
                    if (next == SendEngine::Next::failed) return false;
                    page.push(Bytes(buffer).first(produced.size));
                    break;
                }
                case wasm::TransferReceiver::Next::output:
                    to_sender.insert(to_sender.end(), page.output().begin(), page.output().end());
                    page.take_output();
                    break;
                case wasm::TransferReceiver::Next::complete:
                    return true;
                case wasm::TransferReceiver::Next::failed:
                    return false;
                default:
                    take();
            }
        }
    }
    void take() {
        const wasm::TransferReceiver::Subject subject = page.subject();
        std::string& content = open[subject.item];
        switch (step) {
            case wasm::TransferReceiver::Next::offer:
                content = known[subject.path];
                page.accept(subject.item, content.size());
                break;
            case wasm::TransferReceiver::Next::begin:
                content.resize(static_cast<std::size_t>(subject.offset));
                page.known(bytes_of(content));
                break;
            case wasm::TransferReceiver::Next::content:
                content += text_of(page.piece());
                break;
            case wasm::TransferReceiver::Next::hole:
                content.append(static_cast<std::size_t>(subject.size), '\0');
                ++holes;
                break;
            case wasm::TransferReceiver::Next::commit:
                files[subject.path] = content;
                page.stored(subject.item);
                break;
            case wasm::TransferReceiver::Next::discard:
                content.clear();
                ++discards;
                break;
            default:
                FAIL("not a step of a file");
        }
    }

    std::map<std::string, std::string> known;  // parts of earlier transfers
    std::map<std::string, std::string> files;
    std::map<std::uint64_t, std::string> open;
    std::vector<std::string> failures;
    int holes = 0;
    int discards = 0;
    wasm::TransferReceiver::Next step{};
    Counters sent;
    SendEngine sender;
    wasm::TransferReceiver page;
};

}  // namespace

TEST_CASE("transfer §3, §5: what a page sends, the command receives, in folders") {
    const TemporaryFolder to;
    PageSends pair(to);
    const std::vector<std::pair<std::string, std::string>> files{
        {"b/deep/er", random_content(700'001, 1)},
        {"b.txt", ""},
        {"b/1", "x"},
        {"a", random_content(300'000, 2)},
        {"b/deep/2", "two"}};
    for (const auto& [path, content] : files) pair.add(path, content);
    REQUIRE(pair.run());
    for (const auto& [path, content] : files) {
        CAPTURE(path);
        CHECK(to.read(path) == content);
    }
    CHECK(pair.refusals.empty());
    CHECK(pair.page.totals().files_done == files.size());
    CHECK(pair.page.totals().bytes_done == pair.page.totals().bytes);
    CHECK(pair.received.files_done == files.size());
    CHECK(to.count() == files.size() + 2);
}

TEST_CASE("transfer §6.2: what a page had sent when it was interrupted is not sent again") {
    const TemporaryFolder to;
    const std::string content = random_content(5'000'000, 3);
    {
        PageSends pair(to);
        pair.add("big", content);
        CHECK(!pair.run(3'000'000));
    }
    PageSends pair(to);
    pair.add("big", content);
    REQUIRE(pair.run());
    CHECK(to.read("big") == content);
    CHECK(pair.received.bytes_content < 2'500'000);
    CHECK(pair.received.bytes_skipped > 2'500'000);
}

TEST_CASE("transfer §5.7, §6.5: the command compares what a page sends with what it has") {
    const TemporaryFolder to;
    to.write("same", "content");
    to.write("other", "CONTENT");
    PageSends pair(to);
    pair.add("same", "content");
    pair.add("other", "content");
    REQUIRE(pair.run());
    CHECK(to.read("other") == "CONTENT");
    CHECK(pair.page.totals().files_done == 1);
    CHECK(pair.page.totals().files_failed == 1);
    const auto failure = pair.page.take_failure();
    REQUIRE(failure.has_value());
    CHECK(failure->source == 1);
}

TEST_CASE("transfer §3, §5: what the command sends, a page receives: holes too, and no links") {
    const TemporaryFolder from;
    from.write("d/sub/big", random_content(3'000'000, 4));
    from.write("d/empty", "");
    from.write("d/sparse", "start");
    std::filesystem::resize_file(from.path() / "d/sparse", 10'000'000);
    std::filesystem::create_directories(from.path() / "d/none/at/all");
    std::filesystem::create_symlink("empty", from.path() / "d/link");
    PageReceives pair({from.at("d")});
    REQUIRE(pair.run());
    CHECK(pair.files.size() == 3);
    for (const char* path : {"d/sub/big", "d/empty", "d/sparse"}) {
        CAPTURE(path);
        CHECK(pair.files[path] == from.read(path));
    }
    CHECK(pair.holes > 0);
    REQUIRE(pair.failures.size() == 1);
    CHECK(pair.failures.front().find("a page does not make links") != std::string::npos);
    CHECK(pair.page.totals().files_done == 3);
}

TEST_CASE("transfer §5.6, §6.1, §6.2: a page resumes a part, and notices one that is another's") {
    const TemporaryFolder from;
    const std::string content = random_content(2'000'000, 5);
    from.write("f", content);
    for (const bool is_right : {true, false}) {
        PageReceives pair({from.at("f")});
        pair.known["f"] = is_right ? content.substr(0, 1'500'000) : random_content(1'500'000, 6);
        REQUIRE(pair.run());
        CHECK(pair.files["f"] == content);
        CHECK(pair.discards == (is_right ? 0 : 1));
        CHECK(pair.sent.bytes_content == (is_right ? 500'000u : 2'500'000u));
    }
}

TEST_CASE("transfer §6.1: a page names a part as the command does") {
    for (const std::string& name : {std::string("short"), std::string(250, 'x'),
                                    std::string(100, 'y') + "\u00fc" + std::string(140, 'z')}) {
        Offer offer;
        offer.path = "folder/" + name;
        offer.size = 12'345;
        offer.modified = {1'700'000'000, 123'000'000};
        std::vector<std::uint8_t> records;
        append_notice(records, {.kind = Kind::start, .number = transfer_version});
        append_offer(records, offer);
        wasm::TransferReceiver page;
        page.push(records);
        REQUIRE(page.next() == wasm::TransferReceiver::Next::offer);
        CHECK(page.subject().part == part_name(offer));
    }
}
