#include "codec/utf8.hpp"

#include <doctest/doctest.h>

#include <stt/value.hpp>

#include "tests/unit/codec/seeded.hpp"

namespace stt {
namespace {

using test::ByteVector;

// RFC 3629 §3, by the code point instead of by the byte: the naive way.
bool is_valid_naive(Bytes text) {
    std::size_t i = 0;
    while (i < text.size()) {
        const std::uint8_t first = text[i];
        std::size_t size = 1;
        std::uint32_t point = first;
        if (first >= 0xf8 || (first >= 0x80 && first < 0xc0)) return false;
        if (first >= 0xf0) {
            size = 4;
            point = first & 0x07u;
        } else if (first >= 0xe0) {
            size = 3;
            point = first & 0x0fu;
        } else if (first >= 0xc0) {
            size = 2;
            point = first & 0x1fu;
        }
        if (text.size() - i < size) return false;
        for (std::size_t k = 1; k < size; ++k) {
            if ((text[i + k] & 0xc0) != 0x80) return false;
            point = (point << 6) | (text[i + k] & 0x3fu);
        }
        constexpr std::uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
        if (point < least[size] || point > 0x10ffff) return false;
        if (point >= 0xd800 && point <= 0xdfff) return false;
        i += size;
    }
    return true;
}

// Some text begins so: what an open character may need is tried out.
bool is_beginning_naive(ByteVector text, int depth = 3) {
    if (is_valid_naive(text)) return true;
    if (depth == 0) return false;
    for (const std::uint8_t byte : ByteVector{0x80, 0x90, 0xa0}) {
        text.push_back(byte);
        if (is_beginning_naive(text, depth - 1)) return true;
        text.pop_back();
    }
    return false;
}

// Runs of ASCII, characters of all sizes, and now and then a byte that spoils it.
ByteVector mixed_text(test::Seeded& seeded) {
    ByteVector text;
    const std::uint64_t part_count = seeded.below(12);
    for (std::uint64_t i = 0; i < part_count; ++i) {
        switch (seeded.below(5)) {
            case 0:
                text.insert(text.end(), static_cast<std::size_t>(seeded.below(40)), 'a');
                break;
            case 1:
                text.insert(text.end(), {0xc3, 0xa9});
                break;
            case 2:
                text.insert(text.end(), {0xed, 0x9f, 0xbf});
                break;
            case 3:
                text.insert(text.end(), {0xf0, 0x9f, 0x98, 0x80});
                break;
            default:
                if (seeded.below(3) == 0)
                    text.push_back(static_cast<std::uint8_t>(seeded.number()));
        }
    }
    return text;
}

}  // namespace

TEST_CASE(
    "protocol §2.3 (b): every sequence of one, two and three bytes is judged as RFC 3629 does") {
    CHECK(is_valid_utf8({}));
    std::size_t differences = 0;
    ByteVector bytes(3);
    for (std::uint32_t value = 0; value < 1u << 24; value += 1) {
        bytes[0] = static_cast<std::uint8_t>(value >> 16);
        // Below 0xc0 the first byte decides alone, or stands for itself: a sample is enough.
        if (bytes[0] < 0xc0 && bytes[0] > 0x02) continue;
        bytes[1] = static_cast<std::uint8_t>(value >> 8);
        bytes[2] = static_cast<std::uint8_t>(value);
        if (is_valid_utf8(bytes) != is_valid_naive(bytes)) ++differences;
        if (bytes[2] == 0 &&
            is_valid_utf8(Bytes(bytes).first(2)) != is_valid_naive(Bytes(bytes).first(2))) {
            ++differences;
        }
    }
    for (std::uint32_t value = 0; value < 256; ++value) {
        bytes[0] = static_cast<std::uint8_t>(value);
        if (is_valid_utf8(Bytes(bytes).first(1)) != (value < 0x80)) ++differences;
    }
    CHECK(differences == 0);
}

TEST_CASE("protocol §2.3 (b): sequences of four bytes are judged as RFC 3629 does") {
    test::Seeded seeded(2);
    std::size_t differences = 0;
    std::size_t valid = 0;
    for (int i = 0; i < 300'000; ++i) {
        ByteVector bytes = seeded.bytes(4 + seeded.below(4));
        bytes[0] = static_cast<std::uint8_t>(0xef + seeded.below(8));
        // Near the limits, where the errors would be.
        if (seeded.coin()) bytes[1] = static_cast<std::uint8_t>(0x7e + seeded.below(20));
        for (std::size_t k = 2; k < 4; ++k) {
            if (seeded.below(8) != 0)
                bytes[k] = static_cast<std::uint8_t>(0x80 | (bytes[k] & 0x3f));
        }
        for (std::size_t k = 4; k < bytes.size(); ++k) bytes[k] &= 0x7f;
        if (is_valid_utf8(bytes) != is_valid_naive(bytes)) ++differences;
        if (is_valid_naive(bytes)) ++valid;
    }
    CHECK(differences == 0);
    CHECK(valid > 1'000);
}

TEST_CASE("RFC 3629 §3: text in pieces is judged as a whole, and at its first bad byte") {
    test::Seeded seeded(3);
    std::size_t differences = 0;
    std::size_t valid = 0;
    for (int i = 0; i < 20'000; ++i) {
        const ByteVector text = mixed_text(seeded);
        codec::Utf8Validator in_pieces;
        bool is_good = true;
        for (std::size_t at = 0; at < text.size() && is_good;) {
            const auto size =
                std::min<std::size_t>(text.size() - at, static_cast<std::size_t>(seeded.below(20)));
            is_good = in_pieces.take(Bytes(text).subspan(at, size));
            at += size;
        }
        is_good = is_good && in_pieces.is_complete();
        if (is_good != is_valid_naive(text)) ++differences;
        if (is_good) ++valid;
        codec::Utf8Validator byte_wise;
        for (std::size_t at = 0; at < text.size(); ++at) {
            const bool is_taken = byte_wise.take(Bytes(text).subspan(at, 1));
            const ByteVector so_far(text.begin(),
                                    text.begin() + static_cast<std::ptrdiff_t>(at + 1));
            if (is_taken != is_beginning_naive(so_far)) ++differences;
            if (!is_taken) break;
            if (byte_wise.is_complete() != is_valid_naive(so_far)) ++differences;
        }
    }
    CHECK(differences == 0);
    CHECK(valid > 1'000);
}

}  // namespace stt
