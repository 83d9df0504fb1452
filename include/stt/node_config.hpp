// What a node is told when it is made.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <stt/time.hpp>

namespace stt {

enum class LogLevel { debug, info, warning };

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
    Duration keep_alive = std::chrono::seconds(15);         // Spec protocol §12.2
    Duration handshake_timeout = std::chrono::seconds(10);  // Spec protocol §4.3
    // The widest path MTU that is tried. Spec protocol §13.1. Taken to lie in 1,200 to 16,000.
    std::size_t datagram_size_max = 1'472;
    // What a stream and a session may hold unread: at least 65,536 and 2,097,152, the credit
    // that every peer begins with. Worst-case memory of a session is
    // session_window_max, plus send_buffer_max for each stream.
    std::size_t stream_window_max = 16u << 20;
    std::size_t session_window_max = 64u << 20;
    std::size_t send_buffer_max = 4u << 20;
    // Sessions that a peer can have open here in all.
    std::size_t session_count_max = 65'536;

    // Asks the peers of all sessions at once when this machine's addresses or routes change,
    // instead of finding out by silence: Node::network_changed() by itself. Needs a netlink
    // socket; where the system grants none, nothing is watched.
    bool watches_network = true;

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
