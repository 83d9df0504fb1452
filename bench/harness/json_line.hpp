// What a program that measures prints: one object of JSON a line, of numbers and plain words.
#pragma once

#include <string>
#include <string_view>

namespace stt::bench {

class JsonLine {
public:
    JsonLine& add(std::string_view name, double value);
    // Letters, digits and the like: nothing is escaped.
    JsonLine& add(std::string_view name, std::string_view value);
    void print();

private:
    void begin(std::string_view name);
    std::string text_;
};

}  // namespace stt::bench
