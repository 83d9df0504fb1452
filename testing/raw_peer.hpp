// A peer without manners: it holds the keys of a session, and seals whatever a test wants.
#pragma once

#include <cstdint>
#include <optional>
#include <stt/address.hpp>
#include <stt/bytes.hpp>
#include <variant>
#include <vector>

#include "core/connection/endpoint.hpp"
#include "core/handshake/initiator.hpp"
#include "core/recovery/received_ranges.hpp"
#include "core/session/keys.hpp"
#include "core/wire/control.hpp"
#include "testing/node_clock.hpp"
#include "testing/seeded_random.hpp"

namespace stt::testing {

// A frame of the session as the endpoint sent it, opened.
struct RawFrame {
    wire::FrameType type{};
    std::uint16_t stream = 0;
    std::uint8_t flags = 0;
    std::uint64_t sequence = 0;
    std::uint64_t epoch = 0;
    std::size_t datagram = 0;  // counted from the first that this peer was sent
    std::vector<std::uint8_t> plaintext;
};

// The initiator of a session with a real endpoint, without network: what is sent arrives at
// once. Nothing is acknowledged or answered unless the test does it.
class RawPeer {
public:
    // Makes the endpoint and the session; FINAL is taken. All goes by `route`, if given.
    explicit RawPeer(std::uint64_t seed, connection::EndpointConfig config = {},
                     std::optional<Route> route = std::nullopt);
    // HELLO goes by the usual address, AUTH_PROOF does not.
    struct AuthProofFrom {
        Route route;
    };
    RawPeer(std::uint64_t seed, connection::EndpointConfig config, const AuthProofFrom& from);
    RawPeer(const RawPeer&) = delete;
    RawPeer& operator=(const RawPeer&) = delete;

    connection::Endpoint& endpoint() noexcept { return *endpoint_; }
    // The endpoint's side of the session; gone when it has ended.
    connection::Connection* connection() noexcept { return endpoint_->find(session_); }
    connection::SessionHandle session() const noexcept { return session_; }
    const Address& address() const noexcept { return route_.address; }
    Instant now() const noexcept { return now_; }
    const wire::SessionId& session_id() const noexcept { return session_id_; }

    // What to send. The sequence is the next one unless given.
    struct Frame {
        wire::FrameType type = wire::FrameType::control;
        std::uint16_t stream = 0;
        std::uint8_t flags = 0;
        std::vector<std::uint8_t> plaintext;
        std::optional<std::uint64_t> sequence;
    };
    std::vector<std::uint8_t> seal(const Frame& frame);
    // Hands a datagram over and takes what the endpoint answers into frames().
    void deliver(Bytes datagram);
    void deliver_from(const Route& source, Bytes datagram);
    void send(const Frame& frame) { deliver(seal(frame)); }
    void send(const wire::ControlMessage& message);
    void send(std::uint16_t stream, std::uint64_t use, const wire::StreamControlMessage& message);
    void send_data(std::uint16_t stream, std::uint64_t use, std::uint64_t offset, Bytes bytes,
                   std::uint8_t flags = 0);
    // ACK of one stretch of sequences, and of all that has come.
    void acknowledge(std::uint64_t first, std::uint64_t last);
    void acknowledge_all();
    // Rotates this peer's direction as §5.1 asks: announces; the switch follows at once.
    void announce_epoch(std::uint64_t epoch, const session::RotationNonce& nonce);

    // Lets time pass; the endpoint's timers run.
    void advance(Duration time);
    // The endpoint slept, or its clock jumped: all its timers are late.
    void leap(Duration time);
    void network_changed();
    void close_route(const Route& route);
    // After commands to the connection.
    void touch();

    // What the endpoint sent, since the start or clear(), which gives the memory back too.
    const std::vector<RawFrame>& frames() const noexcept { return frames_; }
    void clear() noexcept {
        datagrams_cleared_ += datagrams_.size();
        std::vector<RawFrame>().swap(frames_);
        std::vector<SentDatagram>().swap(datagrams_);
        std::vector<connection::EndpointEvent>().swap(events_);
    }
    // The datagrams, and where each went.
    struct SentDatagram {
        Route to;
        std::vector<std::uint8_t> bytes;
    };
    const std::vector<SentDatagram>& datagrams() const noexcept { return datagrams_; }
    const std::vector<connection::EndpointEvent>& events() const noexcept { return events_; }
    // Where the datagram with a frame went.
    Route route_of(const RawFrame& frame) const {
        return datagrams_[frame.datagram - datagrams_cleared_].to;
    }
    // Messages of one type in the frames, oldest first; they borrow from frames().
    template <class Message>
    std::vector<Message> messages() const {
        std::vector<Message> found;
        for (const RawFrame& frame : frames_) collect(frame, found);
        return found;
    }
    // How the session ended at the endpoint.
    std::optional<connection::Closed> closed() const;
    std::uint64_t drops(wire::DropReason reason);

private:
    template <class Message>
    static void collect(const RawFrame& frame, std::vector<Message>& found) {
        const auto take = [&found](auto& messages) {
            while (const auto message = messages.next()) {
                using Variant = std::decay_t<decltype(*message)>;
                if constexpr (std::is_constructible_v<Variant, Message>) {
                    if (const auto* one = std::get_if<Message>(&*message)) found.push_back(*one);
                }
            }
        };
        if (frame.type == wire::FrameType::control) {
            auto parsed = wire::ControlMessages::parse(frame.plaintext);
            if (parsed) take(*parsed);
        } else if (frame.type == wire::FrameType::stream_control) {
            auto parsed = wire::StreamControlMessages::parse(frame.plaintext);
            if (parsed) take(*parsed);
        }
    }

    void drain();
    void take_datagram(MutableBytes datagram);
    void take_frame(const wire::FrameView& view);
    connection::Moment moment() const noexcept;
    void establish(connection::EndpointConfig config, const Route& auth_proof_route);

    SeededRandom random_;
    Instant now_{};
    Route route_;
    std::vector<std::uint8_t> shared_secret_;
    stc::Context context_;
    std::unique_ptr<connection::Endpoint> endpoint_;
    std::unique_ptr<handshake::Initiator> initiator_;
    std::optional<session::SessionKeys> keys_;
    wire::SessionId session_id_{};
    connection::SessionHandle session_ = 0;
    std::uint64_t next_sequence_ = 0;
    recovery::ReceivedRanges received_;
    std::vector<RawFrame> frames_;
    std::vector<SentDatagram> datagrams_;
    std::size_t datagram_count_ = 0;
    std::size_t datagrams_cleared_ = 0;
    std::vector<connection::EndpointEvent> events_;
};

// What the peer's side of the session told, of one kind.
template <class Event>
std::vector<Event> events_of(const RawPeer& peer) {
    std::vector<Event> found;
    for (const auto& event : peer.events()) {
        const auto* of_session = std::get_if<connection::SessionEvent>(&event);
        if (of_session == nullptr) continue;
        if (const auto* one = std::get_if<Event>(&of_session->event)) found.push_back(*one);
    }
    return found;
}

// The plaintext of one CONTROL message, and its frame.
std::vector<std::uint8_t> plaintext_of(const wire::ControlMessage& message);
std::vector<std::uint8_t> sealed(RawPeer& peer, const wire::ControlMessage& message);
// A session at rest: all is acknowledged, the path MTU is found.
void settle(RawPeer& peer);
// Time passes, and all is acknowledged.
void rest(RawPeer& peer);
// Bytes that the endpoint sent there, since the start or clear().
std::size_t bytes_to(const RawPeer& peer, const Route& route);

}  // namespace stt::testing
