#include "testing/sealed_handshake.hpp"

#include <algorithm>
#include <utility>

namespace stt::testing {

std::vector<std::uint8_t> seal_handshake(const stc::Context& context, const stc::Context& hint_of,
                                         const HandshakeEnvelope& envelope, Bytes plaintext) {
    stc::SeedHint hint{};
    if (envelope.has_hint) hint = hint_of.seed_hint(envelope.nonce);
    std::vector<std::uint8_t> bytes(
        wire::handshake_frame_overhead(plaintext.size(), envelope.has_hint) + plaintext.size());
    const wire::FrameLayout layout = wire::lay_out_handshake_frame(
        envelope.type, envelope.session_id, envelope.has_hint ? Bytes(hint) : Bytes{},
        envelope.nonce, plaintext.size(), bytes);
    std::copy(plaintext.begin(), plaintext.end(), layout.payload.begin());
    std::vector<std::uint8_t> header(layout.header.begin(), layout.header.end());
    header.insert(header.end(), layout.metadata_head.begin(), layout.metadata_head.end());
    const auto bound =
        encode(Value(Value::Dict{{"purpose", Value("frame")}, {"header", Value(header)}}));
    const stc::Metadata metadata = context.encrypt(layout.payload, bound, envelope.nonce);
    std::copy(metadata.end() - wire::handshake_tag_size, metadata.end(), layout.tag.begin());
    return bytes;
}

std::vector<std::uint8_t> padded_dict(Value::Dict dict, bool has_hint, const std::string& filler,
                                      std::size_t frame_size) {
    dict.insert_or_assign(filler, Value(std::vector<std::uint8_t>{}));
    const std::size_t empty = encode(Value(dict)).size();
    const std::size_t overhead = wire::handshake_frame_overhead(frame_size, has_hint);
    if (frame_size < overhead || frame_size - overhead < empty) return {};
    const std::size_t missing = frame_size - overhead - empty;
    dict.insert_or_assign(filler, Value(std::vector<std::uint8_t>(missing)));
    return encode(Value(std::move(dict)));
}

}  // namespace stt::testing
