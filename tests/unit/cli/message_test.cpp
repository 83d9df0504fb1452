#include "cli/transfer/message.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <stt/value.hpp>
#include <vector>

using namespace stt::cli;
using stt::Bytes;

namespace {

Bytes body_of(const std::vector<std::uint8_t>& record) {
    return Bytes(record).subspan(record_header_size);
}

Offer sample_offer(EntryKind kind) {
    Offer offer{
        .item = 7, .kind = kind, .path = "d/ü", .mode = 0755, .modified = {-5, 999'999'999}};
    if (kind == EntryKind::file) offer.size = std::uint64_t{1} << 62;
    if (kind == EntryKind::link) offer.target = "../x";
    return offer;
}

}  // namespace

TEST_CASE("transfer §3.2: an OFFER of every kind comes back as it was") {
    for (const EntryKind kind :
         {EntryKind::file, EntryKind::folder, EntryKind::link, EntryKind::leave}) {
        std::vector<std::uint8_t> record;
        append_offer(record, sample_offer(kind));
        CHECK(record[0] == static_cast<std::uint8_t>(Kind::offer));
        const auto parsed = parse_offer(body_of(record));
        REQUIRE(parsed);
        CHECK(*parsed == sample_offer(kind));
    }
}

TEST_CASE("transfer §3.0: every other message comes back as it was") {
    for (unsigned number = 0; number < 32; ++number) {
        const Kind kind = static_cast<Kind>(number);
        const bool unknown = !parse_notice(kind, {}) &&
                             parse_notice(kind, {}).error() == "a message of an unknown kind";
        if (unknown) continue;
        CAPTURE(number);
        Notice notice{.kind = kind};
        const auto is = [kind](std::initializer_list<Kind> kinds) {
            return std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
        };
        if (!is({Kind::start, Kind::hole, Kind::total, Kind::finish, Kind::failed}))
            notice.item = 9;
        if (is({Kind::start, Kind::begin, Kind::hole, Kind::total, Kind::send, Kind::done,
                Kind::finish})) {
            notice.number = std::numeric_limits<std::uint64_t>::max();
        }
        if (is({Kind::total})) notice.count = 3;
        if (is({Kind::end, Kind::digest})) notice.digest.fill(0xab);
        if (is({Kind::abandon, Kind::refused, Kind::failed})) notice.text = "because: ü";
        std::vector<std::uint8_t> record;
        append_notice(record, notice);
        const auto parsed = parse_notice(kind, body_of(record));
        REQUIRE(parsed);
        CHECK(*parsed == notice);
        // Every truncation fails.
        for (std::size_t size = 0; size < body_of(record).size(); ++size) {
            CHECK_FALSE(parse_notice(kind, body_of(record).first(size)));
        }
    }
}

TEST_CASE("transfer §3.2: setuid, setgid and sticky bits do not come in") {
    std::vector<std::uint8_t> record;
    Offer offer = sample_offer(EntryKind::file);
    offer.mode = 07777;
    append_offer(record, offer);
    CHECK(parse_offer(body_of(record))->mode == 0777);
}

TEST_CASE("transfer §3.2: an OFFER with a field missing or out of range is refused") {
    using stt::Value;
    Value::Dict good;
    good.emplace("item", Value(1));
    good.emplace("kind", Value(0));
    good.emplace("path", Value("a"));
    good.emplace("size", Value(1));
    good.emplace("mode", Value(0644));
    good.emplace("seconds", Value(1));
    good.emplace("nanoseconds", Value(1));
    const auto parses = [](const Value::Dict& dict) {
        return parse_offer(stt::encode(Value(dict))).has_value();
    };
    CHECK(parses(good));
    for (const auto& [key, value] : good) {
        CAPTURE(key);
        Value::Dict lacking = good;
        lacking.erase(key);
        CHECK_FALSE(parses(lacking));
        Value::Dict wrong = good;
        wrong[key] = Value(true);
        CHECK_FALSE(parses(wrong));
        if (key == "seconds" || key == "path") continue;
        Value::Dict negative = good;
        negative[key] = Value(-1);
        CHECK_FALSE(parses(negative));
    }
    Value::Dict large = good;
    large["size"] = Value(std::uint64_t{1} << 63);
    CHECK_FALSE(parses(large));
    large["size"] = Value((std::uint64_t{1} << 63) - 1);
    CHECK(parses(large));
    good["nanoseconds"] = Value(1'000'000'000);
    CHECK_FALSE(parses(good));
    CHECK_FALSE(parse_offer(stt::encode(Value("text"))));
}

TEST_CASE("transfer §3.9: a reason is cut at a character, and is always text") {
    std::vector<std::uint8_t> record;
    std::string reason(511, 'a');
    reason += "üüü";
    append_notice(record, {.kind = Kind::failed, .text = reason});
    CHECK(parse_notice(Kind::failed, body_of(record))->text == std::string(511, 'a'));
    record.clear();
    append_notice(record, {.kind = Kind::failed, .text = "\xff"});
    CHECK(parse_notice(Kind::failed, body_of(record)));
}
