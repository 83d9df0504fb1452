// A WebSocket connection whose peer sends anything, cut anywhere, while the application writes,
// closes and lets time pass. The first byte chooses role and configuration.
#include <algorithm>
#include <array>
#include <chrono>
#include <variant>
#include <vector>

#include "core/websocket/channel.hpp"
#include "testing/seeded_random.hpp"
#include "tests/fuzz/fuzz_input.hpp"

using namespace stt;
using namespace std::chrono_literals;
using namespace stt::websocket;

namespace {

constexpr std::size_t step_count_max = 300;

class Session {
public:
    explicit Session(fuzz::FuzzInput& input)
        : input_(input),
          choice_(input.u8()),
          role_((choice_ & 1) != 0 ? Role::client : Role::server),
          channel_(role_, config(), random_, now_),
          parser_(role_ == Role::client ? Role::server : Role::client) {}

    void run() {
        for (std::size_t i = 0; i < step_count_max && !input_.is_empty(); ++i) {
            step();
            check();
        }
        end();
    }

private:
    ChannelConfig config() const {
        ChannelConfig config;
        config.message_size_max = (choice_ & 2) != 0 ? 300 : 70'000;
        config.accepts_text = (choice_ & 4) != 0;
        return config;
    }

    void step() {
        const std::size_t kind = input_.below(16);
        switch (kind) {
            case 0:
                return send_some();
            case 1:
                return write();
            case 2:
                return advance();
            case 3:
                return good_frame();
            case 4:
                return channel_.set_message_size_max(input_.u16());
            case 5:
                if (input_.below(8) == 0) channel_.close(now_, 1000, "fuzz");
                return;
            case 6:
                if (input_.below(8) == 0) channel_.handle_disconnected();
                return drain();
            default:
                return receive(vector_of(input_.bytes(kind < 12 ? kind - 6 : input_.u8())));
        }
    }

    static std::vector<std::uint8_t> vector_of(Bytes bytes) { return {bytes.begin(), bytes.end()}; }

    // What a peer that keeps the rules of framing would send: so that depths are reached.
    void good_frame() {
        static constexpr std::array<Opcode, 8> opcodes = {
            Opcode::binary, Opcode::continuation, Opcode::text,   Opcode::ping,
            Opcode::pong,   Opcode::close,        Opcode::binary, Opcode::continuation};
        const std::uint8_t choice = input_.u8();
        FrameHeader header{opcodes[choice % opcodes.size()], (choice & 0x80) == 0, std::nullopt, 0};
        std::vector<std::uint8_t> payload = vector_of(input_.bytes(input_.u8()));
        // Some are long, without an input that is.
        if ((choice & 0x60) == 0x60) payload.resize(payload.size() * 300, 'x');
        if (is_control(header.opcode)) {
            header.is_final = true;
            payload.resize(std::min(payload.size(), control_payload_size_max));
        }
        header.payload_size = payload.size();
        if (role_ == Role::server) header.key = MaskingKey{1, 2, 3, choice};
        std::vector<std::uint8_t> bytes(frame_header_size(header));
        write_frame_header(header, bytes);
        if (header.key) mask(payload, *header.key, 0);
        bytes.insert(bytes.end(), payload.begin(), payload.end());
        receive(std::move(bytes));
    }

    void receive(std::vector<std::uint8_t> bytes) {
        channel_.handle_received(now_, bytes);
        drain();
    }
    void drain() {
        while (const auto event = channel_.poll_event()) {
            STT_CHECK(!is_over_);
            if (const auto* message = std::get_if<Message>(&*event)) {
                STT_CHECK(channel_.is_open() && message->data.size() <= 70'000);
                STT_CHECK(!message->is_text || (choice_ & 4) != 0);
                for (std::uint8_t& byte : message->data) byte ^= 1;
            } else {
                is_over_ = true;
                const Closed& closed = std::get<Closed>(*event);
                STT_CHECK(!channel_.is_open() && closed.reason.size() <= 123);
                STT_CHECK(closed.code == close_code::none || closed.code == close_code::abnormal ||
                          is_close_code_for_wire(closed.code));
            }
        }
    }

    void write() {
        const bool is_open = channel_.is_open();
        const std::vector<std::uint8_t> data(input_.u16() % 3'000, 7);
        const auto written =
            input_.below(4) == 0 ? channel_.write_ping(data) : channel_.write_message(data);
        STT_CHECK(is_open || (!written && written.error() == WriteError::closed));
        if (written) allowance_ += data.size() + frame_header_size_max;
    }

    void advance() {
        static constexpr std::array<Duration, 6> times = {1ms, 1s, 4s, 5s, 10s, 15s};
        now_ += times[input_.below(times.size())];
        // At most one ping each.
        allowance_ += frame_header_size_max;
        channel_.handle_timeout(now_);
        drain();
    }

    // What leaves is a sequence of frames, masked as it should be, and ends with a close frame.
    void send_some() {
        const Bytes waiting = channel_.poll_transmit();
        std::vector<std::uint8_t> bytes =
            vector_of(waiting.first(input_.u16() % (waiting.size() + 1)));
        channel_.on_sent(bytes.size());
        read_back(bytes);
    }
    void read_back(MutableBytes bytes) {
        while (!bytes.empty()) {
            FrameParser::Piece piece;
            const auto has_piece = parser_.next(bytes, piece);
            STT_CHECK(has_piece.has_value());
            if (!*has_piece) break;
            STT_CHECK(!is_close_sent_);
            is_close_sent_ = piece.is_last && piece.header->opcode == Opcode::close;
        }
    }

    void check() const {
        // Sixteen answers, a close frame, and what the application wrote.
        const std::size_t answers = 18 * (control_payload_size_max + frame_header_size_max);
        STT_CHECK(channel_.buffered_size() <= answers + allowance_);
        STT_CHECK(channel_.memory_size() <= 4 * (answers + allowance_ + 70'000));
        const auto timeout = channel_.poll_timeout();
        STT_CHECK(timeout.has_value());
        STT_CHECK(!channel_.should_disconnect(now_) || !channel_.is_open());
    }

    // Whatever was, a connection that is left alone ends.
    void end() {
        for (int i = 0; i < 4 && !channel_.should_disconnect(now_); ++i) {
            now_ = std::max(now_, *channel_.poll_timeout());
            channel_.handle_timeout(now_);
            drain();
            if (channel_.is_open()) continue;
            std::vector<std::uint8_t> bytes = vector_of(channel_.poll_transmit());
            channel_.on_sent(bytes.size());
            read_back(bytes);
        }
        STT_CHECK(is_over_ && channel_.should_disconnect(now_));
    }

    fuzz::FuzzInput& input_;
    std::uint8_t choice_;
    Role role_;
    Instant now_{};
    testing::SeededRandom random_{1};
    Channel channel_;
    FrameParser parser_;
    std::size_t allowance_ = 0;
    bool is_over_ = false;
    bool is_close_sent_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::FuzzInput input(data, size);
    Session(input).run();
    return 0;
}
