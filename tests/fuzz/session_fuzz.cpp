// A whole session with a peer that holds its keys and keeps no rule: the input is a schedule of
// frames with any plaintext, of replays and damage, of calls of the application, and of time.
#include <array>
#include <chrono>
#include <optional>
#include <vector>

#include "codec/varint.hpp"
#include "codec/writer.hpp"
#include "core/wire/control.hpp"
#include "core/wire/frame.hpp"
#include "testing/raw_peer.hpp"
#include "tests/fuzz/fuzz_input.hpp"

using namespace stt;
using namespace std::chrono_literals;
using testing::RawPeer;

namespace {

// Enough to reach what needs many steps, and to end.
constexpr std::size_t step_count_max = 200;
constexpr std::size_t sealed_count_max = 64;

class Session {
public:
    explicit Session(fuzz::FuzzInput& input) : input_(input), peer_(input.below(4), config()) {}

    void run() {
        for (std::size_t i = 0; i < step_count_max && !input_.is_empty(); ++i) {
            step();
            check();
        }
        end();
    }

private:
    static connection::EndpointConfig config() {
        connection::EndpointConfig config;
        // Rotation under way now and then.
        config.connection.rotation_frames = 50;
        return config;
    }

    void step() {
        switch (input_.below(12)) {
            case 0:
                return send(wire::FrameType::control, 0);
            case 1:
                return send(wire::FrameType::stream_control, stream());
            case 2:
                return send(wire::FrameType::data, stream());
            case 3:
                return send_any_type();
            case 4:
                return send_good_stream();
            case 5:
                return peer_.acknowledge_all();
            case 6:
                return acknowledge_some();
            case 7:
                return advance();
            case 8:
            case 9:
                return command();
            case 10:
                return again();
            default:
                return damaged();
        }
    }

    // Mostly few streams, so that frames meet; sometimes any.
    std::uint16_t stream() {
        const std::uint8_t choice = input_.u8();
        return choice < 240 ? static_cast<std::uint16_t>(choice % 6 + 1) : input_.u16();
    }

    void deliver(const RawPeer::Frame& frame) {
        std::vector<std::uint8_t> sealed = peer_.seal(frame);
        peer_.deliver(sealed);
        if (sealed_.size() < sealed_count_max) sealed_.push_back(std::move(sealed));
    }
    std::vector<std::uint8_t> plaintext() {
        const Bytes bytes = input_.bytes(input_.u8());
        return {bytes.begin(), bytes.end()};
    }
    void send(wire::FrameType type, std::uint16_t stream) {
        RawPeer::Frame frame;
        frame.type = type;
        frame.stream = stream;
        frame.flags = input_.u8() & static_cast<std::uint8_t>(~wire::flag::reserved);
        frame.plaintext = plaintext();
        deliver(frame);
    }
    void send_any_type() {
        // Types of the handshake cannot be sealed under a session's keys.
        const std::uint8_t type = std::max<std::uint8_t>(input_.u8(), 6);
        send(static_cast<wire::FrameType>(type), input_.u16());
    }

    // What a peer that keeps the rules would send: the next OPEN, bytes or messages in order, the
    // end.
    void send_good_stream() {
        const std::size_t index = input_.below(good_.size());
        const auto id = static_cast<std::uint16_t>(index * 2 + 1);
        Good& good = good_[index];
        if (!good.is_open) {
            wire::Open open;
            open.kind = good.kind = input_.below(4);
            open.priority = input_.below(8);
            open.deadline_ms = good.kind == 3 ? std::uint64_t{input_.u16()} + 1 : 0;
            peer_.send(id, 0, wire::StreamControlMessage(open));
            good.is_open = true;
        }
        std::vector<std::uint8_t> bytes = plaintext();
        std::uint8_t flags = input_.below(8) == 0 ? wire::flag::stream_end : 0;
        if (good.kind != 0 && (!bytes.empty() || flags == 0)) bytes = message_of(bytes);
        if (good.kind != 0) flags |= wire::flag::message;
        if (bytes.empty() && (flags & wire::flag::stream_end) == 0) return;
        peer_.send_data(id, 0, good.offset, bytes, flags);
        good.offset += bytes.size();
    }
    static std::vector<std::uint8_t> message_of(Bytes bytes) {
        std::vector<std::uint8_t> message(codec::varint_size_max + bytes.size());
        codec::Writer writer(message);
        writer.varint(bytes.size());
        writer.bytes(bytes);
        message.resize(writer.size());
        return message;
    }

    void acknowledge_some() {
        const std::uint64_t last = input_.u8();
        peer_.acknowledge(last - std::min<std::uint64_t>(last, input_.u8()), last);
    }

    void advance() {
        static constexpr std::array<Duration, 8> times = {1ms, 25ms, 100ms, 400ms,
                                                          1s,  5s,   15s,   301s};
        peer_.advance(times[input_.below(times.size())]);
    }

