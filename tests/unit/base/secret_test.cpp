#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <concepts>
#include <memory>
#include <stt/secret.hpp>
#include <type_traits>
#include <vector>

namespace stt {
namespace {

using Key = Secret<32>;

template <class T>
concept IsComparable = requires(const T& one, const T& other) {
    one == other;
};

static_assert(!std::is_copy_constructible_v<Key> && !std::is_copy_assignable_v<Key>);
static_assert(!std::is_copy_constructible_v<SecretBytes>);
static_assert(!std::is_copy_assignable_v<SecretBytes>);
static_assert(!IsComparable<Key> && !IsComparable<SecretBytes>);

bool is_zero(Bytes bytes) {
    return std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t byte) { return byte == 0; });
}

std::array<std::uint8_t, 32> some_bytes() {
    std::array<std::uint8_t, 32> bytes;
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i + 1);
    return bytes;
}

TEST_CASE("stc Code that handles keys (b): a key leaves zeros behind when it ends") {
    alignas(Key) std::array<std::uint8_t, sizeof(Key)> storage{};
    Key* const key = std::construct_at(reinterpret_cast<Key*>(storage.data()), some_bytes());
    CHECK_FALSE(is_zero(storage));
    std::destroy_at(key);
    CHECK(is_zero(storage));
}

TEST_CASE("stc Code that handles keys (b): what a key was moved from is wiped") {
    Key one(some_bytes());
    Key two(std::move(one));
    CHECK(is_zero(one.bytes()));
    CHECK(std::ranges::equal(two.bytes(), some_bytes()));
    one = std::move(two);
    CHECK(is_zero(two.bytes()));
    CHECK(std::ranges::equal(one.duplicate().bytes(), some_bytes()));
    Key& same = one;
    one = std::move(same);
    CHECK(std::ranges::equal(one.bytes(), some_bytes()));

    SecretBytes seed{Bytes(some_bytes())};
    SecretBytes other(std::move(seed));
    CHECK(seed.bytes().empty());
    seed = std::move(other);
    CHECK(other.bytes().empty());
    CHECK(std::ranges::equal(seed.duplicate().bytes(), some_bytes()));
}

TEST_CASE("stc Code that handles keys (b): wipe() writes zeros") {
    std::vector<std::uint8_t> bytes(1'000, 0xff);
    wipe(bytes);
    CHECK(is_zero(bytes));
    wipe({});
}

}  // namespace
}  // namespace stt
