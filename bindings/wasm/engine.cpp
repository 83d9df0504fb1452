#include "engine.hpp"

#include <algorithm>
#include <stt/check.hpp>

#include "export.hpp"

namespace stt::wasm {
namespace {

// What poll_transmit() takes at most.
constexpr std::size_t transmit_size_max = 65'507;
static_assert(transmit_size_max <= websocket_message_max);

// A page shares its memory with all else in it: less than a node takes, and enough for 100 Mbit/s
// at a round trip of 200 ms. A message of the largest size must fit.
constexpr std::size_t send_buffer_max = 2u << 20;
constexpr std::uint64_t stream_window_max = 4u << 20;
constexpr std::uint64_t session_window_max = 16u << 20;
static_assert(send_buffer_max >= stt::message_size_max);

connection::EndpointConfig make_config(const std::optional<Engine::Identity>& identity,
                                       stc::RandomSource& random) {
    connection::EndpointConfig config;
    if (identity) {
        config.identity = *identity;
    } else {
        random.fill(config.identity);
    }
    config.capabilities = {.streaming = true, .udp = false, .websocket = true};
    config.connection.send_buffer_max = send_buffer_max;
    config.connection.stream_window_max = stream_window_max;
    config.connection.session_window_max = session_window_max;
    return config;
}

// Of a WebSocket only the number counts: a page does not know addresses.
Route route_of(std::uint64_t websocket) noexcept {
    return Route(Address{}, websocket);
}

double milliseconds(Duration duration) noexcept {
    return static_cast<double>(duration.count()) / 1'000;
}

EventKind kind_of(stream::StreamEvent::Kind kind) noexcept {
    using Kind = stream::StreamEvent::Kind;
    switch (kind) {
        case Kind::opened:
            return EventKind::opened;
        case Kind::readable:
            return EventKind::readable;
        case Kind::writable:
            return EventKind::writable;
        case Kind::acknowledged:
            return EventKind::acknowledged;
        case Kind::reset:
            return EventKind::reset;
        case Kind::stopped:
            return EventKind::stopped;
        case Kind::limit_raised:
            return EventKind::limit_raised;
    }
    return EventKind::none;
}

}  // namespace

double number_of(stream::StreamKey key) noexcept {
    return number(key.use << 16 | key.id);
}

stream::StreamKey stream_key(double given) noexcept {
    const std::uint64_t value = integer(given);
    return {static_cast<std::uint16_t>(value & 0xffff), value >> 16};
}

Engine::Engine(const std::optional<Identity>& identity)
    : endpoint_(make_config(identity, random_), random_),
      buffer_(stt::message_size_max),
      message_(transmit_size_max) {}

void Engine::set_time(double now_ms, double unix_ms) noexcept {
    const Instant now{Duration(static_cast<Duration::rep>(now_ms * 1'000))};
    // A browser may round its clock to hide what a page could measure.
    moment_.now = std::max(moment_.now, now);
    moment_.unix_ms = static_cast<std::int64_t>(unix_ms);
}

handshake::SeedId Engine::add_seed(std::size_t size) {
    const MutableBytes seed = MutableBytes(buffer_).first(std::min(size, buffer_.size()));
    const auto added = endpoint_.add_seed(seed);
    wipe(seed);
    return added.has_value() ? *added : 0;
}

connection::AttemptId Engine::connect(handshake::SeedId seed, std::uint64_t websocket,
                                      std::size_t peer_size) {
    std::optional<handshake::NodeId> wanted;
    if (peer_size == std::tuple_size_v<handshake::NodeId>) {
        std::copy_n(buffer_.begin(), peer_size, wanted.emplace().begin());
    }
    const Route route = route_of(websocket);
    return endpoint_.connect(moment_, seed, {&route, 1}, wanted);
}

connection::ConnectError Engine::handshake_fault() const noexcept {
    using wire::DropReason;
    const auto count = [this](DropReason reason) {
        return endpoint_.drops()[static_cast<std::size_t>(reason)];
    };
    if (count(DropReason::handshake_wrong_peer) > 0) return connection::ConnectError::wrong_peer;
    const bool is_other_protocol = count(DropReason::handshake_version) > 0 ||
                                   count(DropReason::handshake_malformed) > 0 ||
                                   count(DropReason::handshake_commitment) > 0;
    return is_other_protocol ? connection::ConnectError::incompatible
                             : connection::ConnectError::timeout;
}

void Engine::receive(std::uint64_t websocket, std::size_t size) {
    if (size == 0 || size > websocket_message_max) return;
    const MutableBytes data = MutableBytes(buffer_).first(size);
    endpoint_.handle_datagrams(moment_, route_of(websocket), data, size, 0);
}

void Engine::close_route(std::uint64_t websocket) {
    endpoint_.handle_route_closed(moment_, route_of(websocket));
}

void Engine::move_to(connection::SessionHandle session, std::uint64_t websocket) {
    endpoint_.move_to(moment_, session, route_of(websocket));
}

std::size_t Engine::transmit() {
    const auto transmit = endpoint_.poll_transmit(moment_, message_);
    if (!transmit) return 0;
    fresh_record().numbers[0] = number(transmit->to.connection);
    return transmit->size;
}

double Engine::next_timeout() const {
    const auto timeout = endpoint_.poll_timeout();
    if (!timeout) return -1;
    return std::max(0.0, milliseconds(*timeout - moment_.now));
}

EventKind Engine::next_event() {
    while (const auto event = endpoint_.poll_event()) {
        const EventKind kind = tell(*event);
        if (kind != EventKind::none) return kind;
    }
    return EventKind::none;
}

EventKind Engine::tell(const connection::EndpointEvent& event) {
    auto& numbers = fresh_record().numbers;
    if (const auto* accepted = std::get_if<connection::SessionAccepted>(&event)) {
        numbers[0] = number(accepted->session);
        return EventKind::accepted;
    }
    if (const auto* connected = std::get_if<connection::SessionConnected>(&event)) {
        numbers = {number(connected->session), number(connected->attempt),
                   milliseconds(connected->handshake)};
        return EventKind::connected;
    }
    if (const auto* again = std::get_if<connection::SessionReconnected>(&event)) {
        numbers = {number(again->old_session), number(again->new_session),
                   milliseconds(again->handshake), number(again->streams.size())};
        progress_ = again->streams;
        return EventKind::reconnected;
    }
    if (const auto* failed = std::get_if<connection::ConnectFailed>(&event)) {
        numbers[1] = number(failed->attempt);
        record_.text = name_of(failed->error);
        return EventKind::connect_failed;
    }
    if (const auto* of_session = std::get_if<connection::SessionEvent>(&event)) {
        return tell(of_session->session, of_session->event);
    }
    return EventKind::none;
}

EventKind Engine::tell(connection::SessionHandle session, const connection::Event& event) {
    auto& numbers = record_.numbers;
    numbers[0] = number(session);
    if (const auto* of_stream = std::get_if<stream::StreamEvent>(&event)) {
        numbers[1] = number_of(of_stream->key);
        numbers[2] = number(of_stream->code);
        return kind_of(of_stream->kind);
    }
    if (std::holds_alternative<connection::Confirmed>(event)) return EventKind::confirmed;
    if (const auto* pong = std::get_if<connection::PongReceived>(&event)) {
        numbers[1] = number(pong->ping);
        numbers[2] = milliseconds(pong->round_trip);
        return EventKind::pong;
    }
    if (std::holds_alternative<connection::Unreachable>(event)) return EventKind::unreachable;
    if (std::holds_alternative<connection::Reachable>(event)) return EventKind::reachable;
    if (const auto* taken = std::get_if<connection::PathTaken>(&event)) {
        numbers[1] = number(taken->route.connection);
        return EventKind::path_taken;
    }
    if (const auto* closed = std::get_if<connection::Closed>(&event)) {
        numbers[1] = static_cast<double>(closed->cause);
        numbers[2] = number(closed->code);
        record_.text = closed->reason;
        return EventKind::closed;
    }
    return EventKind::none;
}

}  // namespace stt::wasm
