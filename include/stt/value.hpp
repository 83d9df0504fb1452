// Typed values and their bytes: the STT binary format. Spec protocol §2.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <stt/bytes.hpp>
#include <stt/decode_error.hpp>
#include <stt/result.hpp>
#include <variant>
#include <vector>

namespace stt {

// LISTs and DICTs inside one another that a decoder takes. Spec protocol §2.
inline constexpr std::size_t value_depth_max = 64;

// A value of the STT binary format. Integers are int64_t, or uint64_t above 2^63 - 1;
// floats are double, whatever width they arrived in.
class Value {
public:
    using List = std::vector<Value>;
    // Ordered by the keys' UTF-8 bytes, as the canonical encoding is.
    using Dict = std::map<std::string, Value, std::less<>>;

    Value() noexcept;  // NULL
    // Defined in the library: written out at each use they are large, and GCC 12 takes their
    // untaken branches for reads of what was never written.
    ~Value();
    Value(const Value& other);
    Value& operator=(const Value& other);
    Value(Value&& other) noexcept;
    Value& operator=(Value&& other) noexcept;

    explicit Value(bool value) noexcept : content_(value) {}
    explicit Value(std::int64_t value) noexcept : content_(value) {}
    explicit Value(std::uint64_t value) noexcept;
    explicit Value(int value) noexcept : content_(std::int64_t{value}) {}
    explicit Value(double value) noexcept : content_(value) {}
    explicit Value(std::vector<std::uint8_t> value) : content_(std::move(value)) {}
    explicit Value(Bytes value) : content_(std::vector<std::uint8_t>(value.begin(), value.end())) {}
    // The text must be valid UTF-8: encode() breaks an STT_CHECK otherwise.
    explicit Value(std::string value) : content_(std::move(value)) {}
    explicit Value(std::string_view value) : content_(std::string(value)) {}
    explicit Value(const char* value) : content_(std::string(value)) {}
    explicit Value(List value) : content_(std::move(value)) {}
    explicit Value(Dict value) : content_(std::move(value)) {}

    bool is_null() const noexcept { return std::holds_alternative<std::monostate>(content_); }

    // Null when the value is of another type; the pointer lives as long as the value.
    const bool* boolean() const noexcept { return std::get_if<bool>(&content_); }
    const std::int64_t* integer() const noexcept { return std::get_if<std::int64_t>(&content_); }
    const std::uint64_t* large_integer() const noexcept {
        return std::get_if<std::uint64_t>(&content_);
    }
    const double* floating() const noexcept { return std::get_if<double>(&content_); }
    const std::vector<std::uint8_t>* bytes() const noexcept {
        return std::get_if<std::vector<std::uint8_t>>(&content_);
    }
    const std::string* string() const noexcept { return std::get_if<std::string>(&content_); }
    const List* list() const noexcept { return std::get_if<List>(&content_); }
    const Dict* dict() const noexcept { return std::get_if<Dict>(&content_); }

    // The value under `key` when this is a DICT that has it, else null.
    const Value* find(std::string_view key) const noexcept;

    friend bool operator==(const Value&, const Value&) = default;

private:
    std::variant<std::monostate, bool, std::int64_t, std::uint64_t, double,
                 std::vector<std::uint8_t>, std::string, List, Dict>
        content_;
};

// The canonical encoding: the same value always gives the same bytes.
// Values nested deeper than value_depth_max, or over 2^32 - 1 bytes or items, break an STT_CHECK.
std::vector<std::uint8_t> encode(const Value& value);

// Takes every tag, whatever its width. Allocates no more than a fixed multiple of `input`.
Result<Value, DecodeError> decode(Bytes input);
// Also refuses what encode() would not have written.
Result<Value, DecodeError> decode_strict(Bytes input);

// RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
bool is_valid_utf8(Bytes text) noexcept;

}  // namespace stt
