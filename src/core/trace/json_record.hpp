// One JSON text of bounded size, written without allocation or locale.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <stt/bytes.hpp>
#include <stt/time.hpp>
#include <utility>

namespace stt::trace {

// Where a record lies when it is written: a bound on its size. Chosen: an ACK of 64 ranges with
// Sequences of 20 digits takes 3 KB, and no event holds two of them.
inline constexpr std::size_t json_record_size_max = 8'192;

// Writes members of objects and items of lists one after another, commas included. What has no
// room is left out whole, so that the text is valid JSON whatever is written, and a member
// `"cut":true` at its end says so. Objects and lists nest at most `depth_max` deep.
class JsonRecord {
public:
    static constexpr std::size_t depth_max = 8;

    void begin() noexcept;  // an object; starts afresh
    // Closes what is open. The text is good until begin(); ASCII control characters and bytes
    // that are not UTF-8 do not occur in it.
    std::string_view end() noexcept;
    bool is_cut() const noexcept { return is_cut_; }
    std::size_t size() const noexcept { return size_; }

    // Members of the open object; with an empty key, items of the open list.
    void text(std::string_view key, std::string_view value) noexcept;
    void number(std::string_view key, std::uint64_t value) noexcept;
    void boolean(std::string_view key, bool value) noexcept;
    // Milliseconds with three decimals.
    void milliseconds(std::string_view key, Duration value) noexcept;
    void hex(std::string_view key, Bytes value) noexcept;

    // `write` is called to fill the object or list, unless there is no room to open it.
    template <class Write>
    void object(std::string_view key, Write write) noexcept {
        if (!open(key, '{', '}')) return;
        write();
        close();
    }
    template <class Write>
    void list(std::string_view key, Write write) noexcept {
        if (!open(key, '[', ']')) return;
        write();
        close();
    }
    // An object in a list, which goes in whole or not at all. False: it did not.
    template <class Write>
    bool item(Write write) noexcept {
        const Mark before{size_, depth_, has_members_[depth_]};
        const bool was_cut = std::exchange(is_cut_, false);
        object({}, write);
        if (is_cut_) {
            undo(before);
            return false;
        }
        is_cut_ = was_cut;
        return true;
    }

private:
    struct Mark {
        std::size_t size = 0;
        std::size_t depth = 0;
        bool has_members = false;
    };
    void undo(const Mark& mark) noexcept;
    void close() noexcept;
    bool open(std::string_view key, char opening, char closing) noexcept;
    // Writes key and value as a whole, or leaves them out.
    template <class Write>
    bool put(std::string_view key, Write write) noexcept;
    void raw(char one) noexcept;
    void raw(std::string_view text) noexcept;
    void digits(std::uint64_t value) noexcept;
    void quoted(std::string_view value) noexcept;

    // Kept back for closing what is open, and for `"cut":true`.
    static constexpr std::size_t reserve = depth_max + 16;

    std::array<char, json_record_size_max> buffer_;
    std::size_t size_ = 0;
    std::size_t depth_ = 0;
    std::array<char, depth_max + 1> closings_{};
    std::array<bool, depth_max + 1> has_members_{};
    bool is_cut_ = false;
    bool has_overflowed_ = false;  // within put()
};

}  // namespace stt::trace
