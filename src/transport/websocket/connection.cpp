#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <asio/error.hpp>
#include <asio/ssl/error.hpp>
#include <platform/clock.hpp>
#include <transport/websocket/connection.hpp>
#include <utility>

#include "base/earliest.hpp"

namespace stt::transport {
namespace {

// An ordinary request is answered within this, or not at all: a page of a few MB on a slow path.
constexpr Duration response_time_max = std::chrono::seconds(120);
// Who takes nothing of it for so long does not want it.
constexpr Duration response_stall_max = std::chrono::seconds(5);

bool is_of_verification(const std::error_code& error) noexcept {
    return error.category() == asio::error::get_ssl_category() &&
           ERR_GET_REASON(static_cast<unsigned long>(error.value())) ==
               SSL_R_CERTIFICATE_VERIFY_FAILED;
}

}  // namespace

WebSocketConnection::WebSocketConnection(std::shared_ptr<ByteStream> stream,
                                         asio::any_io_executor executor, stc::RandomSource& random)
    : stream_(std::move(stream)), timer_(std::move(executor)), random_(random) {}

void WebSocketConnection::start_server(websocket::ServerHandshakeConfig config, Handlers handlers) {
    is_server_ = true;
    server_.emplace(std::move(config));
    start(std::move(handlers));
}

void WebSocketConnection::start_client(websocket::ClientHandshakeConfig config, Handlers handlers) {
    is_authenticated_ = true;
    client_.emplace(std::move(config), random_);
    start(std::move(handlers));
}

void WebSocketConnection::start(Handlers handlers) {
    handlers_ = std::move(handlers);
    stage_until_ = platform::now() + authentication_time_max;
    arm_timer();
    stream_->async_handshake([self = shared_from_this()](std::error_code error) {
        if (self->stage_ == Stage::ended) return;
        if (error) {
            const auto cause = is_of_verification(error) && !self->is_server_
                                   ? WebSocketEnd::Cause::unverified
                                   : WebSocketEnd::Cause::peer;
            return self->end({cause, 0, "TLS: " + error.message()});
        }
        self->stage_ = Stage::head;
        if (self->client_) {
            const Bytes request = self->client_->request();
            self->head_.assign(text_of(request));
            self->flush();
        }
        self->read();
    });
}

void WebSocketConnection::read() {
    stream_->async_read([self = shared_from_this()](std::error_code error, MutableBytes bytes) {
        self->handle_read(error, bytes);
    });
}

void WebSocketConnection::handle_read(const std::error_code& error, MutableBytes bytes) {
    if (stage_ == Stage::ended) return;
    if (error) {
        if (stage_ == Stage::open) {
            channel_->handle_disconnected();
            take_frames({});
        }
        return end({WebSocketEnd::Cause::peer, 0, error.message()});
    }
    switch (stage_) {
        case Stage::head:
            is_server_ ? take_request(bytes) : take_response(bytes);
            break;
        case Stage::open:
            take_frames(bytes);
            break;
        default:
            break;  // nothing more is wanted
    }
    if (stage_ == Stage::ended) return;
    is_reading_held_ ? void(is_read_due_ = true) : read();
}

void WebSocketConnection::resume_reading() {
    is_reading_held_ = false;
    if (std::exchange(is_read_due_, false) && stage_ != Stage::ended) read();
}

// ---- the opening handshake

void WebSocketConnection::take_request(MutableBytes bytes) {
    const std::size_t taken = server_->handle_received(bytes);
    switch (server_->state()) {
        case websocket::ServerHandshake::State::needs_more:
            return;
        case websocket::ServerHandshake::State::http_request:
            return respond(server_->request());
        case websocket::ServerHandshake::State::upgrade:
            head_.assign(text_of(server_->response()));
            return open(bytes.subspan(taken));
        case websocket::ServerHandshake::State::refused:
            head_.assign(text_of(server_->response()));
            linger({WebSocketEnd::Cause::refused, 0, "a request that cannot be served",
                    server_->status()});
            return flush();
    }
}

void WebSocketConnection::respond(const websocket::HttpRequest& request) {
    HttpResponse response;
    if (handlers_.on_request) {
        HttpRequest asked{std::string(request.path), {}, {}};
        if (request.target.size() > request.path.size()) {
            asked.query = request.target.substr(request.path.size() + 1);
        }
        asked.host = request.header("host").value_or(std::string_view());
        response = handlers_.on_request(asked);
    } else {
        response.body = "Not Found\n";
    }
    std::vector<websocket::HeaderField> fields;
    for (const auto& [name, value] : response.headers) fields.push_back({name, value});
    head_ = websocket::response_head(response.status, response.body.size(), fields);
    if (request.method != "HEAD") head_ += response.body;
    stage_ = Stage::responding;
    stage_until_ = platform::now() + response_time_max;
    tell_end({WebSocketEnd::Cause::served, 0, "", response.status});
    flush();
    arm_timer();
}

void WebSocketConnection::take_response(MutableBytes bytes) {
    const std::size_t taken = client_->handle_received(bytes);
    switch (client_->state()) {
        case websocket::ClientHandshake::State::needs_more:
            return;
        case websocket::ClientHandshake::State::open:
            return open(bytes.subspan(taken));
        case websocket::ClientHandshake::State::failed:
            return end({WebSocketEnd::Cause::refused, 0,
                        std::string(websocket::description_of(*client_->failure())),
                        client_->status()});
    }
}

void WebSocketConnection::open(MutableBytes rest) {
    channel_.emplace(is_server_ ? websocket::Role::server : websocket::Role::client,
                     websocket::ChannelConfig(), random_, platform::now());
    // Of what comes alone: this side may write what it wants.
    if (!is_authenticated_) channel_->set_message_size_max(message_size_max_unauthenticated);
    stage_ = Stage::open;
    server_.reset();
    client_.reset();
    flush();
    if (stage_ != Stage::open) return;
    if (handlers_.on_open) handlers_.on_open();
    take_frames(rest);
}

// ---- messages

void WebSocketConnection::take_frames(MutableBytes bytes) {
    if (stage_ != Stage::open) return;
    if (!bytes.empty()) channel_->handle_received(platform::now(), bytes);
    bool is_of_protocol = true;
    while (auto event = channel_->poll_event()) {
        if (const auto* closed = std::get_if<websocket::Closed>(&*event)) {
            handle_closed(*closed);
            break;
        }
        is_of_protocol =
            is_of_protocol && handlers_.on_message(std::get<websocket::Message>(*event).data);
        if (stage_ != Stage::open) return;
    }
    if (stage_ == Stage::ended) return;
    if (stage_ == Stage::open && !is_of_protocol) {
        channel_->close(platform::now(), websocket::close_code::protocol_error,
                        "a message of other than STT's frames");
    }
    flush();
    if (stage_ == Stage::open && handlers_.on_batch_end) {
        // A copy: what it does may abandon this.
        const auto on_batch_end = handlers_.on_batch_end;
        on_batch_end();
    }
    arm_timer();
}

void WebSocketConnection::handle_closed(const websocket::Closed& closed) {
    const auto cause = is_closing_here_ ? WebSocketEnd::Cause::local : WebSocketEnd::Cause::peer;
    linger({cause, closed.code, closed.reason});
}

bool WebSocketConnection::send(Bytes message) {
    if (stage_ != Stage::open || !channel_->write_message(message)) return false;
    flush();
    if (stage_ != Stage::open) return false;
    if (channel_->buffered_size() > send_queue_full) is_full_ = true;
    if (channel_->buffered_size() > send_queue_max) {
        end({WebSocketEnd::Cause::limit, websocket::close_code::abnormal,
             "the peer reads too slowly"});
    }
    return stage_ == Stage::open;
}

void WebSocketConnection::set_authenticated() {
    if (std::exchange(is_authenticated_, true) || !channel_) return;
    channel_->set_message_size_max(websocket::ChannelConfig().message_size_max);
    arm_timer();
}

// ---- sending

Result<std::size_t, std::error_code> WebSocketConnection::write_from(Bytes bytes) {
    if (bytes.empty()) return std::size_t{0};
    STT_TRY(const std::size_t size, stream_->write_some(bytes));
    if (size > 0) stalled_since_.reset();
    return size;
}

void WebSocketConnection::flush() {
    if (stage_ == Stage::ended || is_waiting_to_write_) return;
    for (;;) {
        const bool is_of_head = head_sent_ < head_.size();
        Bytes waiting = bytes_of(head_).subspan(head_sent_);
        if (!is_of_head && channel_) waiting = channel_->poll_transmit();
        if (waiting.empty()) break;
        const auto written = write_from(waiting);
        if (!written) {
            return end({WebSocketEnd::Cause::peer, websocket::close_code::abnormal,
                        written.error().message()});
        }
        is_of_head ? void(head_sent_ += *written) : channel_->on_sent(*written);
        if (*written < waiting.size()) {
            is_waiting_to_write_ = true;
            if (!stalled_since_) stalled_since_ = platform::now();
            stream_->async_wait_writable([self = shared_from_this()](std::error_code error) {
                self->is_waiting_to_write_ = false;
                if (self->stage_ == Stage::ended) return;
                if (error) return self->end({WebSocketEnd::Cause::peer, 0, error.message()});
                self->flush();
                self->arm_timer();
            });
            break;
        }
    }
    if (is_full_ && stage_ == Stage::open && channel_->buffered_size() < send_queue_room) {
        is_full_ = false;
        if (handlers_.on_room) handlers_.on_room();
    }
    if (stage_ == Stage::open || is_waiting_to_write_ || head_sent_ < head_.size()) return;
    if (channel_ && channel_->buffered_size() > 0) return;
    if (stage_ == Stage::responding) linger({});
    // A server ends TCP first; reading goes on until the client has too. RFC 6455 §7.1.1
    if (stage_ == Stage::lingering && is_server_) stream_->shut_down();
}

// ---- the end

void WebSocketConnection::close(std::uint16_t code, std::string_view why) {
    if (stage_ == Stage::ended || stage_ == Stage::lingering) return;
    is_closing_here_ = true;
    if (stage_ != Stage::open) return end({WebSocketEnd::Cause::local, code, std::string(why)});
    channel_->close(platform::now(), code, why);
    flush();
    arm_timer();
}

void WebSocketConnection::linger(const WebSocketEnd& end) {
    stage_ = Stage::lingering;
    stage_until_ = platform::now() + linger_time;
    arm_timer();
    tell_end(end);
}

void WebSocketConnection::tell_end(const WebSocketEnd& end) {
    if (const auto on_end = std::exchange(handlers_.on_end, {})) on_end(end);
}

void WebSocketConnection::end(const WebSocketEnd& end) {
    if (std::exchange(stage_, Stage::ended) == Stage::ended) return;
    timer_.cancel();
    stream_->close();
    // It may let go of this object's last owner.
    const auto self = shared_from_this();
    tell_end(end);
    const Handlers handlers = std::exchange(handlers_, {});
    if (handlers.on_gone) handlers.on_gone();
}

void WebSocketConnection::abandon() {
    handlers_ = {};
    end({WebSocketEnd::Cause::local, 0, {}});
}

// ---- time

std::optional<Instant> WebSocketConnection::deadline() const {
    if (stage_ == Stage::ended) return std::nullopt;
    if (stage_ != Stage::open) {
        const bool is_stalled = stage_ == Stage::responding && stalled_since_;
        return is_stalled ? std::min(stage_until_, *stalled_since_ + response_stall_max)
                          : stage_until_;
    }
    std::optional<Instant> earliest = channel_->poll_timeout();
    if (!is_authenticated_) keep_earliest(earliest, stage_until_);
    if (stalled_since_) keep_earliest(earliest, *stalled_since_ + send_stall_max);
    return earliest;
}

void WebSocketConnection::arm_timer() {
    const auto at = deadline();
    // One that fires early finds nothing due, and is set anew.
    if (!at || (timer_at_ && *timer_at_ <= *at)) return;
    timer_at_ = *at;
    timer_.expires_after(std::max(Duration::zero(), *at - platform::now()));
    timer_.async_wait([self = shared_from_this()](std::error_code error) {
        if (error || self->stage_ == Stage::ended) return;
        self->timer_at_.reset();
        self->handle_timer();
    });
}

void WebSocketConnection::handle_timer() {
    const Instant now = platform::now();
    if (stage_ == Stage::open) {
        if (stalled_since_ && now >= *stalled_since_ + send_stall_max) {
            return end({WebSocketEnd::Cause::limit, websocket::close_code::abnormal,
                        "the peer takes nothing any more"});
        }
        if (!is_authenticated_ && now >= stage_until_ && channel_->is_open()) {
            is_closing_here_ = true;
            channel_->close(now, websocket::close_code::policy_violation, "no session");
            stage_until_ = now + linger_time;
        } else if (!is_authenticated_ && now >= stage_until_) {
            return end({WebSocketEnd::Cause::limit, websocket::close_code::policy_violation,
                        "no session"});
        }
        channel_->handle_timeout(now);
        return take_frames({});
    }
    const bool is_stalled = stage_ == Stage::responding && stalled_since_ &&
                            now >= *stalled_since_ + response_stall_max;
    if (is_stalled || now >= stage_until_) {
        return end({WebSocketEnd::Cause::limit, 0, "it took too long"});
    }
    arm_timer();
}

}  // namespace stt::transport
