#include "stc/cke.hpp"

#include <stt/check.hpp>

#include "stc/encoded_context.hpp"

namespace stt::stc {
namespace {

// Spec stc, Notation: the domain byte of CKE derive.
constexpr std::uint8_t derive_domain = 0x12;

}  // namespace

DerivationKey::DerivationKey(Bytes key) noexcept {
    STT_CHECK(key.size() >= derive_key_size_min && key.size() <= derive_key_size_max);
    keyed_.absorb_key_block(key);
}

void DerivationKey::derive(Bytes context, MutableBytes output) const noexcept {
    STT_CHECK(!output.empty() && output.size() <= derive_output_size_max);
    TurboShake128 sponge = keyed_;
    sponge.absorb(encoded_context(context));
    sponge.finish(derive_domain);
    sponge.squeeze(output);
}

Key DerivationKey::derive_key(Bytes context) const noexcept {
    Key key;
    derive(context, key.mutable_bytes());
    return key;
}

}  // namespace stt::stc
