// How a session moves: challenges, answers, routes that close, networks that change.
// Spec protocol §10.5, §11.
#include <algorithm>
#include <limits>

#include "base/byte_order.hpp"
#include "core/connection/connection.hpp"
#include "core/connection/control_item.hpp"

namespace stt::connection {
namespace {

// Answers to PING and PATH_CHALLENGE that wait; the newest push out the oldest. Spec protocol
// §11.2 (e).
constexpr std::size_t answer_count_max = 4;

// What a peer says of this node's address. What could be nobody's is not worth telling.
std::optional<Address> observed_address(const wire::ObservedAddress& message) noexcept {
    const Bytes bytes = message.address;
    const std::size_t octet_count = bytes.size() - 2;
    const auto port = load_big_endian<std::uint16_t>(bytes.data() + octet_count);
    const bool is_unspecified =
        std::all_of(bytes.begin(), bytes.end() - 2, [](std::uint8_t octet) { return octet == 0; });
    if (port == 0 || is_unspecified) return std::nullopt;
    if (octet_count == 4) {
        if (bytes[0] >= 224) return std::nullopt;  // multicast, reserved, broadcast
        std::array<std::uint8_t, 4> octets{};
        std::copy_n(bytes.begin(), 4, octets.begin());
        return Address::ipv4(octets, port);
    }
    if (bytes[0] == 0xff) return std::nullopt;  // multicast
    std::array<std::uint8_t, 16> octets{};
    std::copy_n(bytes.begin(), 16, octets.begin());
    return Address::ipv6(octets, port);
}

}  // namespace

// ---- what comes in

void Connection::follow_frame(Instant now, const Route& from, const PathSet::Frame& frame) {
    const bool may_be_new = trace_.is_on() && !paths_.has(from);
    if (paths_.on_frame(now, from, frame)) on_path_taken(now);
    if (may_be_new && from != route()) tell_path(now, from, trace::PathChanged::Stage::candidate);
}

void Connection::handle_path_response(Instant now, const Route& from, const wire::Token& token) {
    const PathSet::Response response = paths_.on_response(now, from, token);
    if (response.is_validated) {
        items_pending_ |= control_item::observed_address;
        tell_path(now, from, trace::PathChanged::Stage::validated);
    }
    if (response.is_taken) on_path_taken(now);
}

// What was under way on the path before is missed only after a PTO of that path: a probe on the
// new one measures it meanwhile.
void Connection::on_path_taken(Instant now) {
    is_path_to_tell_ = true;
    tell_path(now, route(), trace::PathChanged::Stage::taken);
    items_pending_ |= control_item::observed_address;
    probes_due_ = std::max(probes_due_, 1u);
    acks_.set_round_trip(round_trip());
    handle_loss_timeout(now);
}

void Connection::tell_path(Instant now, const Route& route, trace::PathChanged::Stage stage) {
    if (!trace_.is_on()) return;
    const auto number = paths_.number_of(route);
    if (number) trace_.tell(now, trace::PathChanged{stage, *number, route});
}

void Connection::handle_observed_address(const wire::ObservedAddress& message) {
    const std::optional<Address> address = observed_address(message);
    if (!address || address == observed_) return;
    observed_ = address;
    is_observed_to_tell_ = true;
}

// A validated path has the use of all places. From elsewhere the newest question of each kind
// is answered: else a frame full of them would bring more bytes than it has.
void Connection::queue_answer(Answer answer) {
    if (paths_.send_limit(answer.to) != std::numeric_limits<std::size_t>::max()) {
        Fifo<Answer> kept;
        for (const Answer& other : answers_) {
            const bool is_older =
                other.to == answer.to && other.message.index() == answer.message.index();
            if (!is_older) kept.push_back(other);
        }
        answers_ = std::move(kept);
    }
    if (answers_.size() >= answer_count_max) {
        answers_.pop_front();
        drop(wire::DropReason::queue_full);
    }
    answers_.push_back(std::move(answer));
}

// ---- what goes out

std::size_t Connection::control_frame_size(std::size_t payload_size) const noexcept {
    const wire::SessionFrameHeader header{
        wire::FrameType::control, session_id_, 0, next_sequence_, 0, keys_.send.epoch()};
    return payload_size + wire::session_frame_overhead(header, payload_size);
}

// One message alone, not resent, in a frame of at most `limit` bytes. Spec protocol §12.1 (c):
// PATH_* are never padded.
Transmit Connection::transmit_alone(Instant now, MutableBytes buffer, const Route& to,
                                    const wire::ControlMessage& message, std::size_t limit) {
    const std::size_t payload_size = wire::encoded_size(message);
    const bool is_padded = padding_.is_on() && std::holds_alternative<wire::Pong>(message);
    // What goes where no path is kept is nobody's loss.
    const bool is_tracked = paths_.has(to);
    recovery::Cargo cargo;
    cargo.type = wire::FrameType::control;
    is_marking_ = false;
    batch_.begin(buffer, keys_.send, session_id_);
    STT_CHECK(batch_.begin_datagram(
        std::min(limit, is_padded ? path().mtu().current() : recovery::datagram_size_base)));
    codec::Writer writer(
        is_padded
            ? add_frame(wire::FrameType::control, 0, 0, payload_size, is_tracked, cargo)
            : add_bare_frame(wire::FrameType::control, 0, 0, payload_size, is_tracked, cargo));
    wire::write(writer, message);
    finish_datagram(now, to, false);
    batch_.seal();
    return Transmit{to, batch_.size(), batch_.size(), 0};
}

// A PONG or PATH_RESPONSE goes to where its question came from, once. Spec protocol §11.2 (d).
std::optional<Transmit> Connection::transmit_answer(Instant now, MutableBytes buffer) {
    while (!answers_.empty()) {
        const Answer answer = answers_.front();
        answers_.pop_front();
        const std::size_t limit = paths_.send_limit(answer.to).value_or(answer.allowance);
        // The padding of a PONG takes one byte at least.
        if (control_frame_size(wire::encoded_size(answer.message) + 1) <= limit) {
            return transmit_alone(now, buffer, answer.to, answer.message, limit);
        }
        drop(wire::DropReason::queue_full);
    }
    return std::nullopt;
}

std::optional<Transmit> Connection::transmit_challenge(Instant now, MutableBytes buffer) {
    wire::PathChallenge challenge;
    const std::size_t size = control_frame_size(wire::encoded_size(challenge));
    const auto route = paths_.challenge_due(now, size);
    if (!route) return std::nullopt;
    random_->fill(challenge.token);
    const Transmit transmit = transmit_alone(now, buffer, *route, challenge, size);
    paths_.on_challenge_sent(now, *route, challenge.token);
    return transmit;
}

// A PING: it moves the session at the peer (Spec protocol §11.1 (b)), and so does its PONG here.
std::optional<Transmit> Connection::transmit_route_probe(Instant now, MutableBytes buffer) {
    if (!probed_route_) return std::nullopt;
    if (paths_.has(*probed_route_)) {
        probed_route_.reset();
        return std::nullopt;
    }
    const bool is_asked_in_vain = probes_due_ > 0 && paths_.send_limit() == 0;
    if (!std::exchange(is_route_probe_due_, false) && !is_asked_in_vain) return std::nullopt;
    if (is_asked_in_vain) --probes_due_;
    wire::Ping ping;
    random_->fill(ping.token);
    liveness_.on_eliciting_sent(now);
    return transmit_alone(now, buffer, *probed_route_, ping, recovery::datagram_size_base);
}

// ---- what happened outside

void Connection::handle_route_closed(Instant now, const Route& route) {
    check_time(now);
    if (phase_ == Phase::closed) return;
    if (probed_route_ == route) probed_route_.reset();
    if (paths_.on_closed(now, route)) on_path_taken(now);
    handle_loss_timeout(now);
}

void Connection::network_changed(Instant now) {
    check_time(now);
    if (phase_ != Phase::active) return;
    paths_.on_network_changed(now);
    wake(now);
}

void Connection::probe_route(Instant now, const Route& route) {
    check_time(now);
    if (phase_ != Phase::active) return;
    probed_route_ = route;
    is_route_probe_due_ = true;
}

void Connection::ask_peer(Instant now) {
    check_time(now);
    if (phase_ == Phase::active) wake(now);
}

}  // namespace stt::connection
