#include "stc/phe.hpp"

#include <array>
#include <stt/check.hpp>

#include "codec/varint.hpp"
#include "codec/writer.hpp"
#include "stc/cke.hpp"
#include "stc/encoded_context.hpp"

namespace stt::stc {
namespace {

// Spec stc Notation: the domain bytes of PHE.
constexpr std::uint8_t digest_domain = 0x10;
constexpr std::uint8_t keyed_digest_domain = 0x11;

// varint(|c|) ‖ c: the length in front keeps context and data apart.
void absorb_context(TurboShake128& sponge, Bytes context) noexcept {
    const Bytes encoded = encoded_context(context);
    std::array<std::uint8_t, codec::varint_size_max> prefix;
    codec::Writer writer{prefix};
    writer.varint(encoded.size());
    sponge.absorb(writer.written());
    sponge.absorb(encoded);
}

void finish_sponge(TurboShake128& sponge, std::uint8_t domain, MutableBytes output) noexcept {
    STT_CHECK(!output.empty() && output.size() <= digest_size_max);
    sponge.finish(domain);
    sponge.squeeze(output);
}

}  // namespace

Digest::Digest(Bytes context) noexcept {
    absorb_context(sponge_, context);
}

void Digest::update(Bytes data) noexcept {
    sponge_.absorb(data);
}

void Digest::finish(MutableBytes output) noexcept {
    finish_sponge(sponge_, digest_domain, output);
}

KeyedDigest::KeyedDigest(Bytes key, Bytes context) noexcept
    : KeyedDigest(DerivationKey(key), context) {}

KeyedDigest::KeyedDigest(const DerivationKey& key, Bytes context) noexcept : sponge_(key.sponge()) {
    absorb_context(sponge_, context);
}

void KeyedDigest::update(Bytes data) noexcept {
    sponge_.absorb(data);
}

void KeyedDigest::finish(MutableBytes output) noexcept {
    finish_sponge(sponge_, keyed_digest_domain, output);
}

void digest(Bytes data, Bytes context, MutableBytes output) noexcept {
    Digest sponge{context};
    sponge.update(data);
    sponge.finish(output);
}

void keyed_digest(Bytes key, Bytes data, Bytes context, MutableBytes output) noexcept {
    KeyedDigest sponge{key, context};
    sponge.update(data);
    sponge.finish(output);
}

}  // namespace stt::stc
