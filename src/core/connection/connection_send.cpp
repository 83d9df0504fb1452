// What a session sends, and when. Spec protocol §5.1, §8.2, §10, §13.1.
#include <algorithm>
#include <cstring>
#include <limits>

#include "base/byte_order.hpp"
#include "codec/writer.hpp"
#include "core/connection/connection.hpp"
#include "core/connection/control_item.hpp"

namespace stt::connection {
namespace {

// Datagrams in one transmission: what segmentation offload takes.
constexpr std::size_t datagram_count_max = 64;
// Frames that a datagram can hold without being crowded out of the log of sent frames.
constexpr std::size_t frames_per_datagram_max = 32;
// Of a WebSocket by which no session has shown yet. Spec protocol §13.3.
constexpr std::size_t first_message_size_max = 2'048;
// Room under which no further frame is begun in a datagram: header, tag and a few bytes.
constexpr std::size_t frame_room_min = 48;
// Spec protocol §10.3: one Sequence in 512 to 2,048 is skipped.
constexpr std::uint64_t skip_interval_min = 512;
constexpr std::uint64_t skip_interval_max = 2'048;
// The largest number that a varint of two bytes can hold. Spec protocol §1.
constexpr std::size_t two_byte_length_max = 16'383;
constexpr std::uint8_t ecn_capable = 2;  // ECT(0)
// The least room in which any acknowledgement fits: where fewer bytes may go, nothing goes.
constexpr std::size_t limited_datagram_size_min = 128;

// Spec protocol §8.1, OBSERVED_ADDRESS: 4 + 2 or 16 + 2 bytes.
std::size_t write_address(const Address& address, std::span<std::uint8_t, 18> output) {
    const std::size_t octets = address.family() == Address::Family::ipv4 ? 4 : 16;
    std::memcpy(output.data(), address.octets().data(), octets);
    store_big_endian(output.data() + octets, address.port());
    return octets + 2;
}

}  // namespace

void Connection::draw_skip() noexcept {
    std::array<std::uint8_t, 8> bytes;
    random_->fill(bytes);
    const auto drawn = load_little_endian<std::uint64_t>(bytes.data());
    skip_in_ = skip_interval_min + drawn % (skip_interval_max - skip_interval_min + 1);
}

std::uint64_t Connection::take_sequence() noexcept {
    const std::uint64_t sequence = next_sequence_++;
    if (--skip_in_ == 0) {
        ++next_sequence_;
        draw_skip();
    }
    return sequence;
}

std::size_t Connection::plaintext_room(wire::FrameType type, std::uint16_t stream) const noexcept {
    const std::size_t room = batch_.payload_room(type, stream, next_sequence_);
    return padding_.is_on() ? std::min(room, padded_size_max) : room;
}

std::size_t Connection::data_room(wire::FrameType type, std::uint16_t stream) const noexcept {
    const std::size_t room = plaintext_room(type, stream);
    return padding_.capacity(room, batch_.datagram_frames().empty());
}

// Spec protocol §12.1. The padding stands behind the payload that is returned.
MutableBytes Connection::add_frame(wire::FrameType type, std::uint16_t stream, std::uint8_t flags,
                                   std::size_t payload_size, bool elicits_ack,
                                   const recovery::Cargo& cargo) {
    if (!padding_.is_on()) {
        return add_bare_frame(type, stream, flags, payload_size, elicits_ack, cargo);
    }
    const std::size_t room = plaintext_room(type, stream);
    const std::size_t size =
        padding_.padded_size(payload_size, room, batch_.datagram_frames().empty());
    const auto padded_flags = static_cast<std::uint8_t>(flags | wire::flag::padded);
    const MutableBytes plaintext =
        add_bare_frame(type, stream, padded_flags, size, elicits_ack, cargo);
    wire::write_padding(plaintext, payload_size);
    return plaintext.first(payload_size);
}

MutableBytes Connection::add_bare_frame(wire::FrameType type, std::uint16_t stream,
                                        std::uint8_t flags, std::size_t payload_size,
                                        bool elicits_ack, const recovery::Cargo& cargo) {
    rotation_bytes_ += payload_size;
    ++rotation_frames_;
    ++totals_.frames_sent;
    return batch_.add(type, stream, flags, take_sequence(), payload_size, elicits_ack, cargo);
}

std::optional<Transmit> Connection::poll_transmit(Instant now, MutableBytes buffer) {
    check_time(now);
    STT_CHECK(buffer.size() >= config_.datagram_size_max);
    is_drained_ = false;
    if (phase_ == Phase::closed) return std::nullopt;
    std::optional<Transmit> transmit;
    if (phase_ != Phase::active) {
        transmit = transmit_close(buffer);
    } else {
        rotate_if_due(now);
        transmit = transmit_answer(now, buffer);
        if (!transmit) transmit = transmit_challenge(now, buffer);
        if (!transmit) transmit = transmit_mtu_probe(now, buffer);
        if (!transmit) transmit = transmit_batch(now, buffer);
    }
    if (transmit) on_sent(now, *transmit);
    return transmit;
}

void Connection::on_sent(Instant now, const Transmit& transmit) {
    last_sent_ = now;
    totals_.bytes_sent += transmit.size;
    totals_.datagrams_sent += (transmit.size + transmit.segment_size - 1) / transmit.segment_size;
    send_rate_.add(now, transmit.size);
    paths_.on_sent(transmit.to, transmit.size);
    trace_.datagram_sent(now, transmit);
    update_trace(now);
}

// What has a form or a time of its own waits for its turn, and so does DATA: it fills datagrams.
bool Connection::may_join(const Transmit& datagram) const noexcept {
    // A responder may be one of several threads, to which datagrams go by their first Session ID.
    if (role_ != session::Role::responder) return false;
    const bool is_settled = phase_ == Phase::active && paths_.is_validated();
    if (!is_settled || is_blocked() || liveness_.is_unreachable() || padding_.is_on()) return false;
    if (probes_due_ > 0 || streams_.has_data() || has_custom_to_send()) return false;
    // An ACK of many ranges would not have room for all.
    if (acks_.ranges().size() > join_range_count_max) return false;
    return route() == datagram.to && path().may_mark() == (datagram.ecn != 0);
}

std::size_t Connection::join(Instant now, const Transmit& datagram, MutableBytes room) {
    check_time(now);
    if (!may_join(datagram)) return 0;
    const bool has_window = path().allowance(now).bytes >= room.size();
    DatagramPlan plan;
    plan.candidate = streams_.next_candidate();
    plan.may_elicit =
        has_window && wants_to_elicit(plan.candidate) && loss_.has_room(frames_per_datagram_max);
    if (!plan.may_elicit && !acks_.is_due(now)) return 0;
    is_marking_ = path().may_mark();
    batch_.go_on(room, keys_.send, session_id_);
    STT_CHECK(batch_.begin_datagram(room.size()));
    const std::size_t size = write_datagram(now, plan);
    if (size > 0) on_sent(now, {route(), size, size, datagram.ecn});
    return size;
}

std::optional<Transmit> Connection::transmit_close(MutableBytes buffer) {
    if (!std::exchange(is_close_due_, false)) return std::nullopt;
    // Spec protocol §11.2 (b). To a route that is no path it goes only if paid for.
    if (close_route_ == route() && close_frame_.size() > paths_.send_limit()) return std::nullopt;
    std::memcpy(buffer.data(), close_frame_.data(), close_frame_.size());
    return Transmit{close_route_, close_frame_.size(), close_frame_.size(), 0};
}

// The close takes the last acknowledgement along: what the application here has read shall
// not look lost to the peer.
void Connection::seal_close(Instant now, std::uint64_t code, std::string_view reason) {
    const wire::ControlMessage message = wire::SessionClose{code, bytes_of(reason)};
    const std::size_t close_size = wire::encoded_size(message);
    // Padded to the maximum, it fills the path's datagram as any other frame.
    close_frame_.resize(padding_.is_on() ? path().mtu().current() : recovery::datagram_size_base);
    batch_.begin(close_frame_, keys_.send, session_id_);
    STT_CHECK(batch_.begin_datagram(close_frame_.size()));
    ControlPayload payload;
    codec::Writer writer(payload.bytes);
    if (acks_.has_unsent() && paths_.is_validated()) put_ack(now, writer, payload);
    const std::size_t room = data_room(wire::FrameType::control, 0);
    if (writer.size() + close_size > room) writer = codec::Writer(payload.bytes);
    wire::write(writer, message);
    const MutableBytes place = add_frame(wire::FrameType::control, 0, 0, writer.size(), false, {});
    std::memcpy(place.data(), payload.bytes.data(), writer.size());
    trace_.frames_sent(now, route(), batch_.open_datagram());
    batch_.end_datagram();
    batch_.seal();
    close_frame_.resize(batch_.size());
}

// PING and PADDING to the size that is probed. RFC 8899 §4.1.
std::optional<Transmit> Connection::transmit_mtu_probe(Instant now, MutableBytes buffer) {
    if (!may_probe_mtu()) return std::nullopt;
    const auto size = path().mtu().probe_size(now);
    if (!size || !loss_.has_room(1)) return std::nullopt;
    // The caller's buffer may be smaller than what a WebSocket carries.
    if (*size > buffer.size()) return std::nullopt;
    const recovery::SendAllowance allowance = path().allowance(now);
    if (allowance.bytes < *size) return std::nullopt;
    batch_.begin(buffer, keys_.send, session_id_);
    STT_CHECK(batch_.begin_datagram(*size));
    const std::size_t payload_size =
        batch_.payload_room(wire::FrameType::control, 0, next_sequence_);
    const wire::ControlMessage ping = wire::Ping{};
    recovery::Cargo cargo;
    cargo.type = wire::FrameType::control;
    codec::Writer writer(add_bare_frame(wire::FrameType::control, 0, 0, payload_size, true, cargo));
    wire::write(writer, ping);
    // The kind of PADDING, a length of two or three bytes, and as many zeros as remain.
    static_assert(recovery::datagram_size_base > 256 && datagram_size_limit < two_byte_length_max);
    static_assert(padded_datagram_size > two_byte_length_max + 64);
    const std::size_t head_size = writer.room() <= two_byte_length_max + 3 ? 3 : 4;
    const wire::ControlMessage padding = wire::Padding{writer.room() - head_size};
    wire::write(writer, padding);
    STT_CHECK(writer.room() == 0);
    finish_datagram(now, route(), true);
    batch_.seal();
    return Transmit{route(), batch_.size(), batch_.size(), 0};
}

bool Connection::may_probe_mtu() const noexcept {
    return is_used() && is_confirmed_ && paths_.is_validated() && !is_blocked() &&
           !liveness_.is_unreachable();
}

// A session that carries nothing needs no larger datagrams: RFC 8899 §5.2 lets a search begin
// when it is wanted.
bool Connection::is_used() const noexcept {
    const stream::CreditUse use = streams_.credit_use();
    return use.opened + use.accepted > 0 || custom_ != nullptr;
}

bool Connection::is_blocked() const noexcept {
    return paths_.send_limit() < limited_datagram_size_min ||
           full_websockets_.contains(route().connection);
}

bool Connection::is_auth_proof_due(Instant now) const noexcept {
    return auth_proof_at_ && now >= *auth_proof_at_ && paths_.is_validated();
}

bool Connection::has_eliciting_messages() const noexcept {
    const bool has_ping = is_ping_pending_ || (!pings_.empty() && !pings_.front().sent_at);
    return items_pending_ != 0 || has_ping || streams_.has_session_credit_pending();
}

// Something of which this side wants an acknowledgement, given the stream that is next.
bool Connection::wants_to_elicit(
    const std::optional<stream::Streams::Candidate>& candidate) const noexcept {
    // To nobody nothing but probes: what waits would only be sent again.
    return !liveness_.is_unreachable() &&
           (candidate || has_eliciting_messages() || has_custom_to_send());
}

std::optional<Transmit> Connection::transmit_batch(Instant now, MutableBytes buffer) {
    release_at_.reset();
    if (is_blocked()) return std::nullopt;
    // To a node that may not have seen a session there.
    const bool is_unknown_there = !is_confirmed_ || !paths_.is_validated();
    if (route().is_reliable() && is_unknown_there) {
        buffer = buffer.first(std::min(buffer.size(), first_message_size_max));
    }
    std::size_t limit = paths_.send_limit();
    const std::size_t mtu = std::min(path().mtu().current(), buffer.size());
    const recovery::SendAllowance allowance = path().allowance(now);
    std::size_t budget = allowance.bytes;
    if (may_probe_mtu()) {
        const auto mtu_probe_size = path().mtu().probe_size(now);
        if (mtu_probe_size) release_at_ = path().release(now, *mtu_probe_size);
    }
    is_marking_ = path().may_mark();
    streams_.set_payload_room(data_payload_room());
    streams_.set_turn_size(path().stream_turn());
    streams_.set_send_window(path().window());
    batch_.begin(buffer, keys_.send, session_id_);
    std::size_t segment_size = 0;
    DatagramPlan plan;
    for (std::size_t count = 0; count < datagram_count_max; ++count) {
        const bool is_probe = probes_due_ > 0;
        plan.candidate = streams_.next_candidate();
        const bool has_eliciting = wants_to_elicit(plan.candidate);
        const bool is_worth_it = budget >= mtu && (count > 0 || budget >= allowance.bytes_min);
        const bool may_elicit =
            is_probe || (has_eliciting && is_worth_it && loss_.has_room(frames_per_datagram_max));
        if (has_eliciting && !may_elicit) release_at_ = allowance.release;
        if (!has_eliciting && budget >= mtu) path_state().on_app_limited();
        if (!may_elicit && !acks_.is_due(now) && !is_auth_proof_due(now)) break;
        if (limit < limited_datagram_size_min) break;
        if (!batch_.begin_datagram(std::min(mtu, limit))) break;
        plan.may_elicit = may_elicit && !liveness_.is_unreachable();
        plan.must_elicit = is_probe;
        const std::size_t size = write_datagram(now, plan);
        if (size == 0) break;
        if (is_probe) --probes_due_;
        segment_size = std::max(segment_size, size);
        budget -= std::min(budget, size);
        if (!paths_.is_validated()) limit -= size;
        // All datagrams of a burst have one size; a shorter one can only be the last.
        if (size < mtu) {
            is_drained_ = probes_due_ == 0 && !wants_to_elicit(streams_.next_candidate()) &&
                          !acks_.is_due(now) && !is_auth_proof_due(now);
            if (is_drained_ && budget >= mtu) path_state().on_app_limited();
            break;
        }
    }
    batch_.seal();
    if (batch_.size() == 0) return std::nullopt;
    return Transmit{route(), batch_.size(), segment_size,
                    is_marking_ ? ecn_capable : std::uint8_t{0}};
}

// Fills one datagram and returns its size; zero when there was nothing to put into it.
std::size_t Connection::write_datagram(Instant now, DatagramPlan& plan) {
    if (is_auth_proof_due(now)) {
        batch_.add_sealed(auth_proof_);
        auth_proof_at_ = now + auth_proof_interval_;
        auth_proof_interval_ = std::min(2 * auth_proof_interval_, config_.handshake_resend_max);
        // Spec protocol §4.3 (b).
        if (route().is_reliable()) auth_proof_at_ = now + config_.handshake_resend_max;
    }
    const bool has_stream_frames = plan.may_elicit && plan.candidate.has_value();
    const bool has_more = has_stream_frames || (plan.may_elicit && has_custom_to_send());
    if (plan.may_have_messages || plan.must_elicit) {
        // Behind a padded frame there may be no room for what would elicit an acknowledgement.
        const bool is_added = add_control_frame(now, plan.may_elicit, plan.must_elicit,
                                                plan.must_elicit && !has_more);
        // CREDITS may have said what the candidate had to say.
        if (is_added) plan.candidate = streams_.next_candidate();
        plan.may_have_messages = is_added || !plan.may_elicit;
    }
    if (plan.may_elicit) {
        add_custom_frames(has_stream_frames);
        add_stream_frames(plan.candidate);
    }
    const std::size_t size = batch_.datagram_size();
    finish_datagram(now, route(), false);
    return size;
}

bool Connection::add_control_frame(Instant now, bool may_elicit, bool must_elicit,
                                   bool is_only_frame) {
    const std::size_t room = data_room(wire::FrameType::control, 0);
    ControlPayload payload;
    payload.cargo.type = wire::FrameType::control;
    codec::Writer writer(MutableBytes(payload.bytes).first(std::min(room, payload.bytes.size())));
    if (acks_.is_due(now) || (may_elicit && acks_.should_ride(now))) put_ack(now, writer, payload);
    if (may_elicit) put_items(writer, payload);
    const bool needs_ping = is_only_frame || (must_elicit && padding_.is_on() && writer.size() > 0);
    if (needs_ping && !payload.elicits_ack) put_ping(writer, payload);
    if (writer.size() == 0) return false;
    const MutableBytes place = add_frame(wire::FrameType::control, 0, 0, writer.size(),
                                         payload.elicits_ack, payload.cargo);
    std::memcpy(place.data(), payload.bytes.data(), writer.size());
    if (payload.has_ack) acks_.on_ack_sent(now, payload.has_ack_ping);
    return true;
}

bool Connection::put(codec::Writer& writer, ControlPayload& payload,
                     const wire::ControlMessage& message) {
    if (wire::encoded_size(message) > writer.room()) return false;
    wire::write(writer, message);
    payload.elicits_ack = true;
    return true;
}

bool Connection::put_ping(codec::Writer& writer, ControlPayload& payload) {
    wire::Ping ping;
    random_->fill(ping.token);
    return put(writer, payload, ping);
}

void Connection::put_ack(Instant now, codec::Writer& writer, ControlPayload& payload) {
    const auto ranges = acks_.ranges();
    if (ranges.empty()) return;
    const std::size_t written =
        wire::write_ack(writer, ranges, acks_.delay_us(now), acks_.ecn_counts(), writer.room());
    if (written == 0) return;
    payload.has_ack = true;
    ++totals_.acks_sent;
    payload.cargo.items |= control_item::ack;
    payload.cargo.value = ranges.front().last;
    // Spec protocol §10.2: so that old ranges can be forgotten.
    if (acks_.wants_ping(now)) payload.has_ack_ping = put_ping(writer, payload);
}

// The CREDITs of several streams in one message. Spec protocol §8.1 CREDITS.
void Connection::put_credits(codec::Writer& writer, ControlPayload& payload) {
    constexpr std::size_t head_size_max = 8;  // kind, length and count
    std::array<std::uint8_t, 1'024> entries;
    if (writer.room() <= head_size_max) return;
    const std::size_t room = std::min(writer.room() - head_size_max, entries.size());
    const auto batch = streams_.take_credits(MutableBytes(entries).first(room));
    if (!batch) return;
    STT_CHECK(put(writer, payload, wire::Credits{batch->count, Bytes(entries).first(batch->size)}));
    payload.cargo.items |= control_item::credits;
    payload.cargo.offset = batch->number;
}

void Connection::put_items(codec::Writer& writer, ControlPayload& payload) {
    if ((items_pending_ & control_item::key_rotation) != 0 &&
        put(writer, payload, keys_.send.pending())) {
        items_pending_ &= ~control_item::key_rotation;
        payload.cargo.items |= control_item::key_rotation;
        payload.cargo.use = keys_.send.epoch();
    }
    if (const auto limit = streams_.take_flow_credit()) {
        if (put(writer, payload, wire::FlowCredit{*limit})) {
            payload.cargo.items |= control_item::flow_credit;
        } else {
            streams_.resend_flow_credit();
        }
    }
    put_credits(writer, payload);
    if (const auto limit = streams_.take_stream_limit()) {
        if (put(writer, payload, wire::StreamLimit{*limit})) {
            payload.cargo.items |= control_item::stream_limit;
        } else {
            streams_.resend_stream_limit();
        }
    }
    if ((items_pending_ & control_item::observed_address) != 0) {
        std::array<std::uint8_t, 18> address{};
        const std::size_t size = write_address(route().address, address);
        if (put(writer, payload, wire::ObservedAddress{Bytes(address).first(size)})) {
            items_pending_ &= ~control_item::observed_address;
        }
    }
    if (is_ping_pending_ && put_ping(writer, payload)) is_ping_pending_ = false;
    if (pings_.empty() || pings_.front().sent_at) return;
    if (put(writer, payload, wire::Ping{pings_.front().token})) pings_.front().sent_at = now_;
}

// What a DATA frame can hold in a datagram of its own, whatever its stream and Sequence.
std::size_t Connection::data_payload_room() const noexcept {
    const wire::SessionFrameHeader header{wire::FrameType::data,
                                          session_id_,
                                          static_cast<std::uint16_t>(wire::stream_id_max),
                                          std::numeric_limits<std::uint64_t>::max(),
                                          0,
                                          keys_.send.epoch() + 1};
    std::size_t room = wire::session_payload_size_max(header, path().mtu().current());
    if (padding_.is_on()) room = std::min(room, padded_size_max);
    return padding_.capacity(room, true);
}

void Connection::add_stream_frames(std::optional<stream::Streams::Candidate> candidate) {
    for (std::size_t count = 0; count < frames_per_datagram_max; ++count) {
        if (batch_.datagram_room() < frame_room_min) return;
        if (count > 0) candidate = streams_.next_candidate();
        if (!candidate) return;
        const std::size_t room = data_room(candidate->type, candidate->key.id);
        const auto planned = streams_.plan(*candidate, room);
        if (!planned) return;
        recovery::Cargo cargo;
        cargo.type = planned->type;
        cargo.is_end = planned->range.is_end;
        cargo.stream = planned->key.id;
        cargo.size = static_cast<std::uint32_t>(planned->range.size);
        cargo.use = planned->key.use;
        cargo.offset = planned->range.offset;
        cargo.items = planned->items;
        const MutableBytes payload = add_frame(planned->type, planned->key.id, planned->flags,
                                               planned->payload_size, true, cargo);
        streams_.fill(*planned, payload);
        if (planned->repeated > 0) ++totals_.frames_retransmitted;
        totals_.bytes_retransmitted += planned->repeated;
        if ((planned->items & stream::item::skip) != 0) {
            trace_.stream_changed(now_, trace::StreamChanged::Stage::expired, true, planned->key);
        }
    }
}

void Connection::finish_datagram(Instant now, const Route& to, bool is_mtu_probe) {
    trace_.frames_sent(now, to, batch_.open_datagram());
    const recovery::PathNumber number = paths_.number_of(to).value_or(paths_.number());
    const auto frames = batch_.datagram_frames();
    if (!frames.empty()) {
        const bool is_eliciting =
            std::any_of(frames.begin(), frames.end(),
                        [](const recovery::SentFrame& frame) { return frame.elicits_ack; });
        if (is_eliciting && number == paths_.number()) liveness_.on_eliciting_sent(now);
        const recovery::LossDetection::Datagram datagram{
            number, batch_.datagram_size(), is_mtu_probe, is_marking_ && !is_mtu_probe};
        loss_.on_datagram_sent(now, datagram, frames);
    }
    batch_.end_datagram();
}

// Spec protocol §5.1. Frames go on under the current epoch until the peer has acknowledged.
void Connection::rotate_if_due(Instant now) {
    if (keys_.send.is_rotating() || !is_confirmed_) return;
    const bool is_due = rotation_bytes_ >= config_.rotation_bytes ||
                        rotation_frames_ >= config_.rotation_frames ||
                        now - rotated_at_ >= config_.rotation_time;
    if (!is_due) return;
    session::RotationNonce nonce;
    random_->fill(nonce);
    keys_.send.prepare(nonce);
    items_pending_ |= control_item::key_rotation;
    tell_key(trace::Direction::sent, trace::KeyChanged::Stage::announced, keys_.send.epoch() + 1);
}

}  // namespace stt::connection
