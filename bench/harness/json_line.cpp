#include "bench/harness/json_line.hpp"

#include <array>
#include <cstdio>

namespace stt::bench {

void JsonLine::begin(std::string_view name) {
    text_.append(text_.empty() ? "{\"" : ", \"").append(name).append("\": ");
}

JsonLine& JsonLine::add(std::string_view name, double value) {
    begin(name);
    std::array<char, 32> digits{};
    std::snprintf(digits.data(), digits.size(), "%.6g", value);
    text_ += digits.data();
    return *this;
}

JsonLine& JsonLine::add(std::string_view name, std::string_view value) {
    begin(name);
    text_.append("\"").append(value).append("\"");
    return *this;
}

void JsonLine::print() {
    std::printf("%s}\n", text_.c_str());
    std::fflush(stdout);
    text_.clear();
}

}  // namespace stt::bench
