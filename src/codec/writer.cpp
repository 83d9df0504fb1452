#include "codec/writer.hpp"

#include <cstring>

namespace stt::codec {

void Writer::bytes(Bytes value) noexcept {
    const MutableBytes place = skip(value.size());
    if (!value.empty()) std::memcpy(place.data(), value.data(), value.size());
}

void Writer::zeros(std::size_t size) noexcept {
    const MutableBytes place = skip(size);
    if (size > 0) std::memset(place.data(), 0, size);
}

}  // namespace stt::codec
