// A receiver against senders that do what ours would not.
#include <doctest/doctest.h>

#include <filesystem>
#include <functional>
#include <random>

#include "engine_pair.hpp"

using namespace stt::cli;
namespace fs = std::filesystem;

namespace {

struct Victim {
    Victim() { say({.kind = Kind::start, .number = transfer_version}); }

    void say(const Notice& notice) {
        std::vector<std::uint8_t> record;
        append_notice(record, notice);
        receiver.consume(record);
    }
    void offer(const std::string& path, EntryKind kind = EntryKind::file, std::uint64_t size = 1) {
        Offer offer{.item = next++, .kind = kind, .path = path, .size = size, .mode = 0644};
        if (kind == EntryKind::link) offer.target = target;
        std::vector<std::uint8_t> record;
        append_offer(record, offer);
        receiver.consume(record);
    }
    void content(const std::string& text) {
        std::vector<std::uint8_t> record;
        const auto header = record_header(Kind::data, text.size());
        record.assign(header.begin(), header.end());
        record.insert(record.end(), text.begin(), text.end());
        receiver.consume(record);
    }
    void end(std::uint64_t item, const std::string& text) {
        stt::ContentDigest digest;
        digest.update(stt::bytes_of(text));
        say({.kind = Kind::end, .item = item, .digest = digest.finish()});
    }
    std::size_t answers(Kind kind) {
        const std::vector<std::uint8_t> output = receiver.take_output();
        stt::Bytes rest = output;
        RecordReader reader;
        std::size_t count = 0;
        while (const auto piece = reader.next(rest)) count += piece->kind == kind;
        return count;
    }
    bool failed() const { return receiver.state() == ReceiveEngine::State::failed; }

    TemporaryFolder folder;
    PartRegistry parts;
    Counters counters;
    std::string target = "x";
    std::uint64_t next = 0;
    ReceiveEngine receiver{folder.open(), parts, false, [](const std::string&) {}, counters};
};

}  // namespace

TEST_CASE("transfer §4.1: hostile names are refused one by one, and nothing is made") {
    const std::vector<std::string> names{"..",
                                         "../x",
                                         "/x",
                                         "a/../../x",
                                         "",
                                         "a//b",
                                         ".",
                                         "a\nb",
                                         "\x1b[2J",
                                         ".x.0.stt-part",
                                         std::string(256, 'a'),
                                         std::string(4096, 'a'),
                                         std::string("a\0b", 3)};
    for (const EntryKind kind :
         {EntryKind::file, EntryKind::folder, EntryKind::link, EntryKind::leave}) {
        Victim victim;
        for (const std::string& name : names) victim.offer(name, kind);
        CHECK(victim.answers(Kind::refused) == names.size());
        CHECK_FALSE(victim.failed());
        CHECK(victim.folder.count() == 0);
    }
}

TEST_CASE("transfer §4.3: a link cannot be made to leave, and no file goes through one") {
    Victim victim;
    victim.offer("d", EntryKind::folder);
    for (const char* target : {"/etc", "..", "../x", "a/../../x", ""}) {
        victim.target = target;
        victim.offer("d/l", EntryKind::link);
    }
    CHECK(victim.answers(Kind::refused) == 5);
    victim.target = "sub";
    victim.offer("d/l", EntryKind::link);
    victim.offer("d/sub", EntryKind::folder);
    victim.offer("d/l/file");
    victim.offer("d/l/folder", EntryKind::folder);
    victim.offer("d/l", EntryKind::folder);
    CHECK(victim.answers(Kind::refused) == 3);
    CHECK(victim.folder.count() == 3);
}

