#include "qr_code.hpp"

#include <qrencode.h>

#include <memory>
#include <string>

namespace stt::cli {
namespace {

struct FreeCode {
    void operator()(QRcode* code) const noexcept { QRcode_free(code); }
};

constexpr int quiet_zone = 4;  // ISO/IEC 18004

bool is_dark(const QRcode& code, int x, int y) {
    if (x < 0 || y < 0 || x >= code.width || y >= code.width) return false;
    return (code.data[y * code.width + x] & 1) != 0;
}

}  // namespace

std::optional<std::string> render_qr_code(std::string_view text, QrColours colours) {
    const std::unique_ptr<QRcode, FreeCode> code(
        QRcode_encodeString(std::string(text).c_str(), 0, QR_ECLEVEL_M, QR_MODE_8, 1));
    if (code == nullptr) return std::nullopt;
    const bool coloured = colours == QrColours::explicit_colours;
    std::string result;
    for (int y = -quiet_zone; y < code->width + quiet_zone; y += 2) {
        if (coloured) result += "\x1b[38;5;16;48;5;231m";
        for (int x = -quiet_zone; x < code->width + quiet_zone; ++x) {
            // Without colours a block is light: ink and paper change places.
            const bool upper = is_dark(*code, x, y) == coloured;
            const bool lower = is_dark(*code, x, y + 1) == coloured;
            const char* both = lower ? "\u2588" : "\u2580";
            const char* rest = lower ? "\u2584" : " ";
            result += upper ? both : rest;
        }
        if (coloured) result += "\x1b[0m";
        result += '\n';
    }
    return result;
}

}  // namespace stt::cli
