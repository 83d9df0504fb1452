#include <asio/steady_timer.hpp>
#include <transport/websocket/dial.hpp>
#include <transport/websocket/listener.hpp>
#include <utility>

namespace stt::transport {
namespace {

// A connection that TCP has not made in this time goes by a path of no use.
constexpr Duration dial_time_max = std::chrono::seconds(10);

}  // namespace

struct Dial::State {
    State(asio::io_context& context_given, DialTarget target_given, Handler handler_given)
        : context(context_given),
          target(std::move(target_given)),
          handler(std::move(handler_given)),
          socket(context_given),
          timer(context_given) {}

    void finish(std::error_code error, std::shared_ptr<WebSocketConnection> connection) {
        timer.cancel();
        if (const Handler done = std::exchange(handler, {})) done(error, std::move(connection));
    }

    asio::io_context& context;
    DialTarget target;
    Handler handler;
    asio::ip::tcp::socket socket;
    asio::steady_timer timer;
};

Dial::Dial(asio::io_context& context, const DialTarget& target, std::shared_ptr<ReadRoom> room,
           stc::RandomSource& random, Handler handler)
    : state_(std::make_shared<State>(context, target, std::move(handler))) {
    state_->timer.expires_after(dial_time_max);
    state_->timer.async_wait([state = state_](std::error_code error) {
        if (error || !state->handler) return;
        state->finish(asio::error::timed_out, nullptr);
        std::error_code ignored;
        state->socket.close(ignored);
    });
    state_->socket.async_connect(
        to_endpoint(target.address),
        [state = state_, room = std::move(room), &random](std::error_code error) mutable {
            if (!state->handler) return;
            if (error) return state->finish(error, nullptr);
            auto stream = state->target.tls
                              ? make_tls_stream(std::move(state->socket), *state->target.tls,
                                                TlsClient{state->target.host})
                              : make_tcp_stream(std::move(state->socket), std::move(room));
            state->finish({}, std::make_shared<WebSocketConnection>(
                                  std::move(stream), state->context.get_executor(), random));
        });
}

Dial::~Dial() {
    state_->handler = {};
    state_->timer.cancel();
    std::error_code ignored;
    state_->socket.close(ignored);
}

std::string host_field_of(const DialTarget& target) {
    std::string text = target.host;
    if (text.find(':') != std::string::npos) text = '[' + text + ']';
    const std::uint16_t port = target.address.port();
    if (port != (target.tls ? 443 : 80)) text += ':' + std::to_string(port);
    return text;
}

}  // namespace stt::transport
