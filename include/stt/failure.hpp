// What can go wrong for an application, as std::error_code.
#pragma once

#include <system_error>
#include <type_traits>

namespace stt {

enum class Failure {
    // connect
    handshake_timeout = 1,  // no answer: nobody there, another seed, or a path that is blocked
    wrong_peer,             // another node than the wanted one answered
    incompatible_peer,      // who answered holds the seed, and speaks another protocol
    no_address,             // none was given, or more than 64
    unknown_seed,           // no such seed, or it was removed meanwhile
    session_limit,          // session_count_max
    not_a_node,             // what answers there has no WebSocket of STT
    certificate_refused,    // TLS: not to be trusted, or for another name
    path_too_small,         // this machine's interface cannot carry datagrams of 1,200 bytes
    // sessions
    session_closed,          // closed by this side
    session_closed_by_peer,  // the peer closed it: see Session::close_reason()
    session_timeout,         // nothing was heard for the idle time
    session_violation,       // the peer broke the protocol
    session_seed_removed,    // its seed was removed, or expired
    node_closed,
    already_listening,  // one socket of each family: a second listen() has no use
    ping_limit,         // too many pings wait for their answer
    seed_size,          // seeds have 16 to 4,096 bytes
    seed_limit,         // seed_count_max
    // streams
    stream_reset,        // the peer gave the stream's sending up: see Stream::reset_code()
    stream_stopped,      // the peer does not want what this side sends
    stream_limit,        // the peer allows no more streams now
    stream_finished,     // writing after finish() or reset()
    endpoint_name_size,  // endpoint names have 0 to 255 bytes of UTF-8
    stream_options,      // a priority above 7, or a deadline where there can be none, or none
    message_too_large,   // over 1,048,573 bytes, the send buffer, or a datagram of the path
    message_expired,     // its deadline passed while it waited for room
    // custom frames
    custom_type,          // a type below 0x80, which is the protocol's
    custom_payload_size,  // over 1,100 bytes
};

const std::error_category& failure_category() noexcept;

inline std::error_code make_error_code(Failure failure) noexcept {
    return {static_cast<int>(failure), failure_category()};
}

}  // namespace stt

template <>
struct std::is_error_code_enum<stt::Failure> : std::true_type {};