TEST_CASE("transfer §5.1: one path offered twice never gives two contents") {
    Victim victim;
    victim.offer("a");
    victim.offer("a");
    victim.say({.kind = Kind::begin, .item = 0});
    victim.content("1");
    victim.end(0, "1");
    victim.receiver.settle();
    victim.say({.kind = Kind::begin, .item = 1});
    victim.content("2");
    victim.end(1, "2");
    victim.receiver.settle();
    CHECK_FALSE(victim.failed());
    CHECK(victim.folder.read("a") == "1");
    // A folder where the file is, and a file where a folder is.
    victim.offer("a", EntryKind::folder);
    victim.offer("a/b");
    victim.offer("d", EntryKind::folder);
    victim.offer("d");
    victim.receiver.settle();
    CHECK(victim.answers(Kind::refused) == 4);
}

TEST_CASE(
    "transfer §2.3, §3.1, §3.4, §5.2, §5.3, §5.4, §5.10, §5.11: what is out of place ends "
    "the transfer") {
    using Act = std::function<void(Victim&)>;
    const std::vector<Act> acts{
        [](Victim& v) { v.say({.kind = Kind::start, .number = 1}); },
        [](Victim& v) { v.content("x"); },
        [](Victim& v) { v.say({.kind = Kind::hole, .number = 1}); },
        [](Victim& v) { v.say({.kind = Kind::begin, .item = 0}); },
        [](Victim& v) { v.say({.kind = Kind::done, .item = 0}); },
        [](Victim& v) { v.offer("a"), v.say({.kind = Kind::begin, .item = 0, .number = 1}); },
        [](Victim& v) { v.offer("a"), v.say({.kind = Kind::send, .item = 0}); },
        [](Victim& v) { v.offer("a"), v.say({.kind = Kind::finish}); },
        [](Victim& v) { v.offer("a"), v.say({.kind = Kind::digest, .item = 0}); },
        [](Victim& v) { v.offer("a"), v.end(0, ""); },
        [](Victim& v) { v.next = 5, v.offer("a"); },
        [](Victim& v) { v.say({.kind = Kind::finish}), v.offer("a"); },
        [](Victim& v) { v.receiver.end(); },
        [](Victim& v) { v.receiver.consume(record_header(static_cast<Kind>(77), 0)); },
        [](Victim& v) { v.receiver.consume(record_header(Kind::offer, 1u << 20)); },
        [](Victim& v) {
            for (std::size_t i = 0; i <= outstanding_max; ++i) v.offer(std::to_string(i));
        },
        [](Victim& v) {
            v.offer("a");
            v.say({.kind = Kind::begin, .item = 0});
            v.content("too long");
        },
        [](Victim& v) {
            v.offer("a");
            v.say({.kind = Kind::begin, .item = 0});
            v.say({.kind = Kind::hole, .number = hole_size_max});
        },
        [](Victim& v) {
            v.offer("a", EntryKind::file, ~std::uint64_t{0} >> 1);
            v.say({.kind = Kind::begin, .item = 0});
            v.say({.kind = Kind::hole, .number = hole_size_max + 1});
        },
        [](Victim& v) {
            v.offer("a");
            v.say({.kind = Kind::begin, .item = 0});
            v.end(0, "");
        },
    };
    for (std::size_t i = 0; i < acts.size(); ++i) {
        CAPTURE(i);
        Victim victim;
        acts[i](victim);
        CHECK(victim.failed());
        CHECK(victim.answers(Kind::failed) == 1);
        // Whatever comes after that is ignored.
        victim.content("x");
        victim.receiver.settle();
        CHECK_FALSE(victim.folder.has("a"));
    }
}

TEST_CASE("transfer §5.6: content that never fits its digest is given up the second time") {
    Victim victim;
    victim.offer("a", EntryKind::file, 1);
    for (int i = 0; i < 2; ++i) {
        victim.say({.kind = Kind::begin, .item = 0});
        victim.content("x");
        victim.end(0, "y");
    }
    victim.receiver.settle();
    CHECK(victim.answers(Kind::send) == 2);
    CHECK_FALSE(victim.failed());
    CHECK(victim.folder.count() == 0);
}