    stream::StreamKey key() {
        if (keys_.empty() || input_.below(4) == 0) {
            return {static_cast<std::uint16_t>(input_.below(8)), input_.below(3)};
        }
        return keys_[input_.below(keys_.size())];
    }

    void command() {
        connection::Connection* connection = peer_.connection();
        if (connection == nullptr) return;
        const Instant now = peer_.now();
        std::array<std::uint8_t, 4'096> buffer{};
        switch (input_.below(14)) {
            case 0:
            case 1:
                open(*connection);
                break;
            case 2:
                static_cast<void>(
                    connection->write(key(), Bytes(buffer).first(input_.u16() % buffer.size())));
                break;
            case 3:
                static_cast<void>(connection->send_message(
                    now, key(), Bytes(buffer).first(input_.u16() % buffer.size())));
                break;
            case 4:
                read(*connection, key());
                break;
            case 5:
                static_cast<void>(connection->receive_message(now, key(), message_));
                break;
            case 6:
                connection->finish(key());
                break;
            case 7:
                connection->reset(key(), input_.u8());
                break;
            case 8:
                connection->stop(now, key(), input_.u8());
                break;
            case 9:
                connection->release(now, key());
                break;
            case 10:
                static_cast<void>(connection->ping(now));
                break;
            case 11:
                static_cast<void>(connection->set_priority(key(), input_.u8() % 8));
                break;
            case 12:
                connection->network_changed(now);
                break;
            default:
                if (input_.below(8) == 0) connection->close(now, input_.u8(), "fuzz");
        }
        peer_.touch();
    }

    void open(connection::Connection& connection) {
        const auto kind = static_cast<StreamKind>(input_.below(4));
        const auto priority = static_cast<std::uint8_t>(input_.below(8));
        const Duration deadline = kind == StreamKind::expiring ? 100ms : 0ms;
        const auto opened = connection.open_stream({"fuzz", kind, priority, deadline});
        if (opened) keys_.push_back(*opened);
    }

    void read(connection::Connection& connection, stream::StreamKey key) {
        std::array<std::uint8_t, 4'096> buffer;
        const auto outcome = connection.read(peer_.now(), key, buffer);
        if (outcome) STT_CHECK(outcome->size <= buffer.size());
    }

    // A datagram that came before, from the peer's address or another: it is dropped.
    void again() {
        if (sealed_.empty()) return;
        const auto& datagram = sealed_[input_.below(sealed_.size())];
        const std::uint64_t before = frames_received();
        if (input_.below(2) == 0) {
            peer_.deliver(datagram);
        } else {
            peer_.deliver_from(Address::ipv4({192, 0, 2, 7}, 7), datagram);
        }
        STT_CHECK(frames_received() == before);
    }
    // One with a bit flipped opens nothing.
    void damaged() {
        if (sealed_.empty()) return;
        std::vector<std::uint8_t> datagram = sealed_[input_.below(sealed_.size())];
        datagram[input_.u16() % datagram.size()] ^=
            static_cast<std::uint8_t>(1u << input_.below(8));
        const std::uint64_t before = frames_received();
        peer_.deliver(datagram);
        STT_CHECK(frames_received() == before);
    }
    std::uint64_t frames_received() {
        const auto* connection = peer_.connection();
        return connection == nullptr ? 0 : connection->totals().frames_received;
    }

    void check() {
        const auto* connection = peer_.connection();
        // What a peer can make a session hold is bounded by what was granted.
        if (connection != nullptr) {
            STT_CHECK(connection->streams().unread() <= std::uint64_t{64} << 20);
            STT_CHECK(connection->streams().open_count() <= 2 * 128 + keys_.size());
            for (const auto& event : peer_.events()) take(event);
        }
        STT_CHECK(peer_.endpoint().is_quiet());
        peer_.clear();
    }
    void take(const connection::EndpointEvent& event) {
        const auto* of_session = std::get_if<connection::SessionEvent>(&event);
        const auto* of_stream =
            of_session == nullptr ? nullptr : std::get_if<stream::StreamEvent>(&of_session->event);
        if (of_stream != nullptr && of_stream->kind == stream::StreamEvent::Kind::opened) {
            keys_.push_back(of_stream->key);
        }
    }

    // A session whose peer has gone silent ends, with all that it held.
    void end() {
        peer_.advance(700s);
        STT_CHECK(peer_.endpoint().session_count() == 0);
        STT_CHECK(!peer_.endpoint().poll_timeout().has_value());
    }

    fuzz::FuzzInput& input_;
    RawPeer peer_;
    std::vector<std::vector<std::uint8_t>> sealed_;
    std::vector<stream::StreamKey> keys_;
    struct Good {
        bool is_open = false;
        std::uint64_t kind = 0;
        std::uint64_t offset = 0;
    };
    std::array<Good, 4> good_{};
    std::vector<std::uint8_t> message_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::FuzzInput input(data, size);
    Session(input).run();
    return 0;
}
