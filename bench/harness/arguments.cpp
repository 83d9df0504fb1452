#include "bench/harness/arguments.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace stt::bench {

Arguments::Arguments(int count, char** values, Ends ends,
                     std::initializer_list<std::string_view> names)
    : program_(values[0]) {
    program_.erase(0, program_.rfind('/') + 1);
    std::vector<std::string_view> known(names);
    if (ends == Ends::two) known.insert(known.end(), {"address", "server-namespace", "cores"});
    for (const std::string_view name : known) known_.append(" --").append(name);
    int at = 1;
    if (at < count && std::string_view(values[at]).substr(0, 2) != "--") command_ = values[at++];
    for (; at < count; at += 2) {
        const std::string_view word = values[at];
        const std::string_view name = word.substr(std::min<std::size_t>(2, word.size()));
        if (word.substr(0, 2) != "--" ||
            std::find(known.begin(), known.end(), name) == known.end()) {
            fail("unknown: " + std::string(word));
        }
        if (at + 1 == count) fail("no value: " + std::string(word));
        values_.insert_or_assign(std::string(name), values[at + 1]);
    }
}

void Arguments::run(std::initializer_list<Command> commands) const {
    std::string names;
    for (const Command& command : commands) {
        if (command.name == command_) return command.run(*this);
        names.append(names.empty() ? "" : " or ").append(command.name);
    }
    fail(names);
}

std::string Arguments::text(std::string_view name, std::string_view otherwise) const {
    const auto found = values_.find(name);
    return found == values_.end() ? std::string(otherwise) : found->second;
}

std::uint64_t Arguments::number(std::string_view name, std::uint64_t otherwise) const {
    return static_cast<std::uint64_t>(real(name, static_cast<double>(otherwise)));
}

double Arguments::real(std::string_view name, double otherwise) const {
    const auto found = values_.find(name);
    if (found == values_.end()) return otherwise;
    char* end = nullptr;
    const double value = std::strtod(found->second.c_str(), &end);
    if (*end != '\0' || end == found->second.c_str() || !(value >= 0)) {
        fail("no number: --" + std::string(name) + " " + found->second);
    }
    return value;
}

std::string Arguments::choice(std::string_view name,
                              std::initializer_list<std::string_view> choices) const {
    const std::string value = text(name, *choices.begin());
    if (std::find(choices.begin(), choices.end(), value) == choices.end()) {
        fail("not known: --" + std::string(name) + " " + value);
    }
    return value;
}

void Arguments::fail(std::string_view fault) const {
    std::fprintf(stderr, "%s: %.*s; known:%s\n", program_.c_str(), static_cast<int>(fault.size()),
                 fault.data(), known_.c_str());
    std::exit(2);
}

}  // namespace stt::bench