TEST_CASE("transfer §3.7: TOTAL may come at any time, any number of times, and decides nothing") {
    Victim victim;
    victim.say({.kind = Kind::total, .number = 9, .count = 9});
    victim.offer("a");
    victim.say({.kind = Kind::begin, .item = 0});
    victim.say({.kind = Kind::total, .number = 0, .count = 0});
    victim.content("x");
    victim.end(0, "x");
    victim.receiver.settle();
    victim.say({.kind = Kind::total, .number = ~std::uint64_t{0}, .count = 1});
    CHECK_FALSE(victim.failed());
    CHECK(victim.folder.read("a") == "x");
}

TEST_CASE("transfer §5.5: messages but BEGIN about what the receiver has settled are ignored") {
    Victim victim;
    victim.offer("../x");
    CHECK(victim.answers(Kind::refused) == 1);
    victim.say({.kind = Kind::abandon, .item = 0, .text = "crossed"});
    CHECK_FALSE(victim.failed());
    victim.offer("a");
    victim.say({.kind = Kind::begin, .item = 1});
    victim.content("x");
    victim.end(1, "x");
    victim.receiver.settle();
    CHECK_FALSE(victim.failed());
    CHECK(victim.folder.read("a") == "x");
}

TEST_CASE("transfer §8.1: a declared size costs nothing, and an impossible one is refused") {
    Victim victim;
    victim.offer("a", EntryKind::file, (~std::uint64_t{0} >> 1) - 1);
    victim.say({.kind = Kind::begin, .item = 0});
    victim.say({.kind = Kind::hole, .number = hole_size_max});
    CHECK_FALSE(victim.failed());
    victim.say({.kind = Kind::abandon, .item = 0, .text = "enough"});
    CHECK(victim.folder.count() == 0);
}

TEST_CASE("random messages in random order never leave the folder and never crash") {
    const TemporaryFolder outer;
    std::mt19937 random(20);
    const std::vector<std::string> paths{"a",    "b", "a/b", "../c", "a/b/c",
                                         "b/..", "d", "d/l", "d/l/x"};
    for (int round = 0; round < 300; ++round) {
        const std::string inner = outer.at("in" + std::to_string(round));
        fs::create_directory(inner);
        PartRegistry parts;
        Counters counters;
        ReceiveEngine engine(
            UniqueFd(::open(inner.c_str(), O_RDONLY | O_DIRECTORY)), parts, round % 2 == 0,
            [](const std::string&) {}, counters);
        std::vector<std::uint8_t> stream;
        append_notice(stream, {.kind = Kind::start, .number = transfer_version});
        std::uint64_t next = 0;
        for (int i = 0; i < 60; ++i) {
            const std::uint64_t item =
                next == 0 ? 0 : next - 1 - random() % std::min<std::uint64_t>(next, 3);
            switch (random() % 8) {
                case 0:
                case 1:
                case 2:
                    append_offer(stream, {.item = next++,
                                          .kind = static_cast<EntryKind>(random() % 4),
                                          .path = paths[random() % paths.size()],
                                          .target = "b",
                                          .size = random() % 3,
                                          .mode = 0755});
                    break;
                case 3:
                case 4:
                    append_notice(stream, {.kind = Kind::begin, .item = item});
                    break;
                case 5: {
                    const auto header = record_header(Kind::data, 1);
                    stream.insert(stream.end(), header.begin(), header.end());
                    stream.push_back('x');
                    break;
                }
                case 6:
                    append_notice(stream, {.kind = Kind::abandon, .item = item});
                    break;
                default: {
                    stt::ContentDigest digest;
                    if (random() % 2 == 0) digest.update(stt::bytes_of("x"));
                    append_notice(stream, {.kind = random() % 4 == 0 ? Kind::digest : Kind::end,
                                           .item = item,
                                           .digest = digest.finish()});
                }
            }
            engine.consume(stream);
            stream.clear();
            if (random() % 3 == 0) engine.settle();
        }
        engine.end();
        const std::vector<std::uint8_t> output = engine.take_output();
        fs::remove_all(inner);
    }
    CHECK(outer.count() == 0);
}
