// HELLO, RESPONSE, AUTH_PROOF and FINAL: their bytes, built from given inputs and read back.
// Spec protocol §4.
//
// No clock, no randomness and no state: what the bytes of one handshake decide, and nothing
// else. Initiator and ResponderTable add the rest.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stt/bytes.hpp>
#include <stt/result.hpp>

#include "core/wire/faults.hpp"
#include "core/wire/frame.hpp"
#include "stc/cke.hpp"
#include "stc/context.hpp"
#include "stc/phe.hpp"

namespace stt::handshake {

inline constexpr std::int64_t protocol_version = 1;
// HELLO and RESPONSE are frames of exactly this size, AUTH_PROOF and FINAL never larger.
inline constexpr std::size_t padded_frame_size = 1'200;

using NodeId = std::array<std::uint8_t, 32>;
using HandshakeNonce = std::array<std::uint8_t, 32>;  // nonce_I, nonce_R
using HandshakeId = wire::SessionId;                  // the Session ID of HELLO and RESPONSE
using FrameNonce = std::array<std::uint8_t, 16>;      // N of Context.encrypt
using Digest32 = std::array<std::uint8_t, 32>;

// What a node can do, as far as this version knows the words; others are ignored.
struct Capabilities {
    bool streaming = false;
    bool udp = false;
    bool websocket = false;

    friend bool operator==(const Capabilities&, const Capabilities&) noexcept = default;
};
Capabilities intersection(const Capabilities& ours, const Capabilities& theirs) noexcept;

// What both sides know once HELLO and RESPONSE have passed.
struct Parties {
    NodeId initiator{};
    NodeId responder{};
    HandshakeNonce nonce_initiator{};
    HandshakeNonce nonce_responder{};
};

// The node id that belongs to a node's identity: 32 random bytes that it keeps.
NodeId node_id_of(std::span<const std::uint8_t, 32> identity) noexcept;
wire::SessionId session_id_of(const Parties& parties) noexcept;
Digest32 commitment_of(const stc::Context& context, const HandshakeNonce& nonce,
                       const NodeId& node_id, std::int64_t timestamp) noexcept;
// th1 is of the HELLO dict, th2 of it and the RESPONSE dict: who needs both reads the HELLO once.
class Transcript {
public:
    explicit Transcript(Bytes hello_dict) noexcept;
    Digest32 th1() const noexcept;
    Digest32 th2(Bytes response_dict) const noexcept;

private:
    stc::Digest hello_;
};
// `timestamp` is the HELLO's, `th2` the transcript of both messages.
stc::Key session_key_of(const stc::Context& context, const Parties& parties, std::int64_t timestamp,
                        const Digest32& th2) noexcept;
Digest32 confirmation_of(const stc::Key& session_key,
                         const HandshakeNonce& nonce_initiator) noexcept;

// A message that was built: its dict, which transcripts need, and its frame, ready to send.
class SealedMessage {
public:
    Bytes dict() const noexcept { return Bytes(dict_).first(dict_size_); }
    Bytes frame() const noexcept { return Bytes(frame_).first(frame_size_); }

private:
    friend class Sealer;
    std::array<std::uint8_t, padded_frame_size> dict_{};
    std::array<std::uint8_t, padded_frame_size> frame_{};
    std::size_t dict_size_ = 0;
    std::size_t frame_size_ = 0;
};

struct HelloInput {
    HandshakeId handshake_id{};
    NodeId node_id{};
    HandshakeNonce nonce{};
    std::int64_t timestamp = 0;  // unix ms, as all timestamps here
    Capabilities capabilities{};
    FrameNonce frame_nonce{};
};
SealedMessage build_hello(const stc::Context& context, const HelloInput& input) noexcept;

struct ResponseInput {
    HandshakeId handshake_id{};
    Parties parties{};
    Digest32 th1{};
    std::int64_t timestamp = 0;
    Capabilities used{};  // the intersection of both sides' capabilities
    FrameNonce challenge_nonce{};
    FrameNonce frame_nonce{};
};
SealedMessage build_response(const stc::Context& context, const ResponseInput& input) noexcept;

struct AuthProofInput {
    Parties parties{};
    Digest32 th2{};
    std::int64_t timestamp = 0;
    FrameNonce proof_nonce{};
    FrameNonce frame_nonce{};
};
SealedMessage build_auth_proof(const stc::Context& context, const AuthProofInput& input) noexcept;

struct FinalInput {
    wire::SessionId session_id{};
    Digest32 confirmation{};
    std::int64_t timestamp = 0;
    FrameNonce frame_nonce{};
};
SealedMessage build_final(const stc::Context& context, const FinalInput& input) noexcept;

// The dict of a handshake frame, decrypted into storage of its own: the datagram stays as it
// was, so that a frame that fails does no harm. Drops: handshake_malformed (larger than any
// handshake message), not_authentic. Allocates nothing.
class OpenedMessage {
public:
    static Result<OpenedMessage, wire::DropReason> open(const stc::Context& context,
                                                        const wire::FrameView& frame) noexcept;
    Bytes dict() const noexcept { return Bytes(dict_).first(size_); }

private:
    OpenedMessage() noexcept = default;
    std::array<std::uint8_t, padded_frame_size> dict_{};
    std::size_t size_ = 0;
};

// The fields of a message, without `type`, `version` and `padding`, which were checked. Each
// parse takes the dict of an opened frame, strictly canonical, every field there, of its type
// and size; unknown keys are ignored. Drops: handshake_malformed, handshake_version.
struct Hello {
    NodeId node_id{};
    HandshakeNonce nonce{};
    std::int64_t timestamp = 0;
    Capabilities capabilities{};
    Digest32 commitment{};
};
Result<Hello, wire::DropReason> parse_hello(Bytes dict);

struct Response {
    NodeId node_id{};
    HandshakeNonce nonce{};
    std::int64_t timestamp = 0;
    Capabilities capabilities{};
    std::array<std::uint8_t, 64> challenge{};
    stc::Metadata metadata{};
};
Result<Response, wire::DropReason> parse_response(Bytes dict);

struct AuthProof {
    wire::SessionId session_id{};
    std::array<std::uint8_t, 8> proof{};
    stc::Metadata metadata{};
    std::int64_t timestamp = 0;
};
Result<AuthProof, wire::DropReason> parse_auth_proof(Bytes dict);

struct Final {
    wire::SessionId session_id{};
    Digest32 confirmation{};
    std::int64_t timestamp = 0;
};
Result<Final, wire::DropReason> parse_final(Bytes dict);

// Whether the encrypted part of a message says what it must. Constant time in what is secret.
[[nodiscard]] bool is_commitment_good(const stc::Context& context, const Hello& hello) noexcept;
[[nodiscard]] bool is_challenge_good(const stc::Context& context, const Response& response,
                                     const Parties& parties, const Digest32& th1) noexcept;
[[nodiscard]] bool is_proof_good(const stc::Context& context, const AuthProof& auth_proof,
                                 const Parties& parties, const Digest32& th2) noexcept;

// A digest of a whole frame, by which a repeated AUTH_PROOF is recognised. Spec protocol §4.2.
Digest32 fingerprint_of(const wire::FrameView& frame) noexcept;

}  // namespace stt::handshake
