// Category 6: text is UTF-8 (RFC 3629), whatever its fragments, and is judged at its first bad
// byte.
#include <algorithm>
#include <iterator>
#include <utility>

#include "tests/conformance/case.hpp"

namespace stt::conformance {
namespace {

// The Greek word kosme, with a letter of three bytes in the middle.
const ByteVector greek{0xce, 0xba, 0xe1, 0xbd, 0xb9, 0xcf, 0x83, 0xce, 0xbc, 0xce, 0xb5};
// U+110000, as it would be written if there were one: the second byte is what no text has.
const ByteVector beyond{0xf4, 0x90, 0x80, 0x80};
const ByteVector edited = bytes_of_text("edited");

ByteVector joined(const std::vector<ByteVector>& parts) {
    ByteVector all;
    for (const ByteVector& part : parts) all.insert(all.end(), part.begin(), part.end());
    return all;
}

Case text_case(std::string number, std::string what, const std::vector<ByteVector>& fragments,
               bool is_valid) {
    Case one{std::move(number), std::move(what), {}, {}};
    for (std::size_t i = 0; i < fragments.size(); ++i) {
        one.steps.push_back({{i == 0 ? opcode::text : opcode::continuation, fragments[i],
                              i + 1 == fragments.size()}});
    }
    if (is_valid) {
        one.replies = {{opcode::text, joined(fragments)}};
    } else {
        one.ending = Ending::failure;
        one.code = 1007;
    }
    return one;
}

std::vector<ByteVector> single_bytes(const ByteVector& text) {
    std::vector<ByteVector> bytes;
    for (const std::uint8_t byte : text) bytes.push_back({byte});
    return bytes;
}

void add_fragments(std::vector<Case>& cases) {
    cases.push_back(text_case("6.1.1", "empty text", {{}}, true));
    cases.push_back(text_case("6.1.2", "three empty fragments", {{}, {}, {}}, true));
    cases.push_back(text_case("6.1.3", "three fragments, the first and the last empty",
                              {{}, bytes_of_text("middle"), {}}, true));
    const ByteVector whole =
        joined({bytes_of_text("Hello-\xc2\xb5@\xc3\x9f"), greek, bytes_of_text("-UTF-8!!")});
    const auto middle = whole.begin() + 10;
    cases.push_back(text_case("6.2.1", "valid text", {whole}, true));
    cases.push_back(text_case("6.2.2", "valid text in two fragments, cut between characters",
                              {{whole.begin(), middle}, {middle, whole.end()}}, true));
    cases.push_back(
        text_case("6.2.3", "valid text in fragments of one byte", single_bytes(whole), true));
    cases.push_back(
        text_case("6.2.4", "Greek text in fragments of one byte", single_bytes(greek), true));
    const ByteVector bad = joined({greek, {0xed, 0xa0, 0x80}, edited});
    cases.push_back(text_case("6.3.1", "text with a surrogate", {bad}, false));
    cases.push_back(text_case("6.3.2", "text with a surrogate, in fragments of one byte",
                              single_bytes(bad), false));
}

// The connection is open after the first part, and failed after the second, long before the end.
void add_early_failures(std::vector<Case>& cases) {
    const auto in_frames = [](std::string number, std::string what, std::vector<ByteVector> parts) {
        Case one = text_case(std::move(number), std::move(what), parts, false);
        one.steps[0].check_after = Step::Check::is_open;
        one.steps[1].check_after = Step::Check::has_failed;
        return one;
    };
    cases.push_back(
        in_frames("6.4.1", "three fragments, the second is wrong", {greek, beyond, edited}));
    const ByteVector all = joined({greek, beyond, edited});
    const auto at = [&all](std::size_t i) { return all.begin() + static_cast<std::ptrdiff_t>(i); };
    const std::size_t first = greek.size() + 1;
    cases.push_back(in_frames(
        "6.4.2", "three fragments, the second is the wrong byte alone",
        {{all.begin(), at(first)}, {at(first), at(first + 1)}, {at(first + 1), all.end()}}));
    const auto in_one_frame = [&all](std::string number, std::string what, std::size_t one_end,
                                     std::size_t two_end) {
        Case one = text_case(std::move(number), std::move(what), {all}, false);
        const std::size_t ends[] = {0, one_end, two_end, all.size()};
        one.steps.clear();
        for (std::size_t i = 0; i < 3; ++i) {
            one.steps.push_back({{opcode::text, all, true, 0, ends[i], ends[i + 1]}});
        }
        one.steps[0].check_after = Step::Check::is_open;
        one.steps[1].check_after = Step::Check::has_failed;
        return one;
    };
    cases.push_back(in_one_frame("6.4.3", "one frame in three pieces, the second is wrong",
                                 greek.size(), greek.size() + beyond.size()));
    cases.push_back(in_one_frame("6.4.4",
                                 "one frame in three pieces, the second is the wrong byte alone",
                                 first, first + 1));
}

struct Group {
    const char* what;
    bool is_valid;
    std::vector<ByteVector> texts;
};

// One lead byte of each kind and nothing behind it but a space.
ByteVector lonely(std::uint8_t first, std::uint8_t end) {
    ByteVector text;
    for (unsigned byte = first; byte < end; ++byte) {
        text.push_back(static_cast<std::uint8_t>(byte));
        text.push_back(' ');
    }
    return text;
}

ByteVector all_continuations() {
    ByteVector text;
    for (unsigned byte = 0x80; byte < 0xbf; ++byte) text.push_back(static_cast<std::uint8_t>(byte));
    return text;
}

// U+FFFE and U+FFFF of each of the 17 planes: no characters, and valid.
std::vector<ByteVector> noncharacters() {
    std::vector<ByteVector> texts{{0xef, 0xbf, 0xbe}, {0xef, 0xbf, 0xbf}};
    for (unsigned plane = 1; plane <= 16; ++plane) {
        for (const std::uint8_t last : {std::uint8_t{0xbe}, std::uint8_t{0xbf}}) {
            texts.push_back({static_cast<std::uint8_t>(0xf0 | plane >> 2),
                             static_cast<std::uint8_t>(0x8f | (plane & 3) << 4), 0xbf, last});
        }
    }
    return texts;
}

std::vector<ByteVector> paired_surrogates() {
    std::vector<ByteVector> texts;
    for (const unsigned high : {0xa080u, 0xadbfu, 0xae80u, 0xafbfu}) {
        for (const unsigned low : {0xb080u, 0xbfbfu}) {
            texts.push_back({0xed, static_cast<std::uint8_t>(high >> 8),
                             static_cast<std::uint8_t>(high), 0xed,
                             static_cast<std::uint8_t>(low >> 8), static_cast<std::uint8_t>(low)});
        }
    }
    return texts;
}

const std::vector<ByteVector> unfinished{{0xc0},
                                         {0xe0, 0x80},
                                         {0xf0, 0x80, 0x80},
                                         {0xf8, 0x80, 0x80, 0x80},
                                         {0xfc, 0x80, 0x80, 0x80, 0x80},
                                         {0xdf},
                                         {0xef, 0xbf},
                                         {0xf7, 0xbf, 0xbf},
                                         {0xfb, 0xbf, 0xbf, 0xbf},
                                         {0xfd, 0xbf, 0xbf, 0xbf, 0xbf}};

// From 6.7 on.
std::vector<Group> groups() {
    return {
        {"the first sequence of a length",
         true,
         {{0x00}, {0xc2, 0x80}, {0xe0, 0xa0, 0x80}, {0xf0, 0x90, 0x80, 0x80}}},
        {"the first sequence of five or six bytes",
         false,
         {{0xf8, 0x88, 0x80, 0x80, 0x80}, {0xfc, 0x84, 0x80, 0x80, 0x80, 0x80}}},
        {"the last sequence of a length",
         true,
         {{0x7f}, {0xdf, 0xbf}, {0xef, 0xbf, 0xbf}, {0xf4, 0x8f, 0xbf, 0xbf}}},
        {"the last sequence of four to six bytes, beyond Unicode",
         false,
         {{0xf7, 0xbf, 0xbf, 0xbf},
          {0xfb, 0xbf, 0xbf, 0xbf, 0xbf},
          {0xfd, 0xbf, 0xbf, 0xbf, 0xbf, 0xbf}}},
        {"another edge",
         true,
         {{0xed, 0x9f, 0xbf},
          {0xee, 0x80, 0x80},
          {0xef, 0xbf, 0xbd},
          {0xf4, 0x8f, 0xbf, 0xbf},
          beyond}},
        {"continuation bytes without a first",
         false,
         {{0x80},
          {0xbf},
          {0x80, 0xbf},
          {0x80, 0xbf, 0x80},
          {0x80, 0xbf, 0x80, 0xbf},
          {0x80, 0xbf, 0x80, 0xbf, 0x80},
          {0x80, 0xbf, 0x80, 0xbf, 0x80, 0xbf},
          all_continuations()}},
        {"first bytes without a continuation",
         false,
         {lonely(0xc0, 0xdf), lonely(0xe0, 0xef), lonely(0xf0, 0xf7), lonely(0xf8, 0xfb),
          lonely(0xfc, 0xfd)}},
        {"a sequence without its last byte", false, unfinished},
        {"all those behind each other", false, {joined(unfinished)}},
        {"bytes that UTF-8 does not have", false, {{0xfe}, {0xff}, {0xfe, 0xfe, 0xff, 0xff}}},
        {"a slash in too many bytes",
         false,
         {{0xc0, 0xaf},
          {0xe0, 0x80, 0xaf},
          {0xf0, 0x80, 0x80, 0xaf},
          {0xf8, 0x80, 0x80, 0x80, 0xaf},
          {0xfc, 0x80, 0x80, 0x80, 0x80, 0xaf}}},
        {"the last character that is too long",
         false,
         {{0xc1, 0xbf},
          {0xe0, 0x9f, 0xbf},
          {0xf0, 0x8f, 0xbf, 0xbf},
          {0xf8, 0x87, 0xbf, 0xbf, 0xbf},
          {0xfc, 0x83, 0xbf, 0xbf, 0xbf, 0xbf}}},
        {"NUL in too many bytes",
         false,
         {{0xc0, 0x80},
          {0xe0, 0x80, 0x80},
          {0xf0, 0x80, 0x80, 0x80},
          {0xf8, 0x80, 0x80, 0x80, 0x80},
          {0xfc, 0x80, 0x80, 0x80, 0x80, 0x80}}},
        {"a surrogate",
         false,
         {{0xed, 0xa0, 0x80},
          {0xed, 0xad, 0xbf},
          {0xed, 0xae, 0x80},
          {0xed, 0xaf, 0xbf},
          {0xed, 0xb0, 0x80},
          {0xed, 0xbe, 0x80},
          {0xed, 0xbf, 0xbf}}},
        {"a pair of surrogates", false, paired_surrogates()},
        {"a noncharacter", true, noncharacters()},
        {"a special character",
         true,
         {{0xef, 0xbf, 0xb9},
          {0xef, 0xbf, 0xba},
          {0xef, 0xbf, 0xbb},
          {0xef, 0xbf, 0xbc},
          {0xef, 0xbf, 0xbd},
          {0xef, 0xbf, 0xbe},
          {0xef, 0xbf, 0xbf}}},
    };
}

std::string in_hex(const ByteVector& bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (std::size_t i = 0; i < std::min<std::size_t>(bytes.size(), 12); ++i) {
        text += ' ';
        text += digits[bytes[i] >> 4];
        text += digits[bytes[i] & 15];
    }
    return bytes.size() > 12 ? text + " …" : text;
}

}  // namespace

std::vector<Case> utf8_cases() {
    std::vector<Case> cases;
    add_fragments(cases);
    add_early_failures(cases);
    const char* const samples[] = {"hello$world", "hello\u00a2world", "hello\u20acworld",
                                   "hello\U00024b62world"};
    int number = 0;
    for (const char* const sample : samples) {
        cases.push_back(text_case("6.5." + std::to_string(++number), "valid text",
                                  {bytes_of_text(sample)}, true));
    }
    cases.push_back(text_case("6.5.5", "valid text", {greek}, true));
    for (std::size_t size = 1; size <= greek.size(); ++size) {
        const bool is_whole = size == 2 || size == 5 || size == 7 || size == 9 || size == 11;
        cases.push_back(text_case(
            "6.6." + std::to_string(size),
            "the first bytes of a Greek text: " + std::to_string(size),
            {{greek.begin(), greek.begin() + static_cast<std::ptrdiff_t>(size)}}, is_whole));
    }
    int group_number = 7;
    for (const Group& group : groups()) {
        for (std::size_t i = 0; i < group.texts.size(); ++i) {
            const bool is_valid = group.is_valid && group.texts[i] != beyond;
            cases.push_back(
                text_case("6." + std::to_string(group_number) + "." + std::to_string(i + 1),
                          group.what + (":" + in_hex(group.texts[i])), {group.texts[i]}, is_valid));
        }
        ++group_number;
    }
    return cases;
}

}  // namespace stt::conformance
