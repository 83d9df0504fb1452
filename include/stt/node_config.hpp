// What a node is told when it is made.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <stt/congestion.hpp>
#include <stt/padding.hpp>
#include <stt/time.hpp>

namespace stt {

enum class LogLevel { debug, info, warning };

struct HandshakeRate {
    std::uint32_t per_second = 0;
    std::uint32_t burst = 1;
};

struct NodeConfig {
    // 32 bytes that a node keeps; fresh random ones when left out. node_id = digest(identity).
    std::optional<std::array<std::uint8_t, 32>> identity;

    Duration idle_timeout = std::chrono::seconds(300);  // Spec protocol §12.2
    // A peer that was asked and did not answer for so long is unreachable: see
    // Session::next_event(). Never before three probe timeouts.
    Duration unreachable_after = std::chrono::seconds(4);
    // An unreachable peer's session waits so long for a path, then ends. Longer keeps it for a
    // machine that sleeps. Spec protocol §12.2.
    Duration resume_timeout = std::chrono::seconds(300);
    // A session that this node began is made anew while its peer is unreachable, should the peer
    // answer that and have lost the session: see Reconnected. Tries are 0.5 s apart, doubling to
    // 30 s. A new session that nobody takes ends after idle_timeout.
    bool reconnects = true;
    Duration keep_alive = std::chrono::seconds(15);         // Spec protocol §12.2
    Duration handshake_timeout = std::chrono::seconds(10);  // Spec protocol §4.3
    // Of what this side sends. Which one when: docs/congestion.md.
    CongestionAlgorithm congestion = CongestionAlgorithm::bbr;
    // Of the frames that this side sends.
    PaddingPolicy padding = PaddingPolicy::none;
    // The widest path MTU that is tried. Spec protocol §13.1. Taken to lie in 1,200 to 16,000.
    std::size_t datagram_size_max = 1'472;
    // What a stream and a session may hold unread: at least 65,536 and 2,097,152, the credit
    // that every peer begins with. Worst-case memory of a session is
    // session_window_max, plus send_buffer_max for each stream.
    //
    // A stream takes four congestion windows of its path from its application: 2 MiB, or less if
    // that is set, where the path is slow.
    std::size_t stream_window_max = 16u << 20;
    std::size_t session_window_max = 64u << 20;
    std::size_t send_buffer_max = 16u << 20;
    // Streams of one peer's that may be open at once: about 1.6 KiB each while nothing waits on
    // it, and its name. Taken to lie in 128 to 32,767. Spec protocol §8.1 STREAM_LIMIT.
    std::size_t peer_stream_limit = 1'024;
    // Sessions of the node, with handshakes that are under way. About 8 KiB each while idle:
    // 512 MiB. Handshakes beyond it do not begin.
    std::size_t session_count_max = 65'536;
    // Handshakes that peers began and have not finished: about 2 KiB each, for 10 s. 2 MiB.
    std::size_t half_open_count_max = 1'024;
    // HELLOs remembered so that none is taken twice: about 160 bytes each. 10 MiB.
    std::size_t nonce_count_max = 65'536;
    // Seeds of the node: a stranger's datagram costs a permutation for each, eight at a time.
    std::size_t seed_count_max = 64;
    // Handshakes that peers can begin, in all and from one source (an IPv4 address, or 64 bits of
    // an IPv6 one): on average in a second, and at one moment. 0 a second is no limit.
    HandshakeRate handshake_rate{4'000, 8'192};
    HandshakeRate handshake_rate_of_source{1'000, 4'096};

    // Asks the peers of all sessions at once when this machine's addresses or routes change,
    // instead of finding out by silence: Node::network_changed() by itself. Needs a netlink
    // socket; where the system grants none, nothing is watched.
    bool watches_network = true;

    // While it has sessions, the node asks its UDP sockets again and again instead of sleeping
    // until something comes: an answer takes a few microseconds instead of tens, and a processor is
    // busy all the time, one for each thread of the node.
    bool polls_busily = false;

    // Whose certificates peers' WebSockets with TLS may have: a PEM file; empty: the system's.
    std::string tls_authorities_file;
    // False: any certificate will do. The seed authenticates the peer all the same; an observer
    // that is in the way learns what it would without TLS.
    bool tls_verifies = true;

    // Called with pieces of an event trace of all sessions, in qlog's form, to be written one after
    // the other into a file NAME.sqlog; empty: no trace, and no cost. What is in it, and what
    // never is: docs/guide/observability.md. Called inside of the engine: it must not use the
    // node. Addresses and node ids are written only with trace_has_peers, endpoint names and
    // reasons of closing only with trace_has_texts.
    std::function<void(std::string_view)> trace;
    bool trace_has_peers = false;
    bool trace_has_texts = false;

    // Called with one line for each event worth a log; may be empty.
    std::function<void(LogLevel, std::string_view)> log;
};

}  // namespace stt
