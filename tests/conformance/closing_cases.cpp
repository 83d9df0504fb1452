// Category 7: the closing handshake.
#include <algorithm>
#include <utility>

#include "tests/conformance/case.hpp"

namespace stt::conformance {
namespace {

const ByteVector hello = bytes_of_text("Hello World!");

ByteVector body(unsigned code, std::string_view reason = {}) {
    ByteVector bytes(2 + reason.size());
    bytes[0] = static_cast<std::uint8_t>(code >> 8);
    bytes[1] = static_cast<std::uint8_t>(code);
    std::copy(reason.begin(), reason.end(), bytes.begin() + 2);
    return bytes;
}
Step close_step(ByteVector payload) {
    return {{opcode::close, std::move(payload)}};
}
Step text_step(const ByteVector& payload) {
    return {{opcode::text, payload}};
}

Case closing(std::string number, std::string what, std::vector<Step> steps, unsigned code = 1000,
             std::vector<Reply> replies = {}) {
    return {std::move(number),  std::move(what), std::move(steps),
            std::move(replies), Ending::by_peer, static_cast<std::uint16_t>(code)};
}
Case failing(std::string number, std::string what, ByteVector payload, unsigned code = 1002) {
    Case one = closing(std::move(number), std::move(what), {close_step(std::move(payload))}, code);
    one.ending = Ending::failure;
    return one;
}

void add_order(std::vector<Case>& cases) {
    const Step close = close_step(body(1000));
    const Step ping{{opcode::ping, {}}};
    cases.push_back(
        closing("7.1.1", "text, close", {text_step(hello), close}, 1000, {{opcode::text, hello}}));
    cases.push_back(closing("7.1.2", "two close frames", {close, close}));
    cases.push_back(closing("7.1.3", "close, ping", {close, ping}));
    cases.push_back(closing("7.1.4", "close, text", {close, text_step(hello)}));
    cases.push_back(
        closing("7.1.5", "a first fragment, close, the last fragment",
                {{{opcode::text, hello, false}}, close, {{opcode::continuation, hello}}}));
    const ByteVector large(256 * 1024, 'a');
    cases.push_back(closing("7.1.6", "text of 256 KiB, text, close, ping",
                            {text_step(large), text_step(hello), close, ping}, 1000,
                            {{opcode::text, large}, {opcode::text, hello}}));
}

void add_bodies(std::vector<Case>& cases) {
    cases.push_back(closing("7.3.1", "close without body", {close_step({})}, 1005));
    cases.push_back(failing("7.3.2", "close with a body of one byte", {'a'}));
    cases.push_back(closing("7.3.3", "close with a code", {close_step(body(1000))}));
    cases.push_back(
        closing("7.3.4", "close with a code and a reason", {close_step(body(1000, "done"))}));
    cases.push_back(closing("7.3.5", "close with a reason of 123 bytes",
                            {close_step(body(1000, std::string(123, '*')))}));
    cases.push_back(
        failing("7.3.6", "close with a reason of 124 bytes", body(1000, std::string(124, '*'))));
    cases.push_back(failing("7.5.1", "close with a reason that is not UTF-8",
                            body(1000, "\xce\xba\xe1\xbd\xb9\xed\xa0\x80"), 1007));
}

void add_codes(std::vector<Case>& cases) {
    int number = 0;
    for (const unsigned code : {1000u, 1001u, 1002u, 1003u, 1007u, 1008u, 1009u, 1010u, 1011u,
                                3000u, 3999u, 4000u, 4999u}) {
        cases.push_back(closing("7.7." + std::to_string(++number),
                                "close with code " + std::to_string(code), {close_step(body(code))},
                                code));
    }
    number = 0;
    for (const unsigned code : {0u, 999u, 1004u, 1005u, 1006u, 1016u, 1100u, 2000u, 2999u}) {
        cases.push_back(failing("7.9." + std::to_string(++number),
                                "close with code " + std::to_string(code), body(code)));
    }
    cases.push_back(failing("7.13.1", "close with code 5000", body(5000)));
    cases.push_back(failing("7.13.2", "close with code 65535", body(65535)));
}

}  // namespace

std::vector<Case> closing_cases() {
    std::vector<Case> cases;
    add_order(cases);
    add_bodies(cases);
    add_codes(cases);
    return cases;
}

}  // namespace stt::conformance
