// Whose fault bad bytes are decides the type: nobody knows who sent what does not
// open (DropReason), and a peer is answerable for what does (Violation).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <stt/decode_error.hpp>
#include <stt/error.hpp>

namespace stt::wire {

// Why something from the network was dropped. Each moves one counter and does nothing else.
enum class DropReason : std::uint8_t {
    frame_malformed,              // cannot be parsed. Spec protocol §3
    frame_refused,                // parses, and §3 refuses it: type, flags, stream, limits
    session_unknown,              // a frame of a session this node does not have
    sequence_repeated,            // seen before. Spec protocol §6
    sequence_too_old,             // below the replay window
    epoch_unknown,                // never announced, or wiped. Spec protocol §5.2
    not_authentic,                // did not open
    handshake_unexpected,         // of a type or state that has no use for it
    handshake_seed_unknown,       // no seed has this hint. Spec protocol §4.1, as all that follow
    handshake_malformed,          // opened, and is not a strictly canonical message
    handshake_version,            // a version other than 1
    handshake_timestamp,          // outside the window
    handshake_commitment,         // the commitment, challenge, proof or confirmation is wrong
    handshake_replayed,           // nonce seen before
    handshake_own_node,           // carries this node's own id. Spec protocol §4.4
    handshake_wrong_peer,         // not the node id that was asked for. Spec protocol §4.3
    handshake_wrong_address,      // from another address than it must come from
    handshake_half_open_limit,    // too many half-open handshakes
    handshake_nonce_limit,        // too many nonces are remembered
    handshake_repeat_limit,       // the same HELLO again, too often
    handshake_rate,               // too many handshakes a second in all
    handshake_source_rate,        // too many handshakes a second from one source
    session_limit,                // too many sessions
    handshake_session_id_in_use,  // names a session that exists. Spec protocol §4.1 (g), §4.3 (g)
    data_beyond_initial_credit,   // waits for its OPEN past the initial credit. Spec protocol §8.3
    stream_closed,                // of a stream that is closed
    queue_full,                   // a bounded queue had no room
    no_handler,                   // of an application's type that nobody handles
    count_,
};
inline constexpr std::size_t drop_reason_count = static_cast<std::size_t>(DropReason::count_);

// A word for counters and logs, such as "not_authentic".
std::string_view name_of(DropReason reason) noexcept;

// An authenticated peer broke the protocol: the session closes with `code`.
struct Violation {
    ErrorCode code = ErrorCode::protocol;
    std::string_view text;  // a literal

    Violation(ErrorCode code_given, std::string_view text_given) noexcept
        : code(code_given), text(text_given) {}
    // Plaintext that does not decode is error 1. Spec protocol §8.1.
    explicit Violation(DecodeError error) noexcept
        : code(ErrorCode::protocol), text(text_of(error)) {}
};

}  // namespace stt::wire
