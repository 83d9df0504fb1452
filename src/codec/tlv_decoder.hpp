// Reads the STT binary format. Spec protocol §2, Decoding.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <stt/value.hpp>
#include <utility>

#include "base/byte_order.hpp"
#include "codec/reader.hpp"
#include "codec/tlv_primitives.hpp"

namespace stt::codec {

// The least that an item of a LIST takes: a tag. Of a DICT: tag and length of an empty key, and
// the tag of a value. A count that the rest cannot hold is refused before anything is allocated.
inline constexpr std::size_t list_item_size_min = 1;
inline constexpr std::size_t dict_entry_size_min = counted_prefix_size + 1;

enum class Strictness { lenient, strict };

// `Build` makes something of what is read: Build::Item of each value, Build::List and Build::Dict
// of those that hold others. Both are made of the Build and their depth; a List is told what lies
// ahead of the reader at its beginning and end. All they are given are views of the input.
template <class Build>
class Decoder {
public:
    Decoder(Bytes input, Strictness strictness, Build build = {}) noexcept
        : reader_(input), is_strict_(strictness == Strictness::strict), build_(build) {}

    using Item = typename Build::Item;

    Result<Item, DecodeError> whole() {
        Result<Item, DecodeError> item = next();
        if (item && !reader_.is_at_end()) return Unexpected(DecodeError::trailing_bytes);
        return item;
    }
    // The next value, with all that it holds; what follows it remains.
    Result<Item, DecodeError> next() { return next(0); }
    Bytes remaining() const noexcept { return reader_.remaining(); }

private:
    Result<Item, DecodeError> next(std::size_t depth) {
        STT_TRY(const std::uint8_t tag, reader_.u8());
        switch (static_cast<Tag>(tag)) {
            case Tag::null:
                return Build::null();
            case Tag::boolean_false:
                return Build::boolean(false);
            case Tag::boolean_true:
                return Build::boolean(true);
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
    Result<Item, DecodeError> signed_integer(Result<Unsigned, DecodeError> body) {
        if (!body) return Unexpected(body.error());
        const std::int64_t value = static_cast<Signed>(*body);
        const bool is_smallest = codec::integer_size(value) == 1 + sizeof(Signed);
        if (is_strict_ && !is_smallest) return Unexpected(DecodeError::not_canonical);
        return Build::integer(value);
    }

    template <class Unsigned>
    Result<Item, DecodeError> unsigned_integer(Result<Unsigned, DecodeError> body) {
        if (!body) return Unexpected(body.error());
        const std::uint64_t value = *body;
        // UINT64 above 2^63 - 1 is the one canonical use of an unsigned type.
        if (is_strict_ &&
            value <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
            return Unexpected(DecodeError::not_canonical);
        }
        return Build::unsigned_integer(value);
    }

    Result<Item, DecodeError> float32() {
        STT_TRY(const std::uint32_t bits, reader_.u32());
        if (is_strict_) return Unexpected(DecodeError::not_canonical);
        return Build::floating(static_cast<double>(bits_as<float>(bits)));
    }

    Result<Item, DecodeError> float64() {
        STT_TRY(const std::uint64_t bits, reader_.u64());
        const auto value = bits_as<double>(bits);
        if (is_strict_ && std::isnan(value) && bits != codec::canonical_nan_bits) {
            return Unexpected(DecodeError::not_canonical);
        }
        return Build::floating(value);
    }

    // A count, compared before it is used: it is a claim of the sender.
    Result<std::uint32_t, DecodeError> count(std::size_t item_size_min) {
        STT_TRY(const std::uint32_t declared, reader_.u32());
        if (declared > reader_.remaining().size() / item_size_min) {
            return Unexpected(DecodeError::count_exceeds_input);
        }
        return declared;
    }

    Result<Item, DecodeError> bytes() {
        STT_TRY(const std::uint32_t size, count(1));
        STT_TRY(const Bytes body, reader_.bytes(size));
        return Build::bytes(body);
    }

    Result<std::string_view, DecodeError> text() {
        STT_TRY(const std::uint32_t size, count(1));
        STT_TRY(const Bytes body, reader_.bytes(size));
        if (!is_valid_utf8(body)) return Unexpected(DecodeError::invalid_utf8);
        return text_of(body);
    }

    Result<Item, DecodeError> string_value() {
        STT_TRY(const std::string_view value, text());
        return Build::string(value);
    }

    Result<Item, DecodeError> list(std::size_t depth) {
        if (depth == value_depth_max) return Unexpected(DecodeError::too_deep);
        STT_TRY(const std::uint32_t item_count, count(list_item_size_min));
        typename Build::List items(build_, depth, reader_.remaining());
        for (std::uint32_t i = 0; i < item_count; ++i) {
            STT_TRY(Item item, next(depth + 1));
            items.add(std::move(item));
        }
        return std::move(items).finish(reader_.remaining());
    }

    Result<Item, DecodeError> dict(std::size_t depth) {
        if (depth == value_depth_max) return Unexpected(DecodeError::too_deep);
        STT_TRY(const std::uint32_t entry_count, count(dict_entry_size_min));
        typename Build::Dict entries(build_, depth);
        std::optional<std::string_view> last_key;
        for (std::uint32_t i = 0; i < entry_count; ++i) {
            STT_TRY(const std::uint8_t tag, reader_.u8());
            if (static_cast<Tag>(tag) != Tag::string) {
                return Unexpected(DecodeError::key_not_string);
            }
            STT_TRY(const std::string_view key, text());
            if (entries.contains(key)) return Unexpected(DecodeError::duplicate_key);
            const bool is_ascending = !last_key || *last_key < key;
            if (is_strict_ && !is_ascending) return Unexpected(DecodeError::not_canonical);
            last_key = key;
            STT_TRY(Item item, next(depth + 1));
            entries.add(key, std::move(item));
        }
        return std::move(entries).finish();
    }

    Reader reader_;
    bool is_strict_;
    Build build_;
};

}  // namespace stt::codec
