#include "core/trace/json_record.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "testing/seeded_random.hpp"

namespace stt::trace {
namespace {

using nlohmann::json;

template <class Write>
json written(Write write) {
    JsonRecord record;
    record.begin();
    write(record);
    const std::string_view text = record.end();
    REQUIRE(text.size() <= json_record_size_max);
    return json::parse(text);
}

TEST_CASE("JsonRecord: members, lists and objects nest and are separated by commas") {
    const json value = written([](JsonRecord& record) {
        record.text("name", "one");
        record.number("count", 7);
        record.object("inner", [&] {
            record.boolean("yes", true);
            record.list("empty", [] {});
            record.list("pairs", [&] {
                for (std::uint64_t i = 0; i < 3; ++i) {
                    record.list({}, [&] {
                        record.number({}, i);
                        record.number({}, i + 1);
                    });
                }
            });
        });
        record.list("items", [&] {
            for (std::uint64_t i = 0; i < 2; ++i) {
                CHECK(record.item([&] { record.number("i", i); }));
            }
        });
        record.boolean("last", false);
    });
    CHECK(value == json::parse(R"({"name":"one","count":7,"inner":{"yes":true,"empty":[],
        "pairs":[[0,1],[1,2],[2,3]]},"items":[{"i":0},{"i":1}],"last":false})"));
}

TEST_CASE("JsonRecord: any bytes of a text give valid JSON, with what is no UTF-8 replaced") {
    testing::SeededRandom random(1);
    for (int round = 0; round < 2'000; ++round) {
        std::string text(random.below(40), '\0');
        for (char& one : text) one = static_cast<char>(random.next());
        const json value = written([&](JsonRecord& record) { record.text("text", text); });
        CHECK(value.at("text").is_string());
    }
    const auto round_trip = [](std::string_view text) {
        return written([&](JsonRecord& record) { record.text("t", text); }).at("t");
    };
    const std::string all = std::string("\0\x01\x1e\n\"\\/\x7f", 8) + "aä€😀";
    CHECK(round_trip(all) == all);
    const std::string replacement = "\xef\xbf\xbd";
    CHECK(round_trip("\xc3") == replacement);
    CHECK(round_trip("\xc0\x80") == replacement + replacement);
    CHECK(round_trip("\xed\xa0\x80") == replacement + replacement + replacement);
    CHECK(round_trip("\xf4\x90\x80\x80x").get<std::string>().back() == 'x');
}

TEST_CASE("JsonRecord: numbers that a double would round are texts") {
    const auto number = [](std::uint64_t value) {
        return written([&](JsonRecord& record) { record.number("n", value); }).at("n");
    };
    CHECK(number(0) == 0);
    CHECK(number((std::uint64_t{1} << 53) - 1) == 9'007'199'254'740'991);
    CHECK(number(std::uint64_t{1} << 53) == "9007199254740992");
    CHECK(number(~std::uint64_t{0}) == "18446744073709551615");
}

TEST_CASE("JsonRecord: milliseconds have three decimals, also of negative and extreme times") {
    const auto text = [](Duration value) {
        JsonRecord record;
        record.begin();
        record.milliseconds("t", value);
        return std::string(record.end());
    };
    CHECK(text(Duration(0)) == R"({"t":0.000})");
    CHECK(text(Duration(1)) == R"({"t":0.001})");
    CHECK(text(Duration(1'234'567)) == R"({"t":1234.567})");
    CHECK(text(Duration(-1'050)) == R"({"t":-1.050})");
    CHECK(text(Duration::min()) == R"({"t":-9223372036854775.808})");
}

TEST_CASE("JsonRecord: what has no room is left out whole, and the record says that it is cut") {
    for (std::size_t size = 1; size < 400; size += 7) {
        const std::string text(size, 'x');
        std::size_t count = 0;
        const json value = written([&](JsonRecord& record) {
            record.number("before", 1);
            record.object("data", [&] {
                record.list("items", [&] {
                    while (record.item([&] {
                        record.text("text", text);
                        record.list("more", [&] { record.text({}, text); });
                    })) {
                        ++count;
                    }
                });
            });
        });
        CHECK(value.at("cut") == true);
        CHECK(value.at("before") == 1);
        REQUIRE(value.at("data").at("items").size() == count);
        for (const json& item : value.at("data").at("items")) {
            CHECK(item.at("text") == text);
            CHECK(item.at("more").size() == 1);
        }
    }
    const json value = written([&](JsonRecord& record) {
        record.text("huge", std::string(json_record_size_max, 'x'));
        record.number("after", 2);
    });
    CHECK(value == json::parse(R"({"after":2,"cut":true})"));
}

}  // namespace
}  // namespace stt::trace
