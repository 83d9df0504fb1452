// QR codes made of text.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace stt::cli {

enum class QrColours {
    explicit_colours,  // black on white by escape sequences: right on dark and light terminals
    none,              // plain characters, light modules drawn: right where text is light on dark
};

// Two rows of modules in one line of half blocks, with the quiet zone of four modules
// that scanners need. Null when the text is too long for a QR code.
std::optional<std::string> render_qr_code(std::string_view text, QrColours colours);

}  // namespace stt::cli
