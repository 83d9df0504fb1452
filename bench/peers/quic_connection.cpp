#include "bench/peers/quic_connection.hpp"

#include <arpa/inet.h>
#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <netinet/in.h>
#include <ngtcp2/ngtcp2_crypto_gnutls.h>
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace stt::bench {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t datagram_size = 1'472;
// What segmentation offload takes.
constexpr std::size_t packets_a_burst = 44;
constexpr std::size_t connection_id_size = 8;
// As the library's own.
constexpr std::uint64_t session_window_max = 64u << 20;
constexpr std::uint64_t stream_window_max = 16u << 20;
constexpr std::uint64_t session_window_first = 2u << 20;
constexpr std::uint64_t stream_window_first = 1u << 20;
constexpr std::uint64_t stream_count_max = 16;
constexpr auto handshake_time_max = 10s;
constexpr const char* priorities =
    "%DISABLE_TLS13_COMPAT_MODE:NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+AES-256-GCM:"
    "-GROUP-ALL:+GROUP-X25519";

void require(bool is_good, const char* what) {
    if (!is_good) give_up(std::string("QUIC: ") + what);
}

ngtcp2_tstamp now() {
    return static_cast<ngtcp2_tstamp>(
        std::chrono::nanoseconds(Clock::now().time_since_epoch()).count());
}

void fill_random(std::uint8_t* output, std::size_t size, const ngtcp2_rand_ctx*) {
    gnutls_rnd(GNUTLS_RND_NONCE, output, size);
}

ngtcp2_cid random_connection_id() {
    ngtcp2_cid id{};
    id.datalen = connection_id_size;
    fill_random(id.data, id.datalen, nullptr);
    return id;
}

int new_connection_id(ngtcp2_conn*, ngtcp2_cid* id, std::uint8_t* token, std::size_t size, void*) {
    id->datalen = size;
    fill_random(id->data, size, nullptr);
    fill_random(token, NGTCP2_STATELESS_RESET_TOKENLEN, nullptr);
    return 0;
}

ngtcp2_conn* connection_of(ngtcp2_crypto_conn_ref* reference) {
    return *static_cast<ngtcp2_conn**>(reference->user_data);
}

void set_name(sockaddr_storage& name, const Address& address) {
    sockaddr_in place{};
    place.sin_family = AF_INET;
    place.sin_port = htons(address.port());
    std::memcpy(&place.sin_addr, address.octets().data(), sizeof place.sin_addr);
    std::memcpy(&name, &place, sizeof place);
}

gnutls_certificate_credentials_t credentials_with_certificate() {
    gnutls_x509_privkey_t key = nullptr;
    gnutls_x509_crt_t certificate = nullptr;
    gnutls_certificate_credentials_t credentials = nullptr;
    gnutls_x509_privkey_init(&key);
    gnutls_x509_crt_init(&certificate);
    gnutls_certificate_allocate_credentials(&credentials);
    const std::uint8_t serial = 1;
    const std::time_t time = std::time(nullptr);
    require(gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
                                         GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0) == 0,
            "no key");
    gnutls_x509_crt_set_version(certificate, 3);
    gnutls_x509_crt_set_serial(certificate, &serial, 1);
    gnutls_x509_crt_set_activation_time(certificate, time - 60);
    gnutls_x509_crt_set_expiration_time(certificate, time + 86'400);
    gnutls_x509_crt_set_dn_by_oid(certificate, GNUTLS_OID_X520_COMMON_NAME, 0, "bench", 5);
    gnutls_x509_crt_set_key(certificate, key);
    require(gnutls_x509_crt_sign2(certificate, certificate, key, GNUTLS_DIG_SHA256, 0) == 0 &&
                gnutls_certificate_set_x509_key(credentials, &certificate, 1, key) == 0,
            "no certificate");
    gnutls_x509_crt_deinit(certificate);
    gnutls_x509_privkey_deinit(key);
    return credentials;
}

transport::UdpSocket bound(const Address& address) {
    auto socket = transport::UdpSocket::bind(address);
    if (!socket) give_up("cannot bind: " + socket.error().message());
    return std::move(*socket);
}

}  // namespace

