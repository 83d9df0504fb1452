#include "core/wire/faults.hpp"

#include <doctest/doctest.h>

#include <set>

namespace stt::wire {

TEST_CASE("protocol §4.5 (b): every cause of a drop has a name of its own") {
    std::set<std::string_view> names;
    for (std::size_t i = 0; i < drop_reason_count; ++i) {
        const std::string_view name = name_of(static_cast<DropReason>(i));
        CHECK(name != "unknown");
        names.insert(name);
    }
    CHECK(names.size() == drop_reason_count);
}

TEST_CASE("protocol §8.1 (d): plaintext that does not decode is error 1") {
    const Violation violation(DecodeError::truncated);
    CHECK(violation.code == ErrorCode::protocol);
    CHECK(!violation.text.empty());
}

}  // namespace stt::wire
