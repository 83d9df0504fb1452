#pragma once

#include <limits>
#include <stt/value.hpp>

#include "tests/unit/codec/seeded.hpp"

namespace stt::test {

// A list in a list in a list …, `depth` of them.
inline Value nested_lists(std::size_t depth) {
    Value value(Value::List{});
    for (std::size_t i = 1; i < depth; ++i) {
        Value::List around;
        around.push_back(std::move(value));
        value = Value(std::move(around));
    }
    return value;
}

inline std::string random_text(Seeded& seeded) {
    static const char* const letters[] = {"a", "B", "_", "é", "中", "😀", "\x01", " "};
    std::string text;
    for (std::uint64_t i = seeded.below(6); i > 0; --i) text += letters[seeded.below(8)];
    return text;
}

inline Value random_value(Seeded& seeded, std::size_t depth) {
    switch (seeded.below(depth == 0 ? 7 : 9)) {
        case 0:
            return Value();
        case 1:
            return Value(seeded.coin());
        case 2:
            return Value(static_cast<std::int64_t>(seeded.number_of_any_width()));
        case 3:
            return Value(-static_cast<std::int64_t>(seeded.number_of_any_width() >> 1));
        case 4:
            return Value(static_cast<double>(seeded.number()) / 3.0);
        case 5:
            return Value(seeded.bytes(seeded.below(20)));
        case 6:
            return Value(random_text(seeded));
        case 7: {
            Value::List items;
            for (std::uint64_t i = seeded.below(5); i > 0; --i) {
                items.push_back(random_value(seeded, depth - 1));
            }
            return Value(std::move(items));
        }
        default: {
            Value::Dict entries;
            for (std::uint64_t i = seeded.below(5); i > 0; --i) {
                entries.emplace(random_text(seeded), random_value(seeded, depth - 1));
            }
            return Value(std::move(entries));
        }
    }
}

}  // namespace stt::test