QuicConnection::QuicConnection(const Address& local, const std::string& congestion, Waiting waiting,
                               Received received)
    : socket_(bound(local)),
      congestion_(congestion),
      waiting_(waiting),
      received_(std::move(received)),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      output_((packets_a_burst + 1) * datagram_size) {
    epoll_event event{.events = EPOLLIN, .data = {}};
    require(::epoll_ctl(epoll_, EPOLL_CTL_ADD, socket_.native_handle(), &event) == 0, "no epoll");
    set_name(local_name_, socket_.local_address());
    reference_ = {connection_of, &connection_};
}

QuicConnection::~QuicConnection() {
    ngtcp2_conn_del(connection_);
    if (session_ != nullptr) gnutls_deinit(session_);
    if (credentials_ != nullptr) gnutls_certificate_free_credentials(credentials_);
    ::close(epoll_);
}

const ngtcp2_callbacks& QuicConnection::callbacks() {
    static const ngtcp2_callbacks callbacks = [] {
        ngtcp2_callbacks table{};
        table.client_initial = ngtcp2_crypto_client_initial_cb;
        table.recv_client_initial = ngtcp2_crypto_recv_client_initial_cb;
        table.recv_crypto_data = ngtcp2_crypto_recv_crypto_data_cb;
        table.recv_retry = ngtcp2_crypto_recv_retry_cb;
        table.encrypt = ngtcp2_crypto_encrypt_cb;
        table.decrypt = ngtcp2_crypto_decrypt_cb;
        table.hp_mask = ngtcp2_crypto_hp_mask_cb;
        table.update_key = ngtcp2_crypto_update_key_cb;
        table.delete_crypto_aead_ctx = ngtcp2_crypto_delete_crypto_aead_ctx_cb;
        table.delete_crypto_cipher_ctx = ngtcp2_crypto_delete_crypto_cipher_ctx_cb;
        table.get_path_challenge_data = ngtcp2_crypto_get_path_challenge_data_cb;
        table.version_negotiation = ngtcp2_crypto_version_negotiation_cb;
        table.rand = fill_random;
        table.get_new_connection_id = new_connection_id;
        table.recv_stream_data = on_stream_data;
        return table;
    }();
    return callbacks;
}

int QuicConnection::on_stream_data(ngtcp2_conn* connection, std::uint32_t, std::int64_t stream,
                                   std::uint64_t, const std::uint8_t*, std::size_t size, void* self,
                                   void*) {
    static_cast<QuicConnection*>(self)->received_(stream, size);
    ngtcp2_conn_extend_max_stream_offset(connection, stream, size);
    ngtcp2_conn_extend_max_offset(connection, size);
    return 0;
}

ngtcp2_settings QuicConnection::settings() const {
    ngtcp2_settings settings;
    ngtcp2_settings_default(&settings);
    settings.initial_ts = now();
    settings.cc_algo = congestion_ == "cubic" ? NGTCP2_CC_ALGO_CUBIC : NGTCP2_CC_ALGO_BBR;
    settings.max_tx_udp_payload_size = datagram_size;
    settings.no_tx_udp_payload_size_shaping = 1;
    settings.max_window = session_window_max;
    settings.max_stream_window = stream_window_max;
    return settings;
}

ngtcp2_transport_params QuicConnection::transport_parameters() {
    ngtcp2_transport_params parameters;
    ngtcp2_transport_params_default(&parameters);
    parameters.initial_max_data = session_window_first;
    parameters.initial_max_stream_data_bidi_local = stream_window_first;
    parameters.initial_max_stream_data_bidi_remote = stream_window_first;
    parameters.initial_max_streams_bidi = stream_count_max;
    parameters.max_idle_timeout = 60 * NGTCP2_SECONDS;
    return parameters;
}

ngtcp2_path QuicConnection::path() noexcept {
    return {{reinterpret_cast<sockaddr*>(&local_name_), sizeof(sockaddr_in)},
            {reinterpret_cast<sockaddr*>(&peer_name_), sizeof(sockaddr_in)},
            nullptr};
}

