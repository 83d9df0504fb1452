#include "tests/conformance/tester.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <variant>

#include "testing/seeded_random.hpp"

namespace stt::conformance {
namespace {

using websocket::Role;

// Written once more and plainly, so that a mistake of the library is not its own judge.
class Writer {
public:
    explicit Writer(bool is_masking) : is_masking_(is_masking) {}

    void append(ByteVector& bytes, const Frame& frame) {
        const std::size_t to = std::min(frame.to, frame.payload.size());
        if (frame.from == 0) append_header(bytes, frame);
        for (std::size_t i = frame.from; i < to; ++i) {
            const std::uint8_t mask = is_masking_ ? key_[i % 4] : std::uint8_t{0};
            bytes.push_back(frame.payload[i] ^ mask);
        }
    }

private:
    void append_header(ByteVector& bytes, const Frame& frame) {
        const std::size_t size = frame.payload.size();
        bytes.push_back(static_cast<std::uint8_t>((frame.is_final ? 0x80 : 0) |
                                                  frame.reserved << 4 | frame.opcode));
        const auto mask_bit = static_cast<std::uint8_t>(is_masking_ ? 0x80 : 0);
        const int length_size = size < 126 ? 0 : size < 65'536 ? 2 : 8;
        const std::size_t short_length = length_size == 0 ? size : length_size == 2 ? 126 : 127;
        bytes.push_back(static_cast<std::uint8_t>(mask_bit | short_length));
        for (int i = length_size - 1; i >= 0; --i) {
            bytes.push_back(static_cast<std::uint8_t>(std::uint64_t{size} >> (8 * i)));
        }
        if (!is_masking_) return;
        for (std::uint8_t& byte : key_) byte = static_cast<std::uint8_t>(byte * 5 + 83);
        bytes.insert(bytes.end(), key_.begin(), key_.end());
    }

    bool is_masking_;
    std::array<std::uint8_t, 4> key_{1, 2, 3, 4};
};

struct Received {
    std::uint8_t opcode = 0;
    ByteVector payload;
};

// Null: what was sent is not a sequence of whole, final frames, masked as they should be.
std::optional<std::vector<Received>> read_frames(const ByteVector& bytes, bool is_masked) {
    std::vector<Received> frames;
    std::size_t at = 0;
    const auto has = [&](std::size_t size) { return bytes.size() - at >= size; };
    while (at < bytes.size()) {
        if (!has(2) || (bytes[at] & 0xf0) != 0x80) return std::nullopt;
        if (((bytes[at + 1] & 0x80) != 0) != is_masked) return std::nullopt;
        Received frame{static_cast<std::uint8_t>(bytes[at] & 0x0f), {}};
        std::uint64_t size = bytes[at + 1] & 0x7f;
        at += 2;
        const std::size_t length_size = size == 126 ? 2 : size == 127 ? 8 : 0;
        if (!has(length_size)) return std::nullopt;
        if (length_size > 0) size = 0;
        for (std::size_t i = 0; i < length_size; ++i) size = size << 8 | bytes[at++];
        std::array<std::uint8_t, 4> key{};
        if (is_masked && !has(4)) return std::nullopt;
        for (std::size_t i = 0; is_masked && i < 4; ++i) key[i] = bytes[at++];
        if (!has(size)) return std::nullopt;
        for (std::size_t i = 0; i < size; ++i) frame.payload.push_back(bytes[at++] ^ key[i % 4]);
        frames.push_back(std::move(frame));
    }
    return frames;
}

websocket::ChannelConfig subject_config() {
    websocket::ChannelConfig config;
    config.message_size_max = 16 * 1'024 * 1'024;
    config.accepts_text = true;
    return config;
}

class Player {
public:
    Player(const Case& one, Role subject, std::size_t chop)
        : case_(one),
          chop_(chop != 0 ? chop : one.chop),
          is_frame_wise_(one.is_frame_wise && chop == 0),
          writer_(subject == Role::server),
          channel_(subject, subject_config(), random_, Instant{}) {}

