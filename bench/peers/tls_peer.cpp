// TLS 1.3 over TCP, and DTLS 1.2, by OpenSSL: what an application has without a protocol of its
// own.
//
//   tls_peer bulk [--transport tcp|udp] [--congestion NAME] [--cipher NAME] [--mb MB | --seconds S]
//   tls_peer latency [--transport tcp|udp] [--size BYTES] [--count N] [--wait epoll|spin]
//                    [--beside idle|bulk]      bulk: in a second connection; not over DTLS
//   tls_peer handshakes [--count N] [--by certificate|key]
//
// DTLS repairs no loss and knows no pace: in bulk its sender reads from shared memory what the
// receiver has, and keeps under 1 MiB on the way.
//
// handshakes counts the processor time of the server alone, both sides in memory: with an ECDSA
// certificate on P-256 and X25519, or by a key that both have (psk_dhe_ke, as an application whose
// nodes share a secret would do it).
#include <netinet/in.h>
#include <openssl/err.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <ctime>
#include <thread>
#include <vector>

#include "bench/harness/arguments.hpp"
#include "bench/harness/bulk_meter.hpp"
#include "bench/harness/json_line.hpp"
#include "bench/harness/round_trips.hpp"
#include "bench/harness/two_ends.hpp"
#include "bench/peers/sockets.hpp"
#include "bench/peers/tls_setting.hpp"

