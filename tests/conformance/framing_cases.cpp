// Categories 1 to 5: framing, pings, reserved bits, opcodes, fragmentation.
#include <utility>

#include "tests/conformance/case.hpp"

namespace stt::conformance {
namespace {

const ByteVector hello = bytes_of_text("Hello, world!");

Step step(std::uint8_t code, ByteVector payload = {}, bool is_final = true,
          std::uint8_t reserved = 0) {
    return {{code, std::move(payload), is_final, reserved}};
}

Case failing(std::string number, std::string what, std::vector<Step> steps,
             std::vector<Reply> replies = {}) {
    return {std::move(number),  std::move(what), std::move(steps),
            std::move(replies), Ending::failure, 1002};
}
Case good(std::string number, std::string what, std::vector<Step> steps,
          std::vector<Reply> replies) {
    return {std::move(number), std::move(what), std::move(steps), std::move(replies)};
}
Case chopped(Case given, std::size_t size) {
    given.chop = size;
    return given;
}
Case frame_wise(Case given) {
    given.is_frame_wise = true;
    return given;
}

void add_messages(std::vector<Case>& cases) {
    constexpr std::size_t sizes[] = {0, 125, 126, 127, 128, 65'535, 65'536, 65'536};
    for (const bool is_text : {true, false}) {
        for (std::size_t i = 0; i < std::size(sizes); ++i) {
            const std::uint8_t code = is_text ? opcode::text : opcode::binary;
            const ByteVector payload(sizes[i], is_text ? '*' : 0xfe);
            const bool is_chopped = i + 1 == std::size(sizes);
            std::string what = std::string(is_text ? "text" : "binary") + " message of " +
                               std::to_string(sizes[i]) + " bytes";
            if (is_chopped) what += " in pieces of 997";
            Case one = good((is_text ? "1.1." : "1.2.") + std::to_string(i + 1), what,
                            {step(code, payload)}, {{code, payload}});
            cases.push_back(is_chopped ? chopped(std::move(one), 997) : std::move(one));
        }
    }
}

void add_pings(std::vector<Case>& cases) {
    const ByteVector binary{0x00, 0xff, 0xfe, 0xfd, 0xfc, 0xfb, 0x00, 0xff};
    const ByteVector longest(125, 0xfe);
    const auto answered = [](std::string number, std::string what, const ByteVector& payload) {
        return good(std::move(number), std::move(what), {step(opcode::ping, payload)},
                    {{opcode::pong, payload}});
    };
    cases.push_back(answered("2.1", "ping without payload", {}));
    cases.push_back(answered("2.2", "ping with a short text", hello));
    cases.push_back(answered("2.3", "ping with bytes that are no text", binary));
    cases.push_back(answered("2.4", "ping with 125 bytes", longest));
    cases.push_back(
        failing("2.5", "ping with 126 bytes", {step(opcode::ping, ByteVector(126, 0xfe))}));
    cases.push_back(chopped(answered("2.6", "ping with 125 bytes, byte by byte", longest), 1));
    cases.push_back(good("2.7", "pong that nobody asked for", {step(opcode::pong)}, {}));
    cases.push_back(
        good("2.8", "pong that nobody asked for, with payload", {step(opcode::pong, hello)}, {}));
    cases.push_back(good("2.9", "such a pong, then a ping",
                         {step(opcode::pong, hello), step(opcode::ping, binary)},
                         {{opcode::pong, binary}}));
    std::vector<Step> pings;
    std::vector<Reply> pongs;
    for (int i = 0; i < 10; ++i) {
        const ByteVector payload = bytes_of_text("payload-" + std::to_string(i));
        pings.push_back(step(opcode::ping, payload));
        pongs.push_back({opcode::pong, payload});
    }
    cases.push_back(good("2.10", "ten pings", pings, pongs));
    cases.push_back(chopped(good("2.11", "ten pings, byte by byte", pings, pongs), 1));
}

void add_reserved_bits(std::vector<Case>& cases) {
    const auto number = [](int i) { return "3." + std::to_string(i); };
    const auto with_neighbours = [](std::uint8_t reserved) {
        return std::vector<Step>{step(opcode::text, hello),
                                 step(opcode::text, hello, true, reserved), step(opcode::ping)};
    };
    const std::vector<Reply> first{{opcode::text, hello}};
    cases.push_back(failing(number(1), "text with RSV = 1", {step(opcode::text, hello, true, 1)}));
    cases.push_back(failing(number(2), "text, text with RSV = 2, ping", with_neighbours(2), first));
    cases.push_back(frame_wise(failing(number(3), "text, text with RSV = 3, ping, frame by frame",
                                       with_neighbours(3), first)));
    cases.push_back(chopped(failing(number(4), "text, text with RSV = 4, ping, byte by byte",
                                    with_neighbours(4), first),
                            1));
    cases.push_back(failing(number(5), "binary with RSV = 5",
                            {step(opcode::binary, ByteVector(5, 0xff), true, 5)}));
    cases.push_back(failing(number(6), "ping with RSV = 6", {step(opcode::ping, hello, true, 6)}));
    cases.push_back(failing(number(7), "close with RSV = 7", {step(opcode::close, {}, true, 7)}));
}

void add_opcodes(std::vector<Case>& cases) {
    for (const bool is_control : {false, true}) {
        const std::string group = is_control ? "4.2." : "4.1.";
        for (int i = 0; i < 5; ++i) {
            const auto code = static_cast<std::uint8_t>((is_control ? 11 : 3) + i);
            const std::string name = "opcode " + std::to_string(code);
            const bool has_payload = i % 2 == 1 || i == 4;
            const Step bad = step(code, has_payload ? hello : ByteVector());
            std::string what = name + (has_payload ? " with payload" : "");
            if (i < 2) {
                cases.push_back(failing(group + std::to_string(i + 1), what, {bad}));
                continue;
            }
            what = "text, " + what + ", ping";
            Case one = failing(group + std::to_string(i + 1), what,
                               {step(opcode::text, hello), bad, step(opcode::ping)},
                               {{opcode::text, hello}});
            cases.push_back(i == 4 ? chopped(std::move(one), 1) : std::move(one));
        }
    }
}

// The same three times: together, frame by frame, byte by byte.
void add_three(std::vector<Case>& cases, int number, const Case& given) {
    Case one = given;
    one.number = "5." + std::to_string(number);
    cases.push_back(one);
    one.number = "5." + std::to_string(number + 1);
    one.what = given.what + ", frame by frame";
    cases.push_back(frame_wise(one));
    one.number = "5." + std::to_string(number + 2);
    one.what = given.what + ", byte by byte";
    cases.push_back(chopped(one, 1));
}

void add_fragments(std::vector<Case>& cases) {
    const ByteVector one = bytes_of_text("fragment1");
    const ByteVector two = bytes_of_text("fragment2");
    const ByteVector ping = bytes_of_text("ping payload");
    const Reply both{opcode::text, bytes_of_text("fragment1fragment2")};
    const Step begin = step(opcode::text, one, false);
    const Step end = step(opcode::continuation, two);

    cases.push_back(failing("5.1", "ping in two fragments",
                            {step(opcode::ping, one, false), step(opcode::continuation, two)}));
    cases.push_back(failing("5.2", "pong in two fragments",
                            {step(opcode::pong, one, false), step(opcode::continuation, two)}));
    add_three(cases, 3, good("", "text in two fragments", {begin, end}, {both}));
    add_three(cases, 6,
              good("", "text in two fragments, a ping between them",
                   {begin, step(opcode::ping, ping), end}, {{opcode::pong, ping}, both}));
    add_three(cases, 9,
              failing("", "a last continuation of nothing, then text",
                      {step(opcode::continuation, one), step(opcode::text, hello)}));
    add_three(cases, 12,
              failing("", "a continuation of nothing, then text",
                      {step(opcode::continuation, one, false), step(opcode::text, hello)}));
    cases.push_back(failing(
        "5.15", "text in two fragments, a continuation of nothing, text",
        {begin, end, step(opcode::continuation, one, false), step(opcode::text, hello)}, {both}));
    for (const bool is_final : {false, true}) {
        std::vector<Step> steps;
        for (int i = 0; i < 2; ++i) {
            steps.push_back(step(opcode::continuation, one, is_final));
            steps.push_back(step(opcode::text, two, false));
            steps.push_back(step(opcode::continuation, hello));
        }
        cases.push_back(failing(is_final ? "5.17" : "5.16",
                                std::string("twice a ") + (is_final ? "last " : "") +
                                    "continuation of nothing, then text in two fragments",
                                steps));
    }
    cases.push_back(
        failing("5.18", "two fragments that both say text", {begin, step(opcode::text, two)}));

    const ByteVector late = bytes_of_text("second ping");
    Case with_pings = good(
        "5.19", "text in five fragments, a ping after the second and the fourth, frame by frame",
        {begin, step(opcode::continuation, two, false), step(opcode::ping, ping),
         step(opcode::continuation, one, false), step(opcode::continuation, two, false),
         step(opcode::ping, late), step(opcode::continuation, one)},
        {{opcode::pong, ping},
         {opcode::pong, late},
         {opcode::text, bytes_of_text("fragment1fragment2fragment1fragment2fragment1")}});
    cases.push_back(frame_wise(with_pings));
    with_pings.number = "5.20";
    with_pings.what =
        "text in five fragments, a ping after the second and the fourth, byte by byte";
    cases.push_back(chopped(with_pings, 1));
}

}  // namespace

std::vector<Case> framing_cases() {
    std::vector<Case> cases;
    add_messages(cases);
    add_pings(cases);
    add_reserved_bits(cases);
    add_opcodes(cases);
    add_fragments(cases);
    return cases;
}

}  // namespace stt::conformance