    std::string play() {
        ByteVector waiting;
        for (const Step& step : case_.steps) {
            writer_.append(waiting, step.frame);
            if (!is_frame_wise_ && step.check_after == Step::Check::nothing) continue;
            deliver(std::exchange(waiting, {}));
            const bool is_open = closed_.empty();
            if (step.check_after == Step::Check::is_open && !is_open) return "failed too early";
            if (step.check_after == Step::Check::has_failed && is_open) return "failed too late";
        }
        deliver(std::move(waiting));
        if (case_.ending == Ending::normal) {
            ByteVector close;
            writer_.append(close, {opcode::close, {0x03, 0xe8}});
            deliver(std::move(close));
        }
        return judge();
    }

private:
    void deliver(ByteVector bytes) {
        const std::size_t piece = chop_ == 0 ? bytes.size() : chop_;
        for (std::size_t at = 0; at < bytes.size(); at += piece) {
            channel_.handle_received(
                Instant{}, MutableBytes(bytes).subspan(at, std::min(piece, bytes.size() - at)));
            while (auto event = channel_.poll_event()) take(*event);
            const Bytes sent = channel_.poll_transmit();
            sent_.insert(sent_.end(), sent.begin(), sent.end());
            channel_.on_sent(sent.size());
        }
    }

    // The application: an echo.
    void take(const websocket::ChannelEvent& event) {
        if (const auto* closed = std::get_if<websocket::Closed>(&event)) {
            closed_.push_back(*closed);
            return;
        }
        const auto& message = std::get<websocket::Message>(event);
        // The peer's close, too, may stand in the same bytes: then it comes after this.
        const auto written = message.is_text ? channel_.write_text(text_of(message.data))
                                             : channel_.write_message(message.data);
        if (!written) has_write_failed_ = true;
    }

    std::string judge() {
        if (has_write_failed_) return "an echo could not be written";
        auto frames = read_frames(sent_, channel_.role() == Role::client);
        if (!frames) return "sent what is no frame";
        if (frames->empty() || frames->back().opcode != opcode::close) return "no close frame";
        const ByteVector close = frames->back().payload;
        frames->pop_back();
        std::vector<Reply> replies;
        for (Received& frame : *frames) {
            replies.push_back({frame.opcode, std::move(frame.payload)});
        }
        if (replies != case_.replies) {
            return "other replies: " + std::to_string(replies.size()) + " instead of " +
                   std::to_string(case_.replies.size());
        }
        return judge_close(close);
    }

    std::string judge_close(const ByteVector& close) const {
        unsigned code = 1005;
        if (close.size() >= 2) code = static_cast<unsigned>(close[0] << 8 | close[1]);
        if (close.size() == 1 || code != case_.code) {
            return "close frame with " + std::to_string(code);
        }
        if (closed_.size() != 1)
            return "told of its end " + std::to_string(closed_.size()) + " times";
        if (closed_[0].code != case_.code) return "told of " + std::to_string(closed_[0].code);
        const bool is_failure = case_.ending == Ending::failure;
        if (closed_[0].is_clean == is_failure) return is_failure ? "clean" : "not clean";
        // The server ends TCP, and whoever fails a connection.
        const bool should_disconnect = is_failure || channel_.role() == Role::server;
        if (channel_.should_disconnect(Instant{}) != should_disconnect) {
            return should_disconnect ? "does not disconnect" : "disconnects first";
        }
        return {};
    }

    const Case& case_;
    std::size_t chop_;
    bool is_frame_wise_;
    Writer writer_;
    testing::SeededRandom random_{1};
    websocket::Channel channel_;
    ByteVector sent_;
    std::vector<websocket::Closed> closed_;
    bool has_write_failed_ = false;
};

}  // namespace

std::string Case::expected() const {
    std::size_t pongs = 0;
    for (const Reply& reply : replies) pongs += reply.opcode == opcode::pong;
    const std::size_t messages = replies.size() - pongs;
    std::string text;
    const auto add = [&text](std::size_t count, const std::string& name) {
        if (count == 0) return;
        text += (count == 1 ? name : std::to_string(count) + " " + name + "s") + ", ";
    };
    add(messages, "echo");
    add(pongs, "pong");
    if (ending == Ending::failure) return text + "failed with " + std::to_string(code);
    return text + (code == 1005 ? "clean close without code" : "clean close");
}

std::string play(const Case& one, Role subject, std::size_t chop) {
    return Player(one, subject, chop).play();
}

}  // namespace stt::conformance
