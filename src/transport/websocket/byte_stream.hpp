// A connection of TCP, with TLS or without, as a WebSocket needs it.
#pragma once

#include <asio/ip/tcp.hpp>
#include <asio/ssl/context.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <stt/bytes.hpp>
#include <stt/result.hpp>
#include <system_error>
#include <vector>

namespace stt::transport {

// Room to read into that all plain connections of a node share, one after the other.
using ReadRoom = std::vector<std::uint8_t>;
// Of 256 KiB: three of the largest messages that STT sends, so that most need not be put together.
inline constexpr std::size_t read_room_size = 256u << 10;

// Moves bytes; knows nothing of messages. Handlers are called from the loop, never from inside of
// the call that was given them, and once each: after close() with an error. What is under way keeps
// the stream alive.
class ByteStream : public std::enable_shared_from_this<ByteStream> {
public:
    using Handler = std::function<void(std::error_code)>;
    using ReadHandler = std::function<void(std::error_code, MutableBytes)>;

    ByteStream() = default;
    virtual ~ByteStream() = default;
    ByteStream(const ByteStream&) = delete;
    ByteStream& operator=(const ByteStream&) = delete;

    // TLS's; of plain TCP there is none, and it succeeds.
    virtual void async_handshake(Handler handler) = 0;
    // One at a time. Brings at least a byte, which the handler may change until it returns, or the
    // error that ended the connection: asio::error::eof when the peer did.
    virtual void async_read(ReadHandler handler) = 0;
    // Takes from the front what there is room for now, perhaps nothing.
    virtual Result<std::size_t, std::error_code> write_some(Bytes data) = 0;
    // Bytes were taken and have not left yet.
    virtual bool has_unsent() const noexcept { return false; }
    // Until write_some() takes something again. One at a time.
    virtual void async_wait_writable(Handler handler) = 0;
    // Nothing is sent after what was written, which the peer learns.
    virtual void shut_down() noexcept = 0;
    virtual void close() noexcept = 0;
};

// `room` is of read_room_size.
std::shared_ptr<ByteStream> make_tcp_stream(asio::ip::tcp::socket socket,
                                            std::shared_ptr<ReadRoom> room);

// Which end of TLS; a client says whose certificate it wants to see, a name or an address.
struct TlsServer {};
struct TlsClient {
    std::string host;
};
std::shared_ptr<ByteStream> make_tls_stream(asio::ip::tcp::socket socket,
                                            asio::ssl::context& context, TlsServer);
std::shared_ptr<ByteStream> make_tls_stream(asio::ip::tcp::socket socket,
                                            asio::ssl::context& context, const TlsClient& client);

}  // namespace stt::transport
