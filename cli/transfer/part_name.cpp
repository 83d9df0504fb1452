#include "part_name.hpp"

#include <algorithm>
#include <stt/value.hpp>
#include <utility>

#include "path_rules.hpp"

namespace stt::cli {

std::string part_name(const Offer& offer) {
    Value::Dict dict;
    dict.emplace("path", Value(offer.path));
    dict.emplace("size", Value(offer.size));
    dict.emplace("seconds", Value(offer.modified.seconds));
    dict.emplace("nanoseconds", Value(std::int64_t{offer.modified.nanoseconds}));
    ContentDigest digest;
    digest.update(encode(Value(std::move(dict))));
    const ContentDigest::Output output = digest.finish();
    constexpr std::string_view digits = "0123456789abcdef";
    std::string hex;
    for (std::size_t i = 0; i < 8; ++i) {
        hex += digits[output[i] >> 4];
        hex += digits[output[i] & 0xf];
    }

    std::string_view name = offer.path;
    name = name.substr(name.rfind('/') + 1);
    // "." and "." and the digits around it.
    const std::size_t room = component_size_max - 2 - hex.size() - part_suffix.size();
    std::size_t size = std::min(name.size(), room);
    // Not through the middle of a character.
    while (size < name.size() && size > 0 && (name[size] & 0xc0) == 0x80) --size;
    return "." + std::string(name.substr(0, size)) + "." + hex + std::string(part_suffix);
}

}  // namespace stt::cli
