#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>

#include "console.hpp"
#include "options.hpp"
#include "qr_code.hpp"
#include "seed_file.hpp"
#include "terminal_text.hpp"

namespace stt::cli {

ExitCode run_seed_new(const std::string& path) {
    Console console;
    if (const auto created = create_seed_file(path); !created) {
        console.error(created.error().text);
        return created.error().code;
    }
    console.say(
        fmt::format("made the seed {}; copy it to the other machine in a safe way, or scan "
                    "it: stt seed show {}",
                    quoted(path), shell_quoted(path)));
    return ExitCode::ok;
}

ExitCode run_seed_show(const std::string& path) {
    Console console;
    const auto seed = read_seed_file(path);
    if (!seed) {
        console.error(seed.error().text);
        return seed.error().code;
    }
    const std::string hex = hex_of(*seed);
    console.say(hex);
    // Upper case: QR codes have a compact form for it, and every stt reads both.
    std::string upper = hex;
    std::transform(upper.begin(), upper.end(), upper.begin(),
                   [](unsigned char digit) { return static_cast<char>(std::toupper(digit)); });
    const QrColours colours =
        ::isatty(STDOUT_FILENO) == 1 ? QrColours::explicit_colours : QrColours::none;
    if (const auto code = render_qr_code(upper, colours)) {
        console.say(*code);
    } else {
        console.warning("the seed is too long for a QR code");
    }
    return ExitCode::ok;
}

}  // namespace stt::cli
