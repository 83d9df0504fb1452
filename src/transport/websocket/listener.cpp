#include <asio/ip/v6_only.hpp>
#include <transport/websocket/listener.hpp>
#include <utility>

namespace stt::transport {
namespace {

using asio::ip::tcp;

// When the process has no descriptors left, or the like. Chosen: soon enough, and no busy loop.
constexpr Duration accept_pause = std::chrono::milliseconds(100);

}  // namespace

Address to_address(const tcp::endpoint& endpoint) noexcept {
    const auto address = endpoint.address();
    if (address.is_v4()) return Address::ipv4(address.to_v4().to_bytes(), endpoint.port());
    const auto six = address.to_v6();
    if (six.is_v4_mapped()) {
        const auto four = asio::ip::make_address_v4(asio::ip::v4_mapped, six);
        return Address::ipv4(four.to_bytes(), endpoint.port());
    }
    return Address::ipv6(six.to_bytes(), endpoint.port(),
                         static_cast<std::uint32_t>(six.scope_id()));
}

tcp::endpoint to_endpoint(const Address& address) noexcept {
    if (address.family() == Address::Family::ipv4) {
        asio::ip::address_v4::bytes_type octets{};
        std::copy_n(address.octets().begin(), octets.size(), octets.begin());
        return {asio::ip::address_v4(octets), address.port()};
    }
    return {asio::ip::address_v6(address.octets(), address.scope_id()), address.port()};
}

WebSocketListener::WebSocketListener(asio::io_context& context, ListenerConfig config,
                                     std::shared_ptr<ReadRoom> room, stc::RandomSource& random)
    : context_(context),
      acceptor_(context),
      pause_(context),
      config_(std::move(config)),
      room_(std::move(room)),
      random_(random),
      unauthenticated_(config_.unauthenticated_max, config_.unauthenticated_max_of_source) {}

Result<std::unique_ptr<WebSocketListener>, std::error_code> WebSocketListener::bind(
    asio::io_context& context, const Address& address, ListenerConfig config,
    std::shared_ptr<ReadRoom> room, stc::RandomSource& random) {
    if (address.family() == Address::Family::none) {
        return Unexpected(make_error_code(std::errc::address_family_not_supported));
    }
    std::unique_ptr<WebSocketListener> listener(
        new WebSocketListener(context, std::move(config), std::move(room), random));
    tcp::acceptor& acceptor = listener->acceptor_;
    const tcp::endpoint endpoint = to_endpoint(address);
    std::error_code error;
    acceptor.open(endpoint.protocol(), error);
    if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error && endpoint.address().is_v6()) {
        acceptor.set_option(asio::ip::v6_only(false), error);
    }
    const platform::PortUse use = listener->config_.port_use;
    if (!error) error = platform::prepare_to_bind(acceptor.native_handle(), use);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) error = platform::share_bound(acceptor.native_handle(), use);
    if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
    if (error) return Unexpected(error);
    listener->local_ = to_address(acceptor.local_endpoint(error));
    return listener;
}

void WebSocketListener::start(OnConnection on_connection) {
    on_connection_ = std::move(on_connection);
    accept();
}

// Handlers may come when this object is gone.
void WebSocketListener::accept() {
    acceptor_.async_accept(
        [this, watch = lifetime_.watch()](std::error_code error, tcp::socket socket) {
            if (watch.is_over() || error == asio::error::operation_aborted) return;
            if (!error) {
                const auto from = socket.remote_endpoint(error);
                if (!error) take(std::move(socket), from);
                return accept();
            }
            pause_.expires_after(accept_pause);
            pause_.async_wait([this, watch](std::error_code stopped) {
                if (!stopped && !watch.is_over()) accept();
            });
        });
}

void WebSocketListener::take(tcp::socket socket, const tcp::endpoint& endpoint) {
    const Address from = to_address(endpoint);
    if (!unauthenticated_.take(from)) {
        ++counters_.refused;
        return;  // the socket closes
    }
    ++counters_.accepted;
    auto stream = config_.tls ? make_tls_stream(std::move(socket), *config_.tls, TlsServer())
                              : make_tcp_stream(std::move(socket), room_);
    on_connection_(
        std::make_shared<WebSocketConnection>(std::move(stream), context_.get_executor(), random_),
        from);
}

}  // namespace stt::transport
