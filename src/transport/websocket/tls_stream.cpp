// TLS over TCP, by OpenSSL. Each connection has room of its own for what OpenSSL makes of its
// bytes.
#include <array>
#include <asio/buffer.hpp>
#include <asio/ip/address.hpp>
#include <asio/post.hpp>
#include <asio/ssl/host_name_verification.hpp>
#include <asio/ssl/stream.hpp>
#include <asio/write.hpp>
#include <memory>
#include <transport/websocket/byte_stream.hpp>
#include <transport/websocket/socket_options.hpp>
#include <utility>

namespace stt::transport {
namespace {

using asio::ip::tcp;

// The largest record of TLS, and four of them.
constexpr std::size_t read_size = 16u << 10;
constexpr std::size_t write_size = 64u << 10;

class TlsStream final : public ByteStream {
public:
    TlsStream(tcp::socket socket, asio::ssl::context& context,
              asio::ssl::stream_base::handshake_type type)
        : stream_(std::move(socket), context), type_(type) {
        set_socket_options(stream_.next_layer());
    }

    // The certificate must be for this name or address.
    void expect(const std::string& host) {
        std::error_code not_an_address;
        asio::ip::make_address(host, not_an_address);
        if (not_an_address) SSL_set_tlsext_host_name(stream_.native_handle(), host.c_str());
        stream_.set_verify_callback(asio::ssl::host_name_verification(host));
    }

    void async_handshake(Handler handler) override {
        stream_.async_handshake(type_, [self = shared_from_this(), handler = std::move(handler)](
                                           std::error_code error) { handler(error); });
    }

    void async_read(ReadHandler handler) override {
        stream_.async_read_some(asio::buffer(input_),
                                [this, self = shared_from_this(), handler = std::move(handler)](
                                    std::error_code error, std::size_t size) {
                                    if (error) return handler(error, {});
                                    handler(error, MutableBytes(input_).first(size));
                                });
    }

    Result<std::size_t, std::error_code> write_some(Bytes data) override {
        if (error_) return Unexpected(error_);
        if (!output_.empty()) return std::size_t{0};
        const Bytes taken = data.first(std::min(data.size(), write_size));
        output_.assign(taken.begin(), taken.end());
        const auto waiter = std::make_shared<Handler>();
        waiter_ = waiter;
        asio::async_write(
            stream_, asio::buffer(output_),
            [this, self = shared_from_this(), waiter](std::error_code error, std::size_t) {
                error_ = error;
                output_.clear();
                if (is_ending_ && !error) end();
                if (*waiter) std::exchange(*waiter, {})(error);
            });
        return taken.size();
    }

    bool has_unsent() const noexcept override { return !output_.empty(); }

    void async_wait_writable(Handler handler) override {
        if (const auto waiter = waiter_.lock(); waiter && !output_.empty()) {
            *waiter = std::move(handler);
            return;
        }
        asio::post(stream_.get_executor(),
                   [handler = std::move(handler), error = error_] { handler(error); });
    }

    void shut_down() noexcept override {
        is_ending_ = true;
        if (output_.empty()) end();
    }
    void close() noexcept override {
        std::error_code ignored;
        stream_.lowest_layer().close(ignored);
    }

private:
    // The peer's close_notify is not waited for: a WebSocket has its own close before.
    void end() noexcept {
        std::error_code ignored;
        stream_.lowest_layer().shutdown(tcp::socket::shutdown_send, ignored);
    }

    asio::ssl::stream<tcp::socket> stream_;
    asio::ssl::stream_base::handshake_type type_;
    std::array<std::uint8_t, read_size> input_;
    std::vector<std::uint8_t> output_;  // being written
    // Told when output_ is written. The write has it, not this: what waits may own this, and goes
    // with a write that never ends.
    std::weak_ptr<Handler> waiter_;
    std::error_code error_;
    bool is_ending_ = false;
};

}  // namespace

std::shared_ptr<ByteStream> make_tls_stream(tcp::socket socket, asio::ssl::context& context,
                                            TlsServer) {
    return std::make_shared<TlsStream>(std::move(socket), context, asio::ssl::stream_base::server);
}

std::shared_ptr<ByteStream> make_tls_stream(tcp::socket socket, asio::ssl::context& context,
                                            const TlsClient& client) {
    auto stream =
        std::make_shared<TlsStream>(std::move(socket), context, asio::ssl::stream_base::client);
    stream->expect(client.host);
    return stream;
}

}  // namespace stt::transport