void QuicConnection::begin_tls(unsigned int flags) {
    const bool is_server = (flags & GNUTLS_SERVER) != 0;
    require(gnutls_init(&session_, flags) == 0 &&
                gnutls_priority_set_direct(session_, priorities, nullptr) == 0,
            "no TLS");
    if (is_server) {
        credentials_ = credentials_with_certificate();
    } else {
        gnutls_certificate_allocate_credentials(&credentials_);
    }
    gnutls_credentials_set(session_, GNUTLS_CRD_CERTIFICATE, credentials_);
    gnutls_session_set_ptr(session_, &reference_);
    std::array<unsigned char, 5> name{'b', 'e', 'n', 'c', 'h'};
    const gnutls_datum_t protocol{name.data(), name.size()};
    gnutls_alpn_set_protocols(session_, &protocol, 1, GNUTLS_ALPN_MANDATORY);
    require((is_server ? ngtcp2_crypto_gnutls_configure_server_session(session_)
                       : ngtcp2_crypto_gnutls_configure_client_session(session_)) == 0,
            "GnuTLS does not speak QUIC");
    ngtcp2_conn_set_tls_native_handle(connection_, session_);
}

void QuicConnection::connect(const Address& server) {
    peer_ = server;
    set_name(peer_name_, server);
    const ngtcp2_cid destination = random_connection_id();
    const ngtcp2_cid source = random_connection_id();
    const ngtcp2_settings settings = this->settings();
    const ngtcp2_transport_params parameters = transport_parameters();
    const ngtcp2_path path = this->path();
    require(ngtcp2_conn_client_new(&connection_, &destination, &source, &path, NGTCP2_PROTO_VER_V1,
                                   &callbacks(), &settings, &parameters, nullptr, this) == 0,
            "no connection");
    begin_tls(GNUTLS_CLIENT);
    const auto end = Clock::now() + handshake_time_max;
    while (ngtcp2_conn_get_handshake_completed(connection_) == 0) {
        require(turn(100ms) && Clock::now() < end, "no handshake");
    }
}

void QuicConnection::accept(const transport::ReceivedDatagrams& datagrams) {
    ngtcp2_pkt_hd header;
    const Bytes first = datagrams.datagram(0);
    if (ngtcp2_accept(&header, first.data(), first.size()) != 0) return;
    peer_ = datagrams.from;
    set_name(peer_name_, peer_);
    const ngtcp2_cid source = random_connection_id();
    const ngtcp2_settings settings = this->settings();
    ngtcp2_transport_params parameters = transport_parameters();
    parameters.original_dcid = header.dcid;
    const ngtcp2_path path = this->path();
    require(ngtcp2_conn_server_new(&connection_, &header.scid, &source, &path, header.version,
                                   &callbacks(), &settings, &parameters, nullptr, this) == 0,
            "no connection");
    begin_tls(GNUTLS_SERVER);
}

std::int64_t QuicConnection::open_stream() {
    std::int64_t stream = 0;
    require(ngtcp2_conn_open_bidi_stream(connection_, &stream, nullptr) == 0, "no stream");
    return stream;
}

bool QuicConnection::turn(std::chrono::nanoseconds wait_max) {
    if (connection_ != nullptr) {
        const ngtcp2_tstamp time = now();
        if (ngtcp2_conn_get_expiry(connection_) <= time &&
            ngtcp2_conn_handle_expiry(connection_, time) != 0) {
            return false;
        }
        flush();
    }
    wait(wait_max);
    receive();
    return !has_ended_;
}

void QuicConnection::wait(std::chrono::nanoseconds wait_max) {
    if (waiting_ == Waiting::spinning) return;
    if (connection_ != nullptr) {
        const ngtcp2_tstamp expiry = ngtcp2_conn_get_expiry(connection_);
        const ngtcp2_tstamp time = now();
        const std::uint64_t left = expiry > time ? expiry - time : 0;
        wait_max =
            std::chrono::nanoseconds(std::min(left, static_cast<std::uint64_t>(wait_max.count())));
    }
    const timespec timeout{wait_max.count() / 1'000'000'000, wait_max.count() % 1'000'000'000};
    epoll_event event;
    ::epoll_pwait2(epoll_, &event, 1, &timeout, nullptr);
}

