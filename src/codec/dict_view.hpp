// Looks into an encoded DICT where it lies. Spec protocol §2.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <stt/bytes.hpp>
#include <stt/decode_error.hpp>
#include <stt/result.hpp>
#include <variant>

namespace stt::codec {

// The values of an encoded DICT under keys that are known beforehand, as a handshake's messages
// have them. Allocates nothing; what it gives are views of the encoding.
class DictView {
public:
    // Of a value that is none of these nothing is kept: NULL, booleans, floats, DICTs.
    struct List {
        Bytes items;  // one after another
    };
    // Integers above 2^63 - 1 are std::uint64_t.
    using Item =
        std::variant<std::monostate, std::int64_t, std::uint64_t, Bytes, std::string_view, List>;

    static constexpr std::size_t key_count_max = 16;

    // Takes what decode_strict() takes, if it is a DICT. `keys`, key_count_max at most, are those
    // that will be looked for; they outlive this.
    static Result<DictView, DecodeError> parse_strict(
        Bytes encoded, std::span<const std::string_view> keys) noexcept;

    // Null: there is no such key, or it was not among `keys`.
    const Item* find(std::string_view key) const noexcept;
    // Null also when the value is of another type.
    template <class T>
    const T* find_as(std::string_view key) const noexcept {
        const Item* const item = find(key);
        return item == nullptr ? nullptr : std::get_if<T>(item);
    }
    // The first item of a list that this gave, which is shorter then; none behind the last.
    static std::optional<Item> take(List& list) noexcept;

private:
    friend struct BuildView;
    explicit DictView(std::span<const std::string_view> keys) noexcept : keys_(keys) {}

    std::span<const std::string_view> keys_;
    std::array<std::optional<Item>, key_count_max> items_;  // of keys_, in their order
};

}  // namespace stt::codec
