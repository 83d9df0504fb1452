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

// A line of what a measurement reports, and no more.
template <class Measurement>
void print_report(Measurement& measurement) {
    JsonLine line;
    measurement.report(line);
    line.print();
}

}  // namespace stt::bench
