// The client's side of the opening handshake. RFC 6455 §4.1; Spec protocol §13.2.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <stt/bytes.hpp>

#include "core/websocket/http_head.hpp"
#include "core/websocket/server_handshake.hpp"
#include "stc/random.hpp"

namespace stt::websocket {

struct ClientHandshakeConfig {
    std::string host;  // as in a URI: with the port where that is not the scheme's own
    std::string path{default_path};
    std::string subprotocol{default_subprotocol};
    std::optional<std::string> origin;  // for those that stand for a browser

    // Every text may stand where the request has it. What a person typed is asked before it is
    // given to ClientHandshake.
    bool is_valid() const noexcept;
};

enum class HandshakeFailure : std::uint8_t {
    response_malformed,
    response_too_long,  // head_size_max, first_line_size_max, header_count_max
    status,             // not 101: the server refused, see status()
    no_upgrade,         // Upgrade or Connection is missing, or names another protocol
    accept_wrong,       // Sec-WebSocket-Accept does not answer the key
    subprotocol_wrong,  // none, or another than the one that was asked for
    extension_unasked,
};
// A few words, for logs.
std::string_view description_of(HandshakeFailure failure) noexcept;

// Asks a server to change to the WebSocket protocol, and reads one response.
class ClientHandshake {
public:
    enum class State : std::uint8_t {
        needs_more,
        open,    // what follows the response is the channel's
        failed,  // the owner closes the connection
    };

    // `config` is valid, else an STT_CHECK breaks. `random` gives the key's 16 bytes now.
    ClientHandshake(ClientHandshakeConfig config, stc::RandomSource& random);

    // All that is to be sent. Good while the handshake is there.
    Bytes request() const noexcept { return bytes_of(request_); }
    // Takes bytes up to the end of the response's head and gives their count; none after that.
    std::size_t handle_received(Bytes data);
    State state() const noexcept { return state_; }
    // In state failed.
    std::optional<HandshakeFailure> failure() const noexcept { return failure_; }
    // Of the response; 0 until it was read, and when it is malformed.
    unsigned status() const noexcept { return status_; }

private:
    std::optional<HandshakeFailure> check_response();
    bool read_status_line();

    ClientHandshakeConfig config_;
    std::string key_;
    std::string request_;
    HttpHead head_;
    State state_ = State::needs_more;
    std::optional<HandshakeFailure> failure_;
    unsigned status_ = 0;
};

}  // namespace stt::websocket
