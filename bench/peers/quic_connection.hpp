// One QUIC connection by ngtcp2 and GnuTLS, over the library's own UDP socket (GSO and GRO).
#pragma once

#include <gnutls/gnutls.h>
#include <ngtcp2/ngtcp2.h>
#include <ngtcp2/ngtcp2_crypto.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <transport/udp/udp_socket.hpp>
#include <vector>

#include "bench/harness/round_trips.hpp"
#include "bench/harness/two_ends.hpp"

namespace stt::bench {

// Both sides in one class: a client knows its server's address, a server waits for the first
// packet. What streams carry is the same byte again and again, so nothing is kept to be resent.
class QuicConnection {
public:
    // Called with each piece that a stream brought, in order.
    using Received = std::function<void(std::int64_t stream, std::size_t size)>;

    // `congestion` is bbr or cubic.
    QuicConnection(const Address& local, const std::string& congestion, Waiting waiting,
                   Received received);
    ~QuicConnection();
    QuicConnection(const QuicConnection&) = delete;
    QuicConnection& operator=(const QuicConnection&) = delete;

    std::uint16_t port() const noexcept { return socket_.local_address().port(); }
    // Returns when the handshake is complete; gives up after 10 s.
    void connect(const Address& server);
    std::int64_t open_stream();
    // More for a stream. Streams with lower numbers go first.
    void write(std::int64_t stream, std::uint64_t size) { to_send_[stream] += size; }
    // Sends what may leave, waits for what comes or at most `wait_max`, and takes it. False: the
    // connection has ended.
    bool turn(std::chrono::nanoseconds wait_max);

private:
    static const ngtcp2_callbacks& callbacks();
    static int on_stream_data(ngtcp2_conn* connection, std::uint32_t flags, std::int64_t stream,
                              std::uint64_t offset, const std::uint8_t* data, std::size_t size,
                              void* self, void* of_stream);
    ngtcp2_settings settings() const;
    static ngtcp2_transport_params transport_parameters();
    ngtcp2_path path() noexcept;
    void begin_tls(unsigned int flags);
    void accept(const transport::ReceivedDatagrams& datagrams);
    void receive();
    void handle(const transport::ReceivedDatagrams& datagrams);
    void wait(std::chrono::nanoseconds wait_max);
    void flush();
    // Of one packet: what was written to the output, 0 when nothing may leave now.
    std::size_t write_packet(std::uint8_t* output);
    void send(Bytes data, std::size_t segment_size);

    transport::UdpSocket socket_;
    transport::ReceiveBatch batch_;
    std::string congestion_;
    Waiting waiting_;
    Received received_;
    int epoll_ = -1;
    Address peer_;
    sockaddr_storage local_name_{};
    sockaddr_storage peer_name_{};
    gnutls_certificate_credentials_t credentials_ = nullptr;
    gnutls_session_t session_ = nullptr;
    ngtcp2_crypto_conn_ref reference_{};
    ngtcp2_conn* connection_ = nullptr;
    std::map<std::int64_t, std::uint64_t> to_send_;
    std::vector<std::uint8_t> output_;
    bool has_ended_ = false;
};

}  // namespace stt::bench
