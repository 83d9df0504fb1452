// stt-vector-tests [FOLDER]: every entry of the conformance vectors, in both directions.
//
// Prints a line for each section and, last, "N passed, N failed". Exit code 0: all passed; 1:
// something failed; 2: wrong usage.
#include <filesystem>
#include <fstream>
#include <iostream>
#include <set>

#include "tests/vectors/vector_files.hpp"

namespace stt::vectors {
namespace {

struct File {
    const char* name;
    bool is_required;
    void (*run)(const Json& file, Tally& tally);
};

constexpr File files[] = {{"codec.json", true, run_codec},
                          {"stc.json", true, run_stc},
                          {"wire.json", true, run_wire},
#ifndef __EMSCRIPTEN__  // a browser brings its own WebSocket
                          {"websocket.json", false, run_websocket},
#endif
                          {"rfc9861.json", false, run_rfc9861}};

void run_file(const std::filesystem::path& folder, const File& file, Tally& tally) {
    const std::filesystem::path path = folder / file.name;
    if (!std::filesystem::exists(path)) {
        if (file.is_required) return tally.fail(path.string() + ": missing file");
        std::cout << "no " << path.string() << ", which is not required\n";
        return;
    }
    std::ifstream input(path);
    Json json;
    try {
        // A key that comes twice would hide the first one's entries.
        std::vector<std::set<std::string>> keys;
        json = Json::parse(input, [&](int, Json::parse_event_t event, Json& parsed) {
            if (event == Json::parse_event_t::object_start) keys.emplace_back();
            if (event == Json::parse_event_t::object_end) keys.pop_back();
            if (event == Json::parse_event_t::key &&
                !keys.back().insert(parsed.get<std::string>()).second) {
                throw std::invalid_argument("the key " + parsed.dump() + " comes twice");
            }
            return true;
        });
    } catch (const std::exception& problem) {
        return tally.fail(path.string() + ": malformed JSON: " + problem.what());
    }
    file.run(json, tally);
}

}  // namespace
}  // namespace stt::vectors

int main(int argument_count, char** arguments) {
    if (argument_count > 2) {
        std::cerr << "usage: stt-vector-tests [FOLDER]\n";
        return 2;
    }
    const std::filesystem::path folder = argument_count == 2 ? arguments[1] : STT_VECTORS_FOLDER;
    stt::vectors::Tally tally;
    for (const auto& file : stt::vectors::files) stt::vectors::run_file(folder, file, tally);
    tally.print_total();
    return tally.failed() == 0 ? 0 : 1;
}