void QuicConnection::receive() {
    const auto outcome = socket_.receive(batch_);
    require(outcome.has_value(), "cannot receive");
    for (const transport::ReceivedDatagrams& datagrams : outcome->datagrams) {
        if (connection_ == nullptr) accept(datagrams);
        if (connection_ != nullptr) handle(datagrams);
    }
}

void QuicConnection::handle(const transport::ReceivedDatagrams& datagrams) {
    const ngtcp2_tstamp time = now();
    const ngtcp2_path path = this->path();
    const ngtcp2_pkt_info info{};
    for (std::size_t i = 0; i < datagrams.count() && !has_ended_; ++i) {
        const Bytes datagram = datagrams.datagram(i);
        const int error =
            ngtcp2_conn_read_pkt(connection_, &path, &info, datagram.data(), datagram.size(), time);
        if (error != 0) has_ended_ = true;
    }
}

// Streams in their order, of each what its window and the connection's allow; then what is no
// stream's.
std::size_t QuicConnection::write_packet(std::uint8_t* output) {
    static const std::vector<std::uint8_t> bytes(datagram_size, 0x5a);
    ngtcp2_pkt_info info{};
    const ngtcp2_tstamp time = now();
    for (auto& [stream, left] : to_send_) {
        if (left == 0) continue;
        ngtcp2_vec piece{const_cast<std::uint8_t*>(bytes.data()),
                         static_cast<std::size_t>(std::min<std::uint64_t>(left, bytes.size()))};
        ngtcp2_ssize taken = -1;
        const ngtcp2_ssize size =
            ngtcp2_conn_writev_stream(connection_, nullptr, &info, output, datagram_size, &taken,
                                      NGTCP2_WRITE_STREAM_FLAG_NONE, stream, &piece, 1, time);
        if (size == NGTCP2_ERR_STREAM_DATA_BLOCKED) continue;
        if (size < 0) {
            has_ended_ = true;
            return 0;
        }
        if (taken > 0) left -= static_cast<std::uint64_t>(taken);
        return static_cast<std::size_t>(size);
    }
    const ngtcp2_ssize size =
        ngtcp2_conn_writev_stream(connection_, nullptr, &info, output, datagram_size, nullptr,
                                  NGTCP2_WRITE_STREAM_FLAG_NONE, -1, nullptr, 0, time);
    if (size < 0) has_ended_ = true;
    return size > 0 ? static_cast<std::size_t>(size) : 0;
}

void QuicConnection::flush() {
    std::size_t at = 0;
    std::size_t segment_size = 0;
    const std::size_t quantum = std::clamp(
        ngtcp2_conn_get_send_quantum(connection_) / datagram_size, std::size_t{1}, packets_a_burst);
    for (;;) {
        const std::size_t size = write_packet(output_.data() + at);
        if (at > 0 && size > segment_size) {
            // Larger than those before it: these leave, and it begins the next burst.
            send(Bytes(output_).first(at), segment_size);
            std::memmove(output_.data(), output_.data() + at, size);
            at = 0;
        }
        if (at == 0) segment_size = size;
        at += size;
        if (at > 0 && (size < segment_size || at >= quantum * datagram_size)) {
            send(Bytes(output_).first(at), segment_size);
            at = 0;
            ngtcp2_conn_update_pkt_tx_time(connection_, now());
        }
        if (size == 0) return;
    }
}

void QuicConnection::send(Bytes data, std::size_t segment_size) {
    std::array<transport::Outgoing, 1> messages{{{peer_, data, segment_size}}};
    std::span<transport::Outgoing> rest(messages);
    while (!rest.empty()) {
        const auto outcome = socket_.send(rest);
        require(outcome.has_value(), "cannot send");
        rest = rest.subspan(outcome->count);
        if (outcome->would_block) {
            pollfd writable{socket_.native_handle(), POLLOUT, 0};
            ::poll(&writable, 1, 100);
        }
    }
}

}  // namespace stt::bench
