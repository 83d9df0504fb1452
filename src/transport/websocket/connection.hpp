// A WebSocket connection with its socket, from its first byte to its last. RFC 6455; Spec protocol
// §13.2, §13.3.
#pragma once

#include <asio/steady_timer.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <stt/address.hpp>
#include <stt/bytes.hpp>
#include <stt/time.hpp>
#include <stt/web_page.hpp>
#include <system_error>
#include <variant>

#include "core/websocket/channel.hpp"
#include "core/websocket/client_handshake.hpp"
#include "core/websocket/http_response.hpp"
#include "core/websocket/server_handshake.hpp"
#include "stc/random.hpp"
#include "transport/websocket/byte_stream.hpp"

namespace stt::transport {

// With more than this waiting to be sent a connection is full; with less than the second it has
// room again. Chosen: four messages of the largest that STT writes, and one.
inline constexpr std::size_t send_queue_full = 256u << 10;
inline constexpr std::size_t send_queue_room = 64u << 10;
// What is written to one that is full is answers and closes, and the end of what was under way; who
// lets this much wait is broken off.
inline constexpr std::size_t send_queue_max = 2u << 20;
// Something waits and the peer's TCP takes nothing of it for so long: it is gone.
inline constexpr Duration send_stall_max = std::chrono::seconds(30);
// Of a server: from the connection until the head of its request is there, and until something
// authentic has come. Spec protocol §13.3.
inline constexpr Duration authentication_time_max = std::chrono::seconds(10);
inline constexpr std::size_t message_size_max_unauthenticated = 2'048;
// After the close frames, or a response, until the peer has ended TCP too.
inline constexpr Duration linger_time = std::chrono::seconds(2);

struct WebSocketEnd {
    enum class Cause {
        peer,        // it closed, or broke the connection
        local,       // close() was called here
        refused,     // the opening handshake failed, see `text`
        unverified,  // TLS: the certificate is not to be trusted
        limit,       // a time or a size was over its limit
        served,      // it was an ordinary request, which was answered
    };
    Cause cause = Cause::peer;
    std::uint16_t code = 0;  // of the close frame, where there was one
    std::string text;        // for logs and people
    unsigned http_status = 0;
};

// One connection. Made by a listener or by dial(); whoever holds it is told by its handlers what
// happens, from the loop. Under way, it keeps itself alive; abandon() ends that.
class WebSocketConnection : public std::enable_shared_from_this<WebSocketConnection> {
public:
    struct Handlers {
        std::function<void()> on_open;
        // A message; free to be changed until it returns. False: it is not what the protocol
        // speaks, and the connection closes with 1002.
        std::function<bool(MutableBytes)> on_message;
        // All messages of a read were given.
        std::function<void()> on_batch_end;
        // It was full and has room again.
        std::function<void()> on_room;
        // Of a server: an ordinary request; without it, 404.
        std::function<HttpResponse(const HttpRequest&)> on_request;
        // Once: nothing comes or goes any more, but for what is polite.
        std::function<void(const WebSocketEnd&)> on_end;
        // The last call, once: its socket is closed.
        std::function<void()> on_gone;
    };

    // `random` outlives the connection.
    WebSocketConnection(std::shared_ptr<ByteStream> stream, asio::any_io_executor executor,
                        stc::RandomSource& random);
    void start_server(websocket::ServerHandshakeConfig config, Handlers handlers);
    void start_client(websocket::ClientHandshakeConfig config, Handlers handlers);

    bool is_open() const noexcept { return stage_ == Stage::open; }
    // False: it is not open. What is over send_queue_max ends it.
    bool send(Bytes message);
    bool is_full() const noexcept { return is_full_; }
    bool has_unsent() const noexcept {
        return stage_ == Stage::open && (channel_->buffered_size() > 0 || stream_->has_unsent());
    }
    // Of a server: something authentic came by it.
    void set_authenticated();
    bool is_authenticated() const noexcept { return is_authenticated_; }
    // Nothing more is read than what has been, until it goes on: the peer's TCP has to wait.
    void hold_reading() noexcept { is_reading_held_ = true; }
    void resume_reading();
    // Closes with a close frame; on_end follows. `why`: of the peer's log.
    void close(std::uint16_t code, std::string_view why);
    // Lets go at once: no handler is called any more.
    void abandon();

private:
    enum class Stage { tls, head, responding, open, lingering, ended };

    void start(Handlers handlers);
    void read();
    void handle_read(const std::error_code& error, MutableBytes bytes);
    void take_request(MutableBytes bytes);
    void take_response(MutableBytes bytes);
    void open(MutableBytes rest);
    void respond(const websocket::HttpRequest& request);
    void take_frames(MutableBytes bytes);
    void handle_closed(const websocket::Closed& closed);
    void flush();
    Result<std::size_t, std::error_code> write_from(Bytes bytes);
    void linger(const WebSocketEnd& end);
    void end(const WebSocketEnd& end);
    void tell_end(const WebSocketEnd& end);
    void arm_timer();
    void handle_timer();
    std::optional<Instant> deadline() const;

    std::shared_ptr<ByteStream> stream_;
    asio::steady_timer timer_;
    stc::RandomSource& random_;
    Handlers handlers_;
    Stage stage_ = Stage::tls;
    bool is_server_ = false;
    bool is_authenticated_ = false;
    bool is_full_ = false;
    bool is_waiting_to_write_ = false;
    bool is_closing_here_ = false;
    bool is_reading_held_ = false;
    bool is_read_due_ = false;  // when it is held no more
    std::optional<websocket::ServerHandshake> server_;
    std::optional<websocket::ClientHandshake> client_;
    std::optional<websocket::Channel> channel_;
    std::string head_;  // bytes of the handshake, or of a response, that wait to be sent
    std::size_t head_sent_ = 0;
    Instant stage_until_{};                 // of all stages but open; there, of authentication
    std::optional<Instant> stalled_since_;  // something waits, and nothing left since then
    std::optional<Instant> timer_at_;
};

}  // namespace stt::transport