namespace {

using namespace stt::bench;

constexpr int record_size = 1'435;
constexpr std::uint64_t window_size = 1u << 20;
constexpr const char* default_cipher = "TLS_AES_256_GCM_SHA384";

struct Contexts {
    TlsContext server;
    TlsContext client;
};

Contexts contexts_of(const Arguments& arguments, bool is_datagram) {
    const std::string cipher =
        is_datagram ? std::string() : arguments.text("cipher", default_cipher);
    Contexts contexts;
    contexts.server =
        server_context(is_datagram ? DTLS_server_method() : TLS_server_method(), cipher);
    contexts.client = client_context(is_datagram ? DTLS_client_method() : TLS_client_method(),
                                     cipher, contexts.server.get());
    return contexts;
}

// OpenSSL is told that the socket has one peer.
BIO* connected_datagram_bio(int socket) {
    BIO* const bio = BIO_new_dgram(socket, BIO_CLOSE);
    sockaddr_in peer{};
    socklen_t size = sizeof peer;
    BIO_ADDR* const address = BIO_ADDR_new();
    if (bio == nullptr || address == nullptr ||
        ::getpeername(socket, reinterpret_cast<sockaddr*>(&peer), &size) != 0 ||
        BIO_ADDR_rawmake(address, AF_INET, &peer.sin_addr, sizeof peer.sin_addr, peer.sin_port) !=
            1) {
        give_up_tls("no BIO");
    }
    BIO_ctrl_set_connected(bio, address);
    BIO_ADDR_free(address);
    return bio;
}

Tls tls_on(SSL_CTX* context, int socket, bool is_datagram) {
    Tls tls(SSL_new(context));
    BIO* const bio =
        is_datagram ? connected_datagram_bio(socket) : BIO_new_socket(socket, BIO_CLOSE);
    SSL_set_bio(tls.get(), bio, bio);
    return tls;
}

Tls accepted(SSL_CTX* context, int socket, bool is_datagram = false) {
    Tls tls = tls_on(context, socket, is_datagram);
    if (SSL_accept(tls.get()) != 1) give_up_tls("no handshake");
    return tls;
}

Tls connected(SSL_CTX* context, int socket, bool is_datagram = false) {
    Tls tls = tls_on(context, socket, is_datagram);
    if (SSL_connect(tls.get()) != 1) give_up_tls("no handshake");
    return tls;
}

void drain(SSL* tls, Meeting& meeting) {
    std::vector<char> buffer(bulk_piece_size);
    for (;;) {
        const int size = SSL_read(tls, buffer.data(), static_cast<int>(buffer.size()));
        if (size <= 0) return;
        meeting.count_received(static_cast<std::size_t>(size));
    }
}

// A datagram's sender is whom this side talks to from then on.
int accept_udp(int socket) {
    sockaddr_storage from{};
    socklen_t size = sizeof from;
    char first = 0;
    ::recvfrom(socket, &first, 1, MSG_PEEK, reinterpret_cast<sockaddr*>(&from), &size);
    if (::connect(socket, reinterpret_cast<sockaddr*>(&from), size) != 0) give_up("no sender");
    return socket;
}

int connected_udp(const std::string& address, std::uint16_t port) {
    const int socket = bind_udp(address);
    connect_udp(socket, address, port);
    return socket;
}

// One record is one datagram of 1,472 bytes, of which DTLS takes 37.
void measure_datagrams(const Arguments& arguments) {
    const Place place = Place::of(arguments);
    const Contexts contexts = contexts_of(arguments, true);
    TwoEnds ends(place, [&](Meeting& meeting) {
        const int socket = bind_udp(place.address);
        meeting.listen_at(port_of(socket));
        drain(accepted(contexts.server.get(), accept_udp(socket), true).get(), meeting);
    });
    const Tls tls =
        connected(contexts.client.get(), connected_udp(place.address, ends.meeting().port()), true);
    const std::vector<char> record(record_size, 0x5a);
    BulkMeter meter(arguments, ends);
    meter.start();
    std::uint64_t sent = 0;
    while (meter.wants_more(sent)) {
        if (sent - ends.meeting().received() > window_size) {
            ::sched_yield();
            continue;
        }
        if (SSL_write(tls.get(), record.data(), record_size) != record_size) {
            give_up_tls("cannot write");
        }
        sent += record_size;
    }
    meter.wait();
    print_report(meter);
}

void measure_bulk(const Arguments& arguments) {
    if (arguments.choice("transport", {"tcp", "udp"}) == "udp") return measure_datagrams(arguments);
    const Place place = Place::of(arguments);
    const Contexts contexts = contexts_of(arguments, false);
    TwoEnds ends(place, [&](Meeting& meeting) {
        const int listening = listen_tcp(place.address);
        meeting.listen_at(port_of(listening));
        const Tls tls = accepted(contexts.server.get(), accept_tcp(listening));
        drain(tls.get(), meeting);
    });
    const Tls tls = connected(
        contexts.client.get(),
        connect_tcp(place.address, ends.meeting().port(), arguments.text("congestion", "")));
    const std::vector<char> piece(bulk_piece_size, 0x5a);
    BulkMeter meter(arguments, ends);
    meter.run(piece.size(), [&](std::size_t size) {
        const auto count = static_cast<int>(size);
        if (SSL_write(tls.get(), piece.data(), count) != count) give_up_tls("cannot write");
        return size;
    });
    print_report(meter);
}

// The whole message; false at the end of the connection.
bool read_all(SSL* tls, std::vector<char>& message, const SocketWait& socket) {
    std::size_t at = 0;
    while (at < message.size()) {
        const int size = SSL_read(tls, message.data() + at, static_cast<int>(message.size() - at));
        if (size > 0) {
            at += static_cast<std::size_t>(size);
        } else if (SSL_get_error(tls, size) == SSL_ERROR_WANT_READ) {
            socket.wait();
        } else {
            return false;
        }
    }
    return true;
}

void write_all(SSL* tls, const std::vector<char>& message) {
    if (SSL_write(tls, message.data(), static_cast<int>(message.size())) <= 0) {
        give_up_tls("cannot write");
    }
}

[[noreturn]] void echo(Meeting& meeting, const Arguments& arguments, const Place& place,
                       const Contexts& contexts, bool is_datagram) {
    const int listening = is_datagram ? bind_udp(place.address) : listen_tcp(place.address);
    meeting.listen_at(port_of(listening));
    const int socket = is_datagram ? accept_udp(listening) : accept_tcp(listening);
    const Tls tls = accepted(contexts.server.get(), socket, is_datagram);
    std::thread beside;
    if (arguments.choice("beside", {"idle", "bulk"}) == "bulk") {
        beside = std::thread([&] {
            const Tls bulk = accepted(contexts.server.get(), accept_tcp(listening));
            drain(bulk.get(), meeting);
        });
    }
    const SocketWait wait(socket, waiting_of(arguments));
    set_blocking(socket, false);
    std::vector<char> message(arguments.number("size", 64));
    while (read_all(tls.get(), message, wait)) write_all(tls.get(), message);
    std::_Exit(0);
}

void measure_latency(const Arguments& arguments) {
    const Place place = Place::of(arguments);
    const bool is_datagram = arguments.choice("transport", {"tcp", "udp"}) == "udp";
    const bool has_bulk = arguments.choice("beside", {"idle", "bulk"}) == "bulk";
    if (is_datagram && has_bulk) arguments.fail("nothing is sent in bulk by DTLS");
    const Contexts contexts = contexts_of(arguments, is_datagram);
    TwoEnds ends(place,
                 [&](Meeting& meeting) { echo(meeting, arguments, place, contexts, is_datagram); });
    const std::uint16_t port = ends.meeting().port();
    const int socket =
        is_datagram ? connected_udp(place.address, port) : connect_tcp(place.address, port, "");
    const Tls tls = connected(contexts.client.get(), socket, is_datagram);
    std::atomic<bool> is_over{false};
    std::thread beside;
    if (has_bulk) {
        beside = std::thread([&] {
            const Tls bulk = connected(contexts.client.get(), connect_tcp(place.address, port, ""));
            const std::vector<char> piece(bulk_piece_size, 0x5a);
            while (!is_over) write_all(bulk.get(), piece);
        });
    }
    const SocketWait wait(socket, waiting_of(arguments));
    set_blocking(socket, false);
    RoundTrips round_trips(arguments);
    std::vector<char> message(round_trips.message_size(), 0x5a);
    const auto begin = Clock::now();
    round_trips.run([&] {
        write_all(tls.get(), message);
        if (!read_all(tls.get(), message, wait)) give_up_tls("the server ended");
    });
    is_over = true;
    if (beside.joinable()) beside.join();
    JsonLine line;
    round_trips.report(line);
    if (has_bulk) report_bulk(line, ends.meeting(), begin);
    line.print();
}

// The one session that both sides know from elsewhere.
SSL_SESSION* shared_session(SSL* tls) {
    static const std::array<unsigned char, 32> key{7};
    SSL_SESSION* const session = SSL_SESSION_new();
    const std::array<unsigned char, 2> aes_128_gcm_sha256{0x13, 0x01};
    SSL_SESSION_set1_master_key(session, key.data(), key.size());
    SSL_SESSION_set_cipher(session, SSL_CIPHER_find(tls, aes_128_gcm_sha256.data()));
    SSL_SESSION_set_protocol_version(session, TLS1_3_VERSION);
    return session;
}

int use_session(SSL* tls, const EVP_MD*, const unsigned char** id, std::size_t* id_size,
                SSL_SESSION** session) {
    *id = reinterpret_cast<const unsigned char*>("bench");
    *id_size = 5;
    *session = shared_session(tls);
    return 1;
}

int find_session(SSL* tls, const unsigned char*, std::size_t, SSL_SESSION** session) {
    *session = shared_session(tls);
    return 1;
}

double processor_seconds() {
    timespec time{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

// One handshake in memory; returns the seconds of the server.
double shake_hands(const Contexts& contexts) {
    const Tls server(SSL_new(contexts.server.get()));
    const Tls client(SSL_new(contexts.client.get()));
    BIO* of_server = nullptr;
    BIO* of_client = nullptr;
    BIO_new_bio_pair(&of_server, 0, &of_client, 0);
    SSL_set_bio(server.get(), of_server, of_server);
    SSL_set_bio(client.get(), of_client, of_client);
    double seconds = 0;
    bool server_done = false;
    bool client_done = false;
    for (int turn = 0; turn < 10 && !(server_done && client_done); ++turn) {
        client_done = SSL_connect(client.get()) == 1;
        const double begin = processor_seconds();
        server_done = SSL_accept(server.get()) == 1;
        seconds += processor_seconds() - begin;
    }
    if (!server_done || !client_done) give_up_tls("no handshake");
    return seconds;
}

void measure_handshakes(const Arguments& arguments) {
    const std::size_t count = arguments.number("count", 1'000);
    Contexts contexts = contexts_of(arguments, false);
    SSL_CTX_set_session_cache_mode(contexts.server.get(), SSL_SESS_CACHE_OFF);
    // Tickets are for the next connection: not part of this one.
    SSL_CTX_set_num_tickets(contexts.server.get(), 0);
    if (arguments.choice("by", {"certificate", "key"}) == "key") {
        for (SSL_CTX* context : {contexts.server.get(), contexts.client.get()}) {
            SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256");
        }
        SSL_CTX_set_psk_use_session_callback(contexts.client.get(), use_session);
        SSL_CTX_set_psk_find_session_callback(contexts.server.get(), find_session);
    }
    double seconds = 0;
    for (std::size_t i = 0; i < count; ++i) seconds += shake_hands(contexts);
    JsonLine()
        .add("handshakes_per_second", static_cast<double>(count) / seconds)
        .add("us_each", seconds * 1e6 / static_cast<double>(count))
        .print();
}

}  // namespace

int main(int argc, char** argv) {
    const Arguments arguments(argc, argv, Ends::two,
                              {"congestion", "cipher", "transport", "size", "count", "seconds",
                               "wait", "beside", "by", "mb"});
    ::signal(SIGPIPE, SIG_IGN);
    arguments.run(
        {{"bulk", measure_bulk}, {"latency", measure_latency}, {"handshakes", measure_handshakes}});
}
