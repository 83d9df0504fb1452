// Values to bytes. The way back is tlv_decode.cpp.
#include <limits>
#include <stt/check.hpp>
#include <stt/value.hpp>
#include <type_traits>

#include "codec/tlv_primitives.hpp"
#include "codec/writer.hpp"

namespace stt {
namespace {

using codec::Tag;
using codec::Writer;

constexpr std::size_t count_max = std::numeric_limits<std::uint32_t>::max();

std::size_t counted_size(std::size_t size) noexcept {
    STT_CHECK(size <= count_max);
    return codec::counted_prefix_size + size;
}

// Bytes of the canonical encoding; goes over the whole value and so checks its limits, before
// write() does the same again without asking. `depth` counts the containers around it.
std::size_t encoded_size(const Value& value, std::size_t depth) noexcept {
    if (value.is_null() || value.boolean() != nullptr) return 1;
    if (const auto* integer = value.integer()) return codec::integer_size(*integer);
    if (value.large_integer() != nullptr || value.floating() != nullptr) {
        return codec::scalar_size_max;
    }
    if (const auto* bytes = value.bytes()) return counted_size(bytes->size());
    if (const auto* string = value.string()) {
        STT_CHECK(is_valid_utf8(bytes_of(*string)));
        return counted_size(string->size());
    }
    STT_CHECK(depth < value_depth_max);
    std::size_t size = codec::counted_prefix_size;
    if (const auto* list = value.list()) {
        STT_CHECK(list->size() <= count_max);
        for (const Value& item : *list) size += encoded_size(item, depth + 1);
        return size;
    }
    STT_CHECK(value.dict()->size() <= count_max);
    for (const auto& [key, item] : *value.dict()) {
        STT_CHECK(is_valid_utf8(bytes_of(key)));
        size += counted_size(key.size()) + encoded_size(item, depth + 1);
    }
    return size;
}

void write(Writer& writer, const Value& value) noexcept {
    if (value.is_null()) return writer.u8(static_cast<std::uint8_t>(Tag::null));
    if (const auto* boolean = value.boolean()) {
        return writer.u8(
            static_cast<std::uint8_t>(*boolean ? Tag::boolean_true : Tag::boolean_false));
    }
    if (const auto* integer = value.integer()) return codec::write_integer(writer, *integer);
    if (const auto* large = value.large_integer()) {
        return codec::write_unsigned_integer(writer, *large);
    }
    if (const auto* floating = value.floating()) return codec::write_float(writer, *floating);
    if (const auto* bytes = value.bytes()) return codec::write_bytes(writer, *bytes);
    if (const auto* string = value.string()) return codec::write_string(writer, *string);
    if (const auto* list = value.list()) {
        codec::write_count(writer, Tag::list, static_cast<std::uint32_t>(list->size()));
        for (const Value& item : *list) write(writer, item);
        return;
    }
    codec::write_count(writer, Tag::dict, static_cast<std::uint32_t>(value.dict()->size()));
    for (const auto& [key, item] : *value.dict()) {
        codec::write_string(writer, key);
        write(writer, item);
    }
}

}  // namespace

Value::Value() noexcept = default;
Value::~Value() = default;
Value::Value(const Value& other) = default;
Value& Value::operator=(const Value& other) = default;
Value::Value(Value&& other) noexcept = default;
Value& Value::operator=(Value&& other) noexcept = default;

// One number has one representation, so that equality of values is equality of numbers.
Value::Value(std::uint64_t value) noexcept {
    if (value <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
        content_ = static_cast<std::int64_t>(value);
    } else {
        content_ = value;
    }
}

const Value* Value::find(std::string_view key) const noexcept {
    const Dict* entries = dict();
    if (entries == nullptr) return nullptr;
    const auto entry = entries->find(key);
    return entry == entries->end() ? nullptr : &entry->second;
}

std::vector<std::uint8_t> encode(const Value& value) {
    std::vector<std::uint8_t> encoded(encoded_size(value, 0));
    Writer writer(encoded);
    write(writer, value);
    STT_CHECK(writer.room() == 0);
    return encoded;
}

}  // namespace stt
