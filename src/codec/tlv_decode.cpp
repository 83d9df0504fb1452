// Bytes to values. Spec protocol §2, Decoding.
#include <cmath>
#include <limits>
#include <stt/value.hpp>
#include <utility>

#include "base/byte_order.hpp"
#include "codec/reader.hpp"
#include "codec/tlv_primitives.hpp"

namespace stt {
namespace {

using codec::Reader;
using codec::Tag;

// The least that an item of a LIST takes: a tag. Of a DICT: tag and length of an empty key, and
// the tag of a value. A count that the rest cannot hold is refused before anything is allocated.
constexpr std::size_t list_item_size_min = 1;
constexpr std::size_t dict_entry_size_min = codec::counted_prefix_size + 1;

enum class Strictness { lenient, strict };

class Decoder {
public:
    Decoder(Bytes input, Strictness strictness) noexcept
        : reader_(input), is_strict_(strictness == Strictness::strict) {}

    Result<Value, DecodeError> whole() {
        Result<Value, DecodeError> value = next(0);
        if (value && !reader_.is_at_end()) return Unexpected(DecodeError::trailing_bytes);
        return value;
    }

private:
    Result<Value, DecodeError> next(std::size_t depth) {
        STT_TRY(const std::uint8_t tag, reader_.u8());
        switch (static_cast<Tag>(tag)) {
            case Tag::null:
                return Value();
            case Tag::boolean_false:
                return Value(false);
            case Tag::boolean_true:
                return Value(true);
            case Tag::int8:
                return signed_integer<std::int8_t>(reader_.u8());
            case Tag::int16:
                return signed_integer<std::int16_t>(reader_.u16());
            case Tag::int32:
                return signed_integer<std::int32_t>(reader_.u32());
            case Tag::int64:
                return signed_integer<std::int64_t>(reader_.u64());
            case Tag::uint8:
                return unsigned_integer(reader_.u8());
            case Tag::uint16:
                return unsigned_integer(reader_.u16());
            case Tag::uint32:
                return unsigned_integer(reader_.u32());
            case Tag::uint64:
                return unsigned_integer(reader_.u64());
            case Tag::float32:
                return float32();
            case Tag::float64:
                return float64();
            case Tag::bytes:
                return bytes();
            case Tag::string:
                return string_value();
            case Tag::list:
                return list(depth);
            case Tag::dict:
                return dict(depth);
        }
        return Unexpected(DecodeError::unknown_tag);
    }

    template <class Signed, class Unsigned>
    Result<Value, DecodeError> signed_integer(Result<Unsigned, DecodeError> body) {
        if (!body) return Unexpected(body.error());
        const std::int64_t value = static_cast<Signed>(*body);
        const bool is_smallest = codec::integer_size(value) == 1 + sizeof(Signed);
        if (is_strict_ && !is_smallest) return Unexpected(DecodeError::not_canonical);
        return Value(value);
    }

    template <class Unsigned>
    Result<Value, DecodeError> unsigned_integer(Result<Unsigned, DecodeError> body) {
        if (!body) return Unexpected(body.error());
        const std::uint64_t value = *body;
        // UINT64 above 2^63 - 1 is the one canonical use of an unsigned type.
        if (is_strict_ &&
            value <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
            return Unexpected(DecodeError::not_canonical);
        }
        return Value(value);
    }

    Result<Value, DecodeError> float32() {
        STT_TRY(const std::uint32_t bits, reader_.u32());
        if (is_strict_) return Unexpected(DecodeError::not_canonical);
        return Value(static_cast<double>(bits_as<float>(bits)));
    }

    Result<Value, DecodeError> float64() {
        STT_TRY(const std::uint64_t bits, reader_.u64());
        const auto value = bits_as<double>(bits);
        if (is_strict_ && std::isnan(value) && bits != codec::canonical_nan_bits) {
            return Unexpected(DecodeError::not_canonical);
        }
        return Value(value);
    }

    // A count, compared before it is used: it is a claim of the sender.
    Result<std::uint32_t, DecodeError> count(std::size_t item_size_min) {
        STT_TRY(const std::uint32_t declared, reader_.u32());
        if (declared > reader_.remaining().size() / item_size_min) {
            return Unexpected(DecodeError::count_exceeds_input);
        }
        return declared;
    }

    Result<Value, DecodeError> bytes() {
        STT_TRY(const std::uint32_t size, count(1));
        STT_TRY(const Bytes body, reader_.bytes(size));
        return Value(body);
    }

    Result<std::string, DecodeError> text() {
        STT_TRY(const std::uint32_t size, count(1));
        STT_TRY(const Bytes body, reader_.bytes(size));
        if (!is_valid_utf8(body)) return Unexpected(DecodeError::invalid_utf8);
        return std::string(text_of(body));
    }

    Result<Value, DecodeError> string_value() {
        STT_TRY(std::string value, text());
        return Value(std::move(value));
    }

    Result<Value, DecodeError> list(std::size_t depth) {
        if (depth == value_depth_max) return Unexpected(DecodeError::too_deep);
        STT_TRY(const std::uint32_t item_count, count(list_item_size_min));
        Value::List items;
        for (std::uint32_t i = 0; i < item_count; ++i) {
            STT_TRY(Value item, next(depth + 1));
            items.push_back(std::move(item));
        }
        return Value(std::move(items));
    }

    Result<Value, DecodeError> dict(std::size_t depth) {
        if (depth == value_depth_max) return Unexpected(DecodeError::too_deep);
        STT_TRY(const std::uint32_t entry_count, count(dict_entry_size_min));
        Value::Dict entries;
        for (std::uint32_t i = 0; i < entry_count; ++i) {
            STT_TRY(const std::uint8_t tag, reader_.u8());
            if (static_cast<Tag>(tag) != Tag::string)
                return Unexpected(DecodeError::key_not_string);
            STT_TRY(std::string key, text());
            if (entries.contains(key)) return Unexpected(DecodeError::duplicate_key);
            const bool is_ascending = entries.empty() || entries.rbegin()->first < key;
            if (is_strict_ && !is_ascending) return Unexpected(DecodeError::not_canonical);
            STT_TRY(Value item, next(depth + 1));
            entries.emplace(std::move(key), std::move(item));
        }
        return Value(std::move(entries));
    }

    Reader reader_;
    bool is_strict_;
};

}  // namespace

Result<Value, DecodeError> decode(Bytes input) {
    return Decoder(input, Strictness::lenient).whole();
}

Result<Value, DecodeError> decode_strict(Bytes input) {
    return Decoder(input, Strictness::strict).whole();
}

}  // namespace stt
