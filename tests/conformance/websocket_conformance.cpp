// websocket_conformance [--json FILE]: a channel, as server and as client, against the cases that
// are known by the numbers of the Autobahn test suite.
//
// Each case runs as it is, and, where it is short, with its bytes cut into pieces of several other
// sizes. Prints a line for each case and role; exit code 0: all passed; 1: something failed; 2:
// wrong usage.
#include <algorithm>
#include <fstream>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string_view>

#include "tests/conformance/tester.hpp"

namespace stt::conformance {
namespace {

// Of what a case sends: so much is cut finer as well.
constexpr std::size_t cut_size_max = 1 << 20;
constexpr std::size_t byte_wise_size_max = 1 << 17;

std::string play_all(const Case& one, websocket::Role subject) {
    std::string fault = play(one, subject);
    if (!fault.empty()) return fault;
    std::size_t size = 0;
    for (const Step& step : one.steps) size += step.frame.payload.size() + 14;
    for (const std::size_t chop : {1u, 2u, 7u, 64u, 997u, 16'384u}) {
        if (size > cut_size_max || (chop < 64 && size > byte_wise_size_max)) continue;
        fault = play(one, subject, chop);
        if (!fault.empty()) return fault + ", in pieces of " + std::to_string(chop);
    }
    return {};
}

int run(const char* json_name) {
    nlohmann::ordered_json report = nlohmann::ordered_json::array();
    std::size_t passed = 0;
    std::size_t failed = 0;
    for (auto* make : {framing_cases, utf8_cases, closing_cases, size_cases}) {
        for (const Case& one : make()) {
            nlohmann::ordered_json entry{
                {"case", one.number}, {"what", one.what}, {"expected", one.expected()}};
            for (const auto subject : {websocket::Role::server, websocket::Role::client}) {
                const std::string fault = play_all(one, subject);
                const char* role = subject == websocket::Role::server ? "server" : "client";
                const std::string result = fault.empty() ? "passed" : "FAILED: " + fault;
                ++(fault.empty() ? passed : failed);
                std::cout << one.number << ' ' << role << ": " << one.what << " -> "
                          << one.expected() << ": " << result << '\n';
                entry[role] = result;
            }
            report.push_back(std::move(entry));
        }
    }
    std::cout << report.size() << " cases in two roles: " << passed << " passed, " << failed
              << " failed\n";
    if (json_name != nullptr) std::ofstream(json_name) << report.dump(1) << '\n';
    return failed == 0 && passed > 0 ? 0 : 1;
}

}  // namespace
}  // namespace stt::conformance

int main(int argument_count, char** arguments) {
    const bool has_json = argument_count == 3 && std::string_view(arguments[1]) == "--json";
    if (argument_count != 1 && !has_json) {
        std::cerr << "usage: websocket_conformance [--json FILE]\n";
        return 2;
    }
    return stt::conformance::run(has_json ? arguments[2] : nullptr);
}
