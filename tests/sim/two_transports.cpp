#include "tests/sim/two_transports.hpp"

#include <algorithm>
#include <stt/check.hpp>
#include <utility>

#include "core/wire/datagram_cutter.hpp"

namespace stt::testing {
namespace {

constexpr std::size_t chunk_size = 65'536;

}  // namespace

Address TwoTransports::address(std::size_t node) {
    return Address::ipv4({10, 0, 0, static_cast<std::uint8_t>(node + 1)}, 9'001);
}

TwoTransports::TwoTransports(std::uint64_t seed, const LinkOptions& udp,
                             const WebSocketOptions& websocket)
    : random_(mixed(seed)),
      options_(websocket),
      nodes_{Node(mixed(seed + 1)), Node(mixed(seed + 2))},
      udp_{Link(udp, mixed(seed + 3)), Link(udp, mixed(seed + 4))} {
    const std::vector<std::uint8_t> secret(32, 7);
    for (Node& node : nodes_) {
        connection::EndpointConfig config;
        node.random.fill(config.identity);
        node.endpoint = std::make_unique<connection::Endpoint>(config, node.random);
        node.seed = *node.endpoint->add_seed(secret);
    }
}

void TwoTransports::connect(Way way) {
    const Route route = way == Way::udp ? Route(address(1)) : websocket(0);
    nodes_[0].endpoint->connect(moment(), nodes_[0].seed, {&route, 1});
    drain(0);
}

void TwoTransports::write(std::size_t from, std::uint64_t size) {
    nodes_[from].to_write += size;
    fill(from);
    drain(from);
}

void TwoTransports::move_to(Way way) {
    const Route route = way == Way::udp ? Route(address(1)) : websocket(0);
    nodes_[0].endpoint->move_to(moment(), nodes_[0].session, route);
    drain(0);
}

TwoTransports::Way TwoTransports::way(std::size_t node) {
    const auto* const engine = nodes_[node].endpoint->find(nodes_[node].session);
    STT_CHECK(engine != nullptr);
    return engine->route().is_reliable() ? Way::websocket : Way::udp;
}

bool TwoTransports::is_lossy(std::size_t node) {
    return !nodes_[node].endpoint->find(nodes_[node].session)->path().is_reliable();
}

void TwoTransports::cut_udp() {
    for (Link& link : udp_) link.cut();
}

void TwoTransports::mend_udp() {
    for (Link& link : udp_) link.mend();
}

void TwoTransports::break_websocket() {
    const std::uint64_t broken = connection_++;
    for (std::size_t at = 0; at < 2; ++at) {
        Node& node = nodes_[at];
        node.queue.clear();
        node.queued = 0;
        node.is_full = false;
        node.free_at = now_;
        node.endpoint->handle_route_closed(moment(), {address(1 - at), broken});
        drain(at);
    }
}

// ---- time

bool TwoTransports::step(Instant end) {
    Instant next = end;
    if (!arrivals_.empty()) next = std::min(next, arrivals_.begin()->first);
    if (!pumps_.empty()) next = std::min(next, pumps_.begin()->first);
    for (const Node& node : nodes_) {
        if (const auto timeout = node.endpoint->poll_timeout()) next = std::min(next, *timeout);
    }
    now_ = std::max(now_, next);
    if (next >= end) return false;
    while (!arrivals_.empty() && arrivals_.begin()->first <= now_) {
        Arrival arrival = std::move(arrivals_.begin()->second);
        arrivals_.erase(arrivals_.begin());
        deliver(arrival);
    }
    while (!pumps_.empty() && pumps_.begin()->first <= now_) {
        const std::size_t from = pumps_.begin()->second;
        pumps_.erase(pumps_.begin());
        pump(from);
        drain(from);
    }
    for (std::size_t at = 0; at < 2; ++at) {
        const auto timeout = nodes_[at].endpoint->poll_timeout();
        if (!timeout || *timeout > now_) continue;
        nodes_[at].endpoint->handle_timeout(moment());
        drain(at);
    }
    return true;
}

void TwoTransports::deliver(Arrival& arrival) {
    // What was under way in a connection that has broken is gone.
    if (arrival.is_websocket && arrival.connection != connection_) return;
    Node& node = nodes_[arrival.to];
    const Route from =
        arrival.is_websocket ? websocket(arrival.to) : Route(address(1 - arrival.to));
    const std::size_t size = arrival.bytes.size();
    const bool is_of_frames =
        node.endpoint->handle_datagrams(moment(), from, arrival.bytes, size, arrival.ecn);
    STT_CHECK(is_of_frames);
    drain(arrival.to);
}

// ---- what a node sends

void TwoTransports::drain(std::size_t number) {
    Node& node = nodes_[number];
    for (bool has_more = true; has_more;) {
        while (const auto transmit = node.endpoint->poll_transmit(moment(), buffer_)) {
            send(number, *transmit);
        }
        has_more = false;
        while (const auto event = node.endpoint->poll_event()) {
            handle(number, *event);
            has_more = true;
        }
    }
}

void TwoTransports::send(std::size_t from, const connection::Transmit& transmit) {
    Bytes rest = Bytes(buffer_).first(transmit.size);
    if (transmit.to.is_reliable()) {
        if (transmit.to.connection != connection_) return;
        Node& node = nodes_[from];
        node.queue.emplace_back(rest.begin(), rest.end());
        node.queued += rest.size();
        if (node.queued > options_.full && !std::exchange(node.is_full, true)) {
            node.endpoint->set_route_full(transmit.to, true);
        }
        pump(from);
        return;
    }
    std::vector<Link::Arrival> arrived;
    while (!rest.empty()) {
        const Bytes datagram = rest.first(std::min(transmit.segment_size, rest.size()));
        rest = rest.subspan(datagram.size());
        ++datagrams_;
        udp_[from].send(now_, datagram, transmit.ecn, arrived);
    }
    for (Link::Arrival& each : arrived) {
        arrivals_.emplace(each.at, Arrival{1 - from, false, 0, each.ecn, std::move(each.bytes)});
    }
}

// Sends from the WebSocket's queue what its rate lets through by now.
void TwoTransports::pump(std::size_t from) {
    Node& node = nodes_[from];
    while (!node.queue.empty() && node.free_at <= now_) {
        std::vector<std::uint8_t> message = std::move(node.queue.front());
        node.queue.pop_front();
        node.queued -= message.size();
        node.free_at = now_;
        if (options_.rate > 0) {
            node.free_at +=
                Duration(static_cast<Duration::rep>(message.size() * 1'000'000 / options_.rate));
        }
        const Instant at = node.free_at + options_.delay;
        const auto arrive = [&](Bytes bytes) {
            arrivals_.emplace(
                at, Arrival{1 - from, true, connection_, 0, {bytes.begin(), bytes.end()}});
        };
        if (!options_.is_bridge) {
            arrive(message);
            continue;
        }
        const auto cut =
            wire::cut_into_datagrams(message, 1'472, [&](const wire::DatagramRun& run) {
                for (std::size_t i = 0; i < run.data.size(); i += run.segment_size) {
                    if (random_.chance(options_.loss)) continue;
                    arrive(run.data.subspan(i, std::min(run.segment_size, run.data.size() - i)));
                }
            });
        STT_CHECK(cut.has_value());
    }
    if (!node.queue.empty()) pumps_.emplace(node.free_at, from);
    if (node.is_full && node.queued < options_.room) {
        node.is_full = false;
        node.endpoint->set_route_full(websocket(from), false);
    }
}

// ---- what a node is told

void TwoTransports::handle(std::size_t number, const connection::EndpointEvent& event) {
    Node& node = nodes_[number];
    if (const auto* accepted = std::get_if<connection::SessionAccepted>(&event)) {
        node.session = accepted->session;
    } else if (const auto* connected = std::get_if<connection::SessionConnected>(&event)) {
        node.session = connected->session;
    }
    const auto* of_session = std::get_if<connection::SessionEvent>(&event);
    if (of_session == nullptr) return;
    if (std::holds_alternative<connection::PathTaken>(of_session->event)) ++node.moves;
    if (std::holds_alternative<connection::Silent>(of_session->event)) node.was_silent = true;
    if (std::holds_alternative<stream::StreamEvent>(of_session->event)) {
        read(number);
        fill(number);
    }
}

void TwoTransports::fill(std::size_t number) {
    Node& node = nodes_[number];
    auto* const engine = node.endpoint->find(node.session);
    if (engine == nullptr || node.written == node.to_write) return;
    if (!node.stream) {
        const auto opened = engine->open_stream("bulk");
        if (!opened) return;
        node.stream = *opened;
    }
    std::vector<std::uint8_t> chunk;
    while (node.written < node.to_write) {
        chunk.resize(std::min<std::uint64_t>(chunk_size, node.to_write - node.written));
        Pattern(number).write(node.written, chunk);
        const auto taken = engine->write(*node.stream, chunk);
        if (!taken || *taken == 0) break;
        node.written += *taken;
    }
    node.endpoint->touch(node.session);
}

void TwoTransports::read(std::size_t number) {
    Node& node = nodes_[number];
    auto* const engine = node.endpoint->find(node.session);
    if (engine == nullptr) return;
    // The peer's only stream: it opens with its first number.
    const stream::StreamKey key{static_cast<std::uint16_t>(number == 0 ? 2 : 1), 0};
    std::array<std::uint8_t, chunk_size> chunk;
    for (;;) {
        const auto outcome = engine->read(now_, key, chunk);
        if (!outcome || outcome->size == 0) break;
        if (!Pattern(1 - number).matches(node.received, Bytes(chunk).first(outcome->size))) {
            node.is_whole = false;
        }
        node.received += outcome->size;
    }
    node.endpoint->touch(node.session);
}

}  // namespace stt::testing
