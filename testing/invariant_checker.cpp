#include "testing/invariant_checker.hpp"

#include <algorithm>
#include <sstream>

#include "base/byte_order.hpp"

namespace stt::testing {
namespace {

// Spec protocol §11.2.
constexpr std::uint64_t amplification_max = 3;
// Sessions of a node that are looked at after each call.
constexpr std::size_t sessions_a_turn = 8;
// A sender skips one Sequence in 512 or more; a gap of this size is no skip.
constexpr std::size_t sequence_gap_max = 1'000;
// What a loss timer may be late, whatever the round trip.
constexpr Duration loss_timer_margin = std::chrono::seconds(1);

// Never 0, which stands for a Sequence not seen.
std::uint64_t fingerprint(const wire::FrameView& frame) noexcept {
    std::uint64_t value = mixed(frame.size);
    for (const Bytes part : {frame.header, Bytes(frame.payload), frame.tag}) {
        // The tag authenticates the rest: the ends of each part are enough.
        Bytes rest = part.size() > 64 ? part.first(64) : part;
        for (; rest.size() >= 8; rest = rest.subspan(8)) {
            value = mixed(value ^ load_little_endian<std::uint64_t>(rest.data()));
        }
        for (const std::uint8_t byte : rest) value = mixed(value ^ byte);
    }
    return value | 1;
}

}  // namespace

InvariantChecker::InvariantChecker(SimulatedNetwork& network) : network_(network) {
    network.add_observer(this);
}

void InvariantChecker::fail(NodeNumber node, std::string_view what) {
    if (failure_) return;
    std::ostringstream text;
    text << "at " << network_.now().time_since_epoch().count() << " us, node " << node << ": "
         << what;
    failure_ = text.str();
}

InvariantChecker::NodeState& InvariantChecker::state(NodeNumber node) {
    if (nodes_.size() <= node) nodes_.resize(node + 1);
    return nodes_[node];
}

void InvariantChecker::on_connect(NodeNumber node, std::span<const Address> to) {
    for (const Address& address : to) exchanges_[{node, address}].is_wanted = true;
}

void InvariantChecker::on_sent(const DatagramView& datagram) {
    const std::size_t ceiling = network_.config(datagram.from).connection.datagram_size_max;
    if (datagram.bytes.size() > ceiling) fail(datagram.from, "a datagram over the ceiling");
    scratch_.assign(datagram.bytes.begin(), datagram.bytes.end());
    MutableBytes rest(scratch_);
    while (!rest.empty()) {
        const auto frame = wire::parse_frame(rest);
        if (!frame) return fail(datagram.from, "sent what does not parse");
        check_frame(datagram.from, *frame);
        rest = rest.subspan(frame->size);
    }
    Exchange& exchange = exchanges_[{datagram.from, datagram.destination}];
    if (exchange.is_wanted || exchange.is_proven) return;
    exchange.sent += datagram.bytes.size();
    if (exchange.sent > amplification_max * exchange.received) {
        fail(datagram.from, "more than three times what came from " +
                                datagram.destination.to_string() + " went there");
    }
}

void InvariantChecker::check_frame(NodeNumber from, const wire::FrameView& frame) {
    ++frames_checked_;
    const std::uint64_t print = fingerprint(frame);
    if (frame.kind != wire::MetadataKind::session) {
        Nonce nonce{};
        std::copy_n(frame.nonce.begin(), nonce.size(), nonce.begin());
        const auto [known, is_new] = nonces_.emplace(nonce, print);
        if (!is_new && known->second != print)
            fail(from, "a handshake's nonce sealed two contents");
        return;
    }
    auto& seen = sequences_[{frame.session_id, from}];
    if (frame.sequence >= seen.size()) {
        if (frame.sequence - seen.size() > sequence_gap_max) return fail(from, "Sequence leapt");
        seen.resize(frame.sequence + 1);
    }
    std::uint64_t& known = seen[frame.sequence];
    if (known != 0 && known != print) fail(from, "a Sequence sealed two contents");
    known = print;
}

void InvariantChecker::on_delivered(const DeliveryView& datagram) {
    Exchange& exchange = exchanges_[{datagram.to, datagram.source}];
    exchange.received += datagram.bytes.size();
    if (datagram.from == nobody) return;
    // Whoever speaks after it was reached has shown that it was.
    if (const auto reached = reached_.find({datagram.to, datagram.from});
        reached != reached_.end()) {
        for (const Address& address : reached->second) {
            exchanges_[{datagram.to, address}].is_proven = true;
        }
        reached_.erase(reached);
    }
    const auto back = exchanges_.find({datagram.from, datagram.destination});
    if (back == exchanges_.end() || back->second.is_proven) return;
    auto& reached = reached_[{datagram.from, datagram.to}];
    if (std::find(reached.begin(), reached.end(), datagram.destination) == reached.end()) {
        reached.push_back(datagram.destination);
    }
}

void InvariantChecker::add_session(NodeNumber node, connection::SessionHandle handle) {
    ++session_count_;
    auto& sessions = state(node).sessions;
    const bool is_known = std::any_of(sessions.begin(), sessions.end(),
                                      [&](const Session& one) { return one.handle == handle; });
    if (is_known) return fail(node, "a session began twice");
    sessions.push_back({handle, 0, 0});
}

void InvariantChecker::end_session(NodeNumber node, connection::SessionHandle handle) {
    auto& sessions = state(node).sessions;
    const auto found = std::find_if(sessions.begin(), sessions.end(),
                                    [&](const Session& one) { return one.handle == handle; });
    if (found == sessions.end()) return fail(node, "a session ended that had not begun");
    sessions.erase(found);
    --session_count_;
}

void InvariantChecker::on_event(NodeNumber node, const connection::EndpointEvent& event) {
    if (const auto* accepted = std::get_if<connection::SessionAccepted>(&event)) {
        add_session(node, accepted->session);
    } else if (const auto* connected = std::get_if<connection::SessionConnected>(&event)) {
        add_session(node, connected->session);
    } else if (const auto* again = std::get_if<connection::SessionReconnected>(&event)) {
        add_session(node, again->new_session);
    } else if (const auto* of_session = std::get_if<connection::SessionEvent>(&event)) {
        const auto* closed = std::get_if<connection::Closed>(&of_session->event);
        if (closed == nullptr) return;
        end_session(node, of_session->session);
        if (closed->cause == connection::CloseCause::violation) {
            fail(node, "an honest peer was accused: " + closed->reason);
        }
    }
}

void InvariantChecker::on_settled(NodeNumber node) {
    const auto& endpoint = network_.endpoint(node);
    const connection::EndpointConfig& config = network_.config(node);
    if (endpoint.half_open_count() > config.responder.half_open_count_max) {
        fail(node, "more half-open handshakes than allowed");
    }
    if (endpoint.session_count() > config.session_count_max) {
        fail(node, "more sessions than allowed");
    }
    if (endpoint.session_count() > 0 && !endpoint.poll_timeout()) {
        fail(node, "sessions without a timer");
    }
    NodeState& own = state(node);
    for (std::size_t i = 0; i < std::min(sessions_a_turn, own.sessions.size()); ++i) {
        own.next = (own.next + 1) % own.sessions.size();
        check_session(node, own.sessions[own.next]);
    }
}

void InvariantChecker::check_session(NodeNumber node, Session& session) {
    const connection::Connection* connection = network_.find(node, session.handle);
    if (connection == nullptr) return fail(node, "a session vanished without an event");
    if (connection->streams().unread() > network_.config(node).connection.session_window_max) {
        fail(node, "more unread bytes than the session's credit");
    }
    if (connection->send_epoch() < session.send_epoch ||
        connection->receive_epoch() < session.receive_epoch) {
        fail(node, "an epoch fell");
    }
    session.send_epoch = connection->send_epoch();
    session.receive_epoch = connection->receive_epoch();
    const bool is_at_work = connection->state() == connection::SessionState::active ||
                            connection->state() == connection::SessionState::key_rotating;
    if (is_at_work && connection->path().bytes_in_flight() > 0) {
        const auto timer = connection->poll_timeout();
        // A leap of the clock is a round trip like any other.
        const Duration longest =
            std::max(recovery::probe_timeout_max, connection->path().rtt().probe_timeout());
        if (!timer || *timer > network_.local_now(node) + longest + loss_timer_margin) {
            const Duration late = timer ? *timer - network_.local_now(node) : Duration::max();
            fail(node, std::to_string(connection->path().bytes_in_flight()) +
                           " bytes in flight that no timer asks for; the next is due in " +
                           std::to_string(late.count()) + " us");
        }
    }
}

void InvariantChecker::on_crashed(NodeNumber node) {
    session_count_ -= state(node).sessions.size();
    state(node) = {};
    // Its memory of who proved what is gone.
    const auto first = exchanges_.lower_bound({node, Address()});
    const auto last = exchanges_.lower_bound({node + 1, Address()});
    exchanges_.erase(first, last);
    reached_.erase(reached_.lower_bound({node, 0}), reached_.lower_bound({node + 1, 0}));
}

}  // namespace stt::testing
