// The arguments of a program that measures: a command, then names and values.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>

namespace stt::bench {

// Of a program with two processes: then it knows what Place (two_ends.hpp) is told, too.
enum class Ends { one, two };

// PROGRAM [COMMAND] [--name VALUE]...
class Arguments {
public:
    // Ends the program, telling what is known, at a name that is not known or has no value.
    Arguments(int count, char** values, Ends ends, std::initializer_list<std::string_view> names);

    bool has(std::string_view name) const { return values_.contains(name); }
    std::string text(std::string_view name, std::string_view otherwise) const;
    // Ends the program when it is no number, or is negative.
    std::uint64_t number(std::string_view name, std::uint64_t otherwise) const;
    double real(std::string_view name, double otherwise) const;
    // One of `choices`, of which the first is what holds otherwise; else the program ends.
    std::string choice(std::string_view name,
                       std::initializer_list<std::string_view> choices) const;

    // Runs what the command names; else the program ends, telling what there is.
    struct Command {
        std::string_view name;
        void (*run)(const Arguments&);
    };
    void run(std::initializer_list<Command> commands) const;

    [[noreturn]] void fail(std::string_view fault) const;

private:
    std::string program_;
    std::string command_;  // empty when the first argument was a name, or there was none
    std::string known_;
    std::map<std::string, std::string, std::less<>> values_;
};

}  // namespace stt::bench
