// Plain TCP: waits for readiness, and then moves what there is.
#include <netinet/tcp.h>

#include <asio/buffer.hpp>
#include <asio/error.hpp>
#include <asio/post.hpp>
#include <transport/websocket/byte_stream.hpp>
#include <transport/websocket/socket_options.hpp>
#include <utility>

namespace stt::transport {
namespace {

using asio::ip::tcp;

bool is_for_later(const std::error_code& error) noexcept {
    return error == asio::error::would_block || error == asio::error::try_again ||
           error == asio::error::interrupted;
}

class TcpStream final : public ByteStream {
public:
    TcpStream(tcp::socket socket, std::shared_ptr<ReadRoom> room)
        : socket_(std::move(socket)), room_(std::move(room)) {
        set_socket_options(socket_);
    }

    void async_handshake(Handler handler) override {
        asio::post(socket_.get_executor(),
                   [handler = std::move(handler)] { handler(std::error_code()); });
    }

    void async_read(ReadHandler handler) override {
        socket_.async_wait(
            tcp::socket::wait_read, [this, self = shared_from_this(),
                                     handler = std::move(handler)](std::error_code error) mutable {
                if (error) return handler(error, {});
                const std::size_t size = socket_.read_some(asio::buffer(*room_), error);
                if (is_for_later(error)) return async_read(std::move(handler));
                handler(error, MutableBytes(*room_).first(size));
            });
    }

    Result<std::size_t, std::error_code> write_some(Bytes data) override {
        std::error_code error;
        const std::size_t size =
            socket_.write_some(asio::const_buffer(data.data(), data.size()), error);
        if (error && !is_for_later(error)) return Unexpected(error);
        return size;
    }

    void async_wait_writable(Handler handler) override {
        socket_.async_wait(tcp::socket::wait_write, std::move(handler));
    }

    void shut_down() noexcept override {
        std::error_code ignored;
        socket_.shutdown(tcp::socket::shutdown_send, ignored);
    }
    void close() noexcept override {
        std::error_code ignored;
        socket_.close(ignored);
    }

private:
    tcp::socket socket_;
    std::shared_ptr<ReadRoom> room_;
};

}  // namespace

void set_socket_options(tcp::socket& socket) noexcept {
    std::error_code ignored;
    socket.non_blocking(true, ignored);
    socket.set_option(tcp::no_delay(true), ignored);
    socket.set_option(
        asio::detail::socket_option::integer<IPPROTO_TCP, TCP_NOTSENT_LOWAT>(unsent_size_max),
        ignored);
}

std::shared_ptr<ByteStream> make_tcp_stream(tcp::socket socket, std::shared_ptr<ReadRoom> room) {
    return std::make_shared<TcpStream>(std::move(socket), std::move(room));
}

}  // namespace stt::transport
