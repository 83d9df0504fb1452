#include "codec/dict_view.hpp"

#include <doctest/doctest.h>

#include <array>
#include <stt/value.hpp>

#include "tests/unit/codec/seeded.hpp"

namespace stt::codec {
namespace {

constexpr std::array<std::string_view, 7> keys{"bytes",  "dict",   "large", "list",
                                               "number", "string", "true"};

std::vector<std::uint8_t> sample() {
    Value::Dict inner;
    inner.emplace("number", Value(99));
    Value::List list;
    list.push_back(Value("a"));
    list.push_back(Value(Value::List{Value(1), Value(2)}));
    list.push_back(Value(-3));
    Value::Dict dict;
    dict.emplace("another", Value(0));
    dict.emplace("bytes", Value(std::vector<std::uint8_t>{1, 2, 3}));
    dict.emplace("dict", Value(std::move(inner)));
    dict.emplace("large", Value(~std::uint64_t{0}));
    dict.emplace("list", Value(std::move(list)));
    dict.emplace("number", Value(-7));
    dict.emplace("string", Value("text"));
    dict.emplace("true", Value(true));
    return encode(Value(std::move(dict)));
}

}  // namespace

TEST_CASE("protocol §2: a view finds what the outermost DICT holds, of each type") {
    const auto encoded = sample();
    const auto view = DictView::parse_strict(encoded, keys);
    REQUIRE(view);
    CHECK(*view->find_as<std::int64_t>("number") == -7);
    CHECK(*view->find_as<std::uint64_t>("large") == ~std::uint64_t{0});
    CHECK(*view->find_as<std::string_view>("string") == "text");
    CHECK(view->find_as<Bytes>("bytes")->size() == 3);
    CHECK(view->find("dict") != nullptr);
    CHECK(view->find("true") != nullptr);
    CHECK(view->find_as<std::int64_t>("string") == nullptr);
    CHECK(view->find("another") == nullptr);  // nobody asked for it

    auto list = *view->find_as<DictView::List>("list");
    CHECK(std::get<std::string_view>(*DictView::take(list)) == "a");
    CHECK(std::holds_alternative<DictView::List>(*DictView::take(list)));
    CHECK(std::get<std::int64_t>(*DictView::take(list)) == -3);
    CHECK_FALSE(DictView::take(list));
}

TEST_CASE("protocol §2: what is no DICT has no view") {
    const auto encoded = encode(Value(Value::List{Value(1)}));
    CHECK(DictView::parse_strict(encoded, keys).error() == DecodeError::unknown_tag);
    CHECK_FALSE(DictView::parse_strict({}, keys));
}

TEST_CASE("protocol §2: a view takes exactly the DICTs that the strict decoder takes") {
    test::Seeded random(1);
    const auto whole = sample();
    int taken = 0;
    for (int step = 0; step < 100'000; ++step) {
        auto changed = whole;
        changed.resize(1 + random.below(changed.size()));
        if (random.coin()) changed = whole;
        for (std::uint64_t i = random.below(3); i > 0; --i) {
            changed[random.below(changed.size())] = static_cast<std::uint8_t>(random.number());
        }
        const auto value = decode_strict(changed);
        const bool is_dict = value && value->dict() != nullptr;
        const auto view = DictView::parse_strict(changed, keys);
        REQUIRE(view.has_value() == is_dict);
        if (!is_dict) continue;
        ++taken;
        for (const std::string_view key : keys) {
            const Value* const expected = value->find(key);
            REQUIRE((view->find(key) != nullptr) == (expected != nullptr));
            const auto* const number = view->find_as<std::int64_t>(key);
            const bool has_number = expected != nullptr && expected->integer() != nullptr;
            REQUIRE((number != nullptr) == has_number);
            if (has_number) CHECK(*number == *expected->integer());
        }
    }
    CHECK(taken > 10'000);
}

}  // namespace stt::codec
