#include "testing/raw_peer.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <stt/check.hpp>

namespace stt::testing {
namespace {

std::vector<std::uint8_t> drawn_secret(SeededRandom& random) {
    std::vector<std::uint8_t> secret(32);
    random.fill(secret);
    return secret;
}

stc::Context context_of(Bytes secret) {
    auto context = stc::Context::create(secret);
    STT_CHECK(context.has_value());
    return *std::move(context);
}

}  // namespace

RawPeer::RawPeer(std::uint64_t seed, connection::EndpointConfig config, std::optional<Route> route)
    : random_(mixed(seed)),
      now_(std::chrono::seconds(1)),
      route_(route.value_or(Address::ipv4({10, 0, 0, 9}, 4'000))),
      shared_secret_(drawn_secret(random_)),
      context_(context_of(shared_secret_)) {
    establish(std::move(config), route_);
}

RawPeer::RawPeer(std::uint64_t seed, connection::EndpointConfig config, const AuthProofFrom& from)
    : random_(mixed(seed)),
      now_(std::chrono::seconds(1)),
      route_(Address::ipv4({10, 0, 0, 9}, 4'000)),
      shared_secret_(drawn_secret(random_)),
      context_(context_of(shared_secret_)) {
    establish(std::move(config), from.route);
}

void RawPeer::establish(connection::EndpointConfig config, const Route& auth_proof_route) {
    random_.fill(config.identity);
    endpoint_ = std::make_unique<connection::Endpoint>(config, random_);
    STT_CHECK(endpoint_->add_seed(shared_secret_).has_value());

    handshake::InitiatorConfig initiator;
    random_.fill(initiator.own_node_id);
    initiator.capabilities = config.capabilities;
    initiator_ =
        std::make_unique<handshake::Initiator>(context_, initiator, moment().unix_ms, random_);
    deliver(initiator_->hello_frame());
    STT_CHECK(initiator_->has_session());
    session_id_ = initiator_->session_id();
    keys_.emplace(initiator_->take_session_key(), session::Role::initiator, session_id_);
    deliver_from(auth_proof_route, initiator_->auth_proof_frame());
    STT_CHECK(session_ != 0);
}

connection::Moment RawPeer::moment() const noexcept {
    const auto passed = std::chrono::floor<std::chrono::milliseconds>(now_.time_since_epoch());
    return {now_, wall_start_ms + passed.count()};
}

std::vector<std::uint8_t> RawPeer::seal(const Frame& frame) {
    const std::uint64_t sequence = frame.sequence.value_or(next_sequence_);
    next_sequence_ = std::max(next_sequence_, sequence + 1);
    const wire::SessionFrameHeader header{frame.type, session_id_, frame.stream,
                                          sequence,   frame.flags, keys_->send.epoch()};
    std::vector<std::uint8_t> bytes(frame.plaintext.size() +
                                    wire::session_frame_overhead(header, frame.plaintext.size()));
    const auto layout = wire::lay_out_session_frame(header, frame.plaintext.size(), bytes);
    if (!frame.plaintext.empty()) {
        std::memcpy(layout.payload.data(), frame.plaintext.data(), frame.plaintext.size());
    }
    stc::fold({&keys_->send.key_of(frame.stream),
               {layout.header, layout.metadata_head},
               layout.payload,
               layout.tag});
    return bytes;
}

void RawPeer::deliver(Bytes datagram) {
    deliver_from(route_, datagram);
}

void RawPeer::deliver_from(const Route& source, Bytes datagram) {
    std::vector<std::uint8_t> copy(datagram.begin(), datagram.end());
    endpoint_->handle_datagrams(moment(), source, copy, std::max<std::size_t>(copy.size(), 1), 0);
    drain();
}

void RawPeer::send(const wire::ControlMessage& message) {
    deliver(sealed(*this, message));
}

void RawPeer::send(std::uint16_t stream, std::uint64_t use,
                   const wire::StreamControlMessage& message) {
    Frame frame;
    frame.type = wire::FrameType::stream_control;
    frame.stream = stream;
    frame.plaintext.resize(10 + wire::encoded_size(message));
    codec::Writer writer(frame.plaintext);
    writer.varint(use);
    wire::write(writer, message);
    frame.plaintext.resize(writer.size());
    send(frame);
}

void RawPeer::send_data(std::uint16_t stream, std::uint64_t use, std::uint64_t offset, Bytes bytes,
                        std::uint8_t flags) {
    Frame frame;
    frame.type = wire::FrameType::data;
    frame.stream = stream;
    frame.flags = flags;
    const bool is_message = (flags & wire::flag::message) != 0;
    const std::optional<std::uint64_t> back =
        is_message ? std::optional(std::uint64_t{0}) : std::nullopt;
    const std::size_t prefix = wire::data_prefix_size(use, offset, back);
    frame.plaintext.resize(prefix + bytes.size());
    codec::Writer writer(frame.plaintext);
    wire::write_data_prefix(writer, use, offset, back);
    std::copy(bytes.begin(), bytes.end(),
              frame.plaintext.begin() + static_cast<std::ptrdiff_t>(prefix));
    send(frame);
}

void RawPeer::acknowledge(std::uint64_t first, std::uint64_t last) {
    wire::Ack ack;
    ack.largest = last;
    ack.first_range = last - first;
    send(wire::ControlMessage(ack));
}

void RawPeer::acknowledge_all() {
    if (received_.is_empty()) return;
    Frame frame;
    frame.plaintext.resize(1'024);
    codec::Writer writer(frame.plaintext);
    wire::write_ack(writer, received_.descending(), 0, std::nullopt, writer.room());
    frame.plaintext.resize(writer.size());
    send(frame);
}

void RawPeer::announce_epoch(std::uint64_t epoch, const session::RotationNonce& nonce) {
    send(wire::ControlMessage(wire::KeyRotation{epoch, nonce}));
    keys_->send.prepare(nonce);
    keys_->send.commit();
}

void RawPeer::advance(Duration time) {
    const Instant limit = now_ + time;
    for (auto timer = endpoint_->poll_timeout(); timer && *timer <= limit;
         timer = endpoint_->poll_timeout()) {
        now_ = std::max(now_, *timer);
        endpoint_->handle_timeout(moment());
        drain();
    }
    now_ = limit;
}

void RawPeer::leap(Duration time) {
    now_ += time;
    endpoint_->handle_timeout(moment());
    drain();
}

void RawPeer::network_changed() {
    endpoint_->network_changed(moment());
    drain();
}

void RawPeer::close_route(const Route& route) {
    endpoint_->handle_route_closed(moment(), route);
    drain();
}

void RawPeer::touch() {
    endpoint_->touch(session_);
    drain();
}

void RawPeer::drain() {
    std::array<std::uint8_t, 65'507> buffer;
    while (const auto transmit = endpoint_->poll_transmit(moment(), buffer)) {
        MutableBytes rest = MutableBytes(buffer).first(transmit->size);
        while (!rest.empty()) {
            const MutableBytes datagram = rest.first(std::min(rest.size(), transmit->segment_size));
            rest = rest.subspan(datagram.size());
            datagrams_.push_back({transmit->to, {datagram.begin(), datagram.end()}});
            take_datagram(datagram);
            ++datagram_count_;
        }
    }
    while (auto event = endpoint_->poll_event()) {
        if (const auto* accepted = std::get_if<connection::SessionAccepted>(&*event)) {
            session_ = accepted->session;
        }
        events_.push_back(*std::move(event));
    }
}

void RawPeer::take_datagram(MutableBytes datagram) {
    while (!datagram.empty()) {
        const auto view = wire::parse_frame(datagram);
        STT_CHECK(view.has_value());
        datagram = datagram.subspan(view->size);
        if (view->kind == wire::MetadataKind::session) {
            if (view->session_id == session_id_) take_frame(*view);
        } else if (!initiator_->has_session()) {
            const auto taken = initiator_->handle_response(
                *view, moment().unix_ms, [](const wire::SessionId&) { return false; });
            STT_CHECK(taken.has_value());
        }
    }
}

void RawPeer::take_frame(const wire::FrameView& view) {
    auto key = keys_->receive.opening_key(view.epoch, view.stream_id);
    STT_CHECK(key.has_value());
    stc::UnfoldJob job{
        key->get(), {view.header, view.metadata_head}, view.payload, view.tag, false};
    STT_CHECK(stc::unfold(job));
    keys_->receive.confirm(view.epoch, view.stream_id, *std::move(key));
    static_cast<void>(keys_->receive.frame_opened(view.epoch));
    received_.insert(view.sequence);
    frames_.push_back({view.type,
                       view.stream_id,
                       view.flags,
                       view.sequence,
                       view.epoch,
                       datagram_count_,
                       {view.payload.begin(), view.payload.end()}});
    std::vector<wire::KeyRotation> rotations;
    collect(frames_.back(), rotations);
    for (const wire::KeyRotation& rotation : rotations) {
        STT_CHECK(keys_->receive.announce(rotation).has_value());
    }
}

std::optional<connection::Closed> RawPeer::closed() const {
    for (const auto& event : events_) {
        const auto* of_session = std::get_if<connection::SessionEvent>(&event);
        if (of_session == nullptr) continue;
        if (const auto* closed = std::get_if<connection::Closed>(&of_session->event)) {
            return *closed;
        }
    }
    return std::nullopt;
}

std::uint64_t RawPeer::drops(wire::DropReason reason) {
    const auto index = static_cast<std::size_t>(reason);
    const std::uint64_t before = endpoint_->drops()[index];
    return connection() != nullptr ? before + connection()->drops()[index] : before;
}

std::vector<std::uint8_t> plaintext_of(const wire::ControlMessage& message) {
    std::vector<std::uint8_t> plaintext(wire::encoded_size(message));
    codec::Writer writer(plaintext);
    wire::write(writer, message);
    return plaintext;
}

std::vector<std::uint8_t> sealed(RawPeer& peer, const wire::ControlMessage& message) {
    RawPeer::Frame frame;
    frame.plaintext = plaintext_of(message);
    return peer.seal(frame);
}

void settle(RawPeer& peer) {
    // The path MTU is searched for once the session is used.
    STT_CHECK(peer.connection()->send_custom(0xff, 0, {}).has_value());
    peer.touch();
    rest(peer);
    peer.clear();
}

void rest(RawPeer& peer) {
    for (int i = 0; i < 5; ++i) {
        peer.advance(std::chrono::milliseconds(30));
        peer.acknowledge_all();
    }
}

std::size_t bytes_to(const RawPeer& peer, const Route& route) {
    std::size_t size = 0;
    for (const auto& datagram : peer.datagrams()) {
        if (datagram.to == route) size += datagram.bytes.size();
    }
    return size;
}

}  // namespace stt::testing
