#include "codec/dict_encoder.hpp"

#include <doctest/doctest.h>

#include <stt/value.hpp>

#include "tests/unit/codec/seeded.hpp"

namespace stt::codec {

using test::ByteVector;

TEST_CASE("protocol §2.2: DictEncoder writes what encode() writes") {
    ContextDict dict;
    dict.bytes("a", ByteVector{1, 2})
        .integer("b", -129)
        .string("c", "text")
        .unsigned_integer("d", ~std::uint64_t{0});
    const Value value(Value::Dict{{"a", Value(ByteVector{1, 2})},
                                  {"b", Value(-129)},
                                  {"c", Value("text")},
                                  {"d", Value(~std::uint64_t{0})}});
    const ByteVector expected = encode(value);
    CHECK(ByteVector(dict.encoded().begin(), dict.encoded().end()) == expected);
}

TEST_CASE("protocol §2.2: an encoded value goes into a DICT as it stands") {
    ByteVector storage(64);
    DictEncoder dict(storage);
    const ByteVector inner = encode(Value(Value::List{Value("x")}));
    dict.encoded_value("list", inner);
    const auto decoded = decode_strict(dict.encoded());
    REQUIRE(decoded);
    CHECK(*decoded == Value(Value::Dict{{"list", Value(Value::List{Value("x")})}}));
    const ContextDict empty;
    CHECK(*decode_strict(empty.encoded()) == Value(Value::Dict{}));
}

}  // namespace stt::codec
