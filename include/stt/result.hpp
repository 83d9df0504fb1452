// Result<T, E>: either a value or the reason why there is none.
//
// The interface is a strict subset of C++23 std::expected, so that the day the
// toolchain has it this file becomes one alias. Do not add members that
// std::expected lacks.
#pragma once

#include <stt/check.hpp>
#include <type_traits>
#include <utility>
#include <variant>

namespace stt {

template <class E>
class Unexpected {
public:
    constexpr explicit Unexpected(E error) : error_(std::move(error)) {}
    constexpr const E& error() const& noexcept { return error_; }
    constexpr E&& error() && noexcept { return std::move(error_); }

private:
    E error_;
};

template <class E>
Unexpected(E) -> Unexpected<E>;

template <class T, class E>
class [[nodiscard]] Result {
public:
    using value_type = T;
    using error_type = E;

    constexpr Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
    template <class G>
    requires std::is_constructible_v<E, G>
    constexpr Result(Unexpected<G> unexpected)
        : state_(std::in_place_index<1>, std::move(unexpected).error()) {}

    constexpr bool has_value() const noexcept { return state_.index() == 0; }
    constexpr explicit operator bool() const noexcept { return has_value(); }

    constexpr T& operator*() & noexcept { return *checked_value(); }
    constexpr const T& operator*() const& noexcept { return *checked_value(); }
    constexpr T&& operator*() && noexcept { return std::move(*checked_value()); }
    constexpr T* operator->() noexcept { return checked_value(); }
    constexpr const T* operator->() const noexcept { return checked_value(); }

    constexpr const E& error() const noexcept {
        const E* error = std::get_if<1>(&state_);
        STT_CHECK(error != nullptr);
        return *error;
    }

private:
    constexpr T* checked_value() noexcept {
        T* value = std::get_if<0>(&state_);
        STT_CHECK(value != nullptr);
        return value;
    }
    constexpr const T* checked_value() const noexcept {
        const T* value = std::get_if<0>(&state_);
        STT_CHECK(value != nullptr);
        return value;
    }

    std::variant<T, E> state_;
};

template <class E>
class [[nodiscard]] Result<void, E> {
public:
    using value_type = void;
    using error_type = E;

    constexpr Result() = default;
    template <class G>
    requires std::is_constructible_v<E, G>
    constexpr Result(Unexpected<G> unexpected)
        : state_(std::in_place_index<1>, std::move(unexpected).error()) {}

    constexpr bool has_value() const noexcept { return state_.index() == 0; }
    constexpr explicit operator bool() const noexcept { return has_value(); }
    constexpr void operator*() const noexcept { STT_CHECK(has_value()); }
    constexpr const E& error() const noexcept {
        const E* error = std::get_if<1>(&state_);
        STT_CHECK(error != nullptr);
        return *error;
    }

private:
    std::variant<std::monostate, E> state_;
};

}  // namespace stt

// Unwraps `expression` into `declaration`, or returns its error to the caller;
// STT_TRY_VOID does it where there is no value. No other macro may hide control
// flow; both may appear only as a whole statement.
#define STT_CONCAT_(a, b) a##b
#define STT_CONCAT(a, b) STT_CONCAT_(a, b)
#define STT_TRY_(temporary, declaration, expression)                        \
    auto temporary = (expression);                                          \
    if (!temporary) return ::stt::Unexpected(std::move(temporary).error()); \
    declaration = *std::move(temporary)
#define STT_TRY(declaration, expression) \
    STT_TRY_(STT_CONCAT(stt_try_, __LINE__), declaration, expression)
#define STT_TRY_VOID_(temporary, expression) \
    auto temporary = (expression);           \
    if (!temporary) return ::stt::Unexpected(std::move(temporary).error())
#define STT_TRY_VOID(expression) STT_TRY_VOID_(STT_CONCAT(stt_try_, __LINE__), expression)
