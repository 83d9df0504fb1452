#include "stc/pcf.hpp"

#include "codec/dict_encoder.hpp"

namespace stt::stc {

Key rotate(const Key& key, std::span<const std::uint8_t, 32> nonce, std::uint64_t epoch) noexcept {
    codec::ContextDict context;
    context.unsigned_integer("epoch", epoch).bytes("nonce", nonce).string("purpose", "rotation");
    return DerivationKey{key}.derive_key(context.encoded());
}

}  // namespace stt::stc
