// Categories 9 and 10: large messages, many fragments, small pieces, many messages.
#include <algorithm>
#include <iterator>
#include <utility>

#include "tests/conformance/case.hpp"

namespace stt::conformance {
namespace {

constexpr std::size_t kib = 1'024;
constexpr std::size_t mib = 1'024 * 1'024;

// Text, or bytes that are none.
struct Kind {
    std::uint8_t code;
    const char* name;
    std::uint8_t filler;
};
constexpr Kind kinds[] = {{opcode::text, "text", '*'}, {opcode::binary, "binary", 0xfe}};

std::string size_name(std::size_t size) {
    if (size >= mib) return std::to_string(size / mib) + " MiB";
    if (size >= kib && size % kib == 0) return std::to_string(size / kib) + " KiB";
    return std::to_string(size) + " bytes";
}

Case message_case(std::string number, const Kind& kind, std::size_t size) {
    const ByteVector payload(size, kind.filler);
    return {std::move(number),
            std::string(kind.name) + " message of " + size_name(size),
            {{{kind.code, payload}}},
            {{kind.code, payload}}};
}

Case fragmented(std::string number, const Kind& kind, std::size_t size, std::size_t fragment) {
    Case one = message_case(std::move(number), kind, size);
    one.what += " in fragments of " + size_name(fragment);
    one.steps.clear();
    for (std::size_t at = 0; at < size; at += fragment) {
        one.steps.push_back(
            {{at == 0 ? kind.code : opcode::continuation,
              ByteVector(std::min(fragment, size - at), kind.filler), at + fragment >= size}});
    }
    return one;
}

// `first` is the number of the group with text; that with binary follows.
template <class Sizes, class Make>
void add_group(std::vector<Case>& cases, int first, const Sizes& sizes, const Make& make) {
    for (const Kind& kind : kinds) {
        for (std::size_t i = 0; i < std::size(sizes); ++i) {
            const std::string number = "9." + std::to_string(first) + "." + std::to_string(i + 1);
            cases.push_back(make(number, kind, sizes[i]));
        }
        ++first;
    }
}

}  // namespace

std::vector<Case> size_cases() {
    std::vector<Case> cases;
    constexpr std::size_t sizes[] = {64 * kib, 256 * kib, mib, 4 * mib, 8 * mib, 16 * mib};
    add_group(cases, 1, sizes, message_case);
    constexpr std::size_t fragments[] = {64,       256,       kib, 4 * kib, 16 * kib,
                                         64 * kib, 256 * kib, mib, 4 * mib};
    add_group(cases, 3, fragments, [](std::string number, const Kind& kind, std::size_t fragment) {
        return fragmented(std::move(number), kind, 4 * mib, fragment);
    });
    constexpr std::size_t chops[] = {64, 128, 256, 512, kib, 2 * kib};
    add_group(cases, 5, chops, [](std::string number, const Kind& kind, std::size_t chop) {
        Case one = message_case(std::move(number), kind, mib);
        one.what += " in pieces of " + std::to_string(chop) + " bytes";
        one.chop = chop;
        return one;
    });
    constexpr std::size_t small[] = {0, 16, 64, 256, kib, 4 * kib};
    add_group(cases, 7, small, [](std::string number, const Kind& kind, std::size_t size) {
        Case one = message_case(std::move(number), kind, size);
        one.what = "a thousand " + std::string(kind.name) + " messages of " + size_name(size);
        one.steps.resize(1'000, one.steps.front());
        one.replies.resize(1'000, one.replies.front());
        return one;
    });
    cases.push_back(fragmented("10.1.1", kinds[0], 65'536, 1'300));
    return cases;
}

}  // namespace stt::conformance
