#include "core/websocket/channel.hpp"

#include <algorithm>
#include <cstring>
#include <stt/check.hpp>
#include <stt/value.hpp>
#include <utility>

#include "base/byte_order.hpp"

namespace stt::websocket {
namespace {

// Pongs that may wait in the output: a peer that asks and does not read must not make it grow.
// Chosen: more than what anybody asks at once. What comes beyond is answered by the newest alone,
// which RFC 6455 §5.5.3 allows.
constexpr std::uint8_t pong_count_max = 16;

}  // namespace

Channel::Channel(Role role, const ChannelConfig& config, stc::RandomSource& random, Instant now)
    : role_(role),
      config_(config),
      received_size_max_(config.message_size_max),
      random_(random),
      parser_(role),
      last_received_(now) {}

void Channel::ControlPayload::append(Bytes data) noexcept {
    // The parser lets no control frame through that is longer.
    STT_CHECK(data.size() <= bytes.size() - size);
    std::copy(data.begin(), data.end(), bytes.begin() + size);
    size = static_cast<std::uint8_t>(size + data.size());
}

void Channel::handle_received(Instant now, MutableBytes data) {
    STT_CHECK(input_.empty());
    if (data.empty()) return;
    statistics_.bytes_received += data.size();
    last_received_ = now;
    ping_sent_at_.reset();
    if (state_ != State::closed) input_ = data;
}

void Channel::handle_disconnected() {
    if (state_ != State::closed) {
        end(last_received_, {close_code::abnormal, "the connection ended", false});
    }
    output_.clear();
    close_deadline_ = Instant::min();
}

void Channel::handle_timeout(Instant now) {
    if (state_ == State::open) keep_alive(now);
    if (state_ == State::closing && now >= close_deadline_) {
        end(now, {close_code::abnormal, "no answer to the close frame", false});
    }
}

void Channel::keep_alive(Instant now) {
    if (config_.ping_interval == Duration::zero()) return;
    if (!ping_sent_at_) {
        if (now < last_received_ + config_.ping_interval) return;
        // A silent connection holds no more than it needs.
        output_.release_if_empty();
        if (!is_assembly_given_) assembly_.release_if_empty();
        is_ping_behind_ = !output_.is_empty();
        static_cast<void>(write_ping({}));
        ping_sent_at_ = now;
    } else if (now < *ping_sent_at_ + config_.pong_timeout) {
        return;
    } else if (is_ping_behind_ && statistics_.bytes_sent > bytes_sent_seen_) {
        // The peer, or the path to it, is slow in taking what stood before the question.
        is_ping_behind_ = statistics_.bytes_sent < ping_end_;
        ping_sent_at_ = now;
    } else {
        output_.clear();
        end(now, {close_code::abnormal, "no answer to a ping", false});
        return;
    }
    bytes_sent_seen_ = statistics_.bytes_sent;
}

std::optional<Instant> Channel::poll_timeout() const noexcept {
    if (state_ != State::open) return close_deadline_;
    if (config_.ping_interval == Duration::zero()) return std::nullopt;
    if (ping_sent_at_) return *ping_sent_at_ + config_.pong_timeout;
    return last_received_ + config_.ping_interval;
}

bool Channel::should_disconnect(Instant now) const noexcept {
    if (state_ != State::closed) return false;
    if (now >= close_deadline_) return true;
    return output_.is_empty() && (role_ == Role::server || !is_clean_);
}

std::optional<ChannelEvent> Channel::poll_event() {
    if (std::exchange(is_assembly_given_, false)) assembly_.clear();
    while (!input_.empty()) {
        FrameParser::Piece piece;
        const auto has_piece = parser_.next(input_, piece);
        if (!has_piece) {
            fail(close_code_of(has_piece.error()), description_of(has_piece.error()));
        } else if (!*has_piece) {
            break;
        } else if (is_control(piece.header->opcode)) {
            take_control(piece);
        } else if (state_ == State::open) {
            if (auto message = take_data(piece)) return message;
        }
    }
    if (!closed_) return std::nullopt;
    return *std::exchange(closed_, std::nullopt);
}

// A header decides alone: before anything of the payload is kept.
bool Channel::begin_data_frame(const FrameHeader& header) {
    if (header.opcode != Opcode::continuation) {
        if (is_in_message_) {
            fail(close_code::protocol_error, "message within a message");
            return false;
        }
        is_text_ = header.opcode == Opcode::text;
        if (is_text_ && !config_.accepts_text) {
            fail(close_code::unsupported_data, "text message");
            return false;
        }
        is_in_message_ = true;
        message_size_ = 0;
    } else if (!is_in_message_) {
        fail(close_code::protocol_error, "continuation of nothing");
        return false;
    }
    const std::size_t size_max = received_size_max_;
    if (message_size_ > size_max || header.payload_size > size_max - message_size_) {
        fail(close_code::message_too_big, "message too long");
        return false;
    }
    message_size_ += static_cast<std::size_t>(header.payload_size);
    return true;
}

std::optional<Message> Channel::take_data(const FrameParser::Piece& piece) {
    if (piece.is_first && !begin_data_frame(*piece.header)) return std::nullopt;
    const bool is_end = piece.is_last && piece.header->is_final;
    if (is_text_ && (!utf8_.take(piece.data) || (is_end && !utf8_.is_complete()))) {
        fail(close_code::invalid_payload, "text is not UTF-8");
        return std::nullopt;
    }
    const bool is_whole = is_end && assembly_.is_empty();
    if (!is_whole) assembly_.append_copy(piece.data);
    if (!is_end) return std::nullopt;
    is_in_message_ = false;
    is_assembly_given_ = !is_whole;
    ++statistics_.messages_received;
    return Message{is_whole ? piece.data : assembly_.waiting(), is_text_};
}

void Channel::take_control(const FrameParser::Piece& piece) {
    if (piece.is_first) control_.size = 0;
    control_.append(piece.data);
    if (!piece.is_last) return;
    switch (piece.header->opcode) {
        case Opcode::close:
            return take_close(control_.view());
        case Opcode::ping:
            return take_ping(control_.view());
        default:
            // Also one that nobody asked for. RFC 6455 §5.5.3.
            ++statistics_.pongs_received;
    }
}

void Channel::take_ping(Bytes payload) {
    ++statistics_.pings_received;
    if (state_ != State::open) return;
    if (pong_count_ < pong_count_max) return write_pong(payload);
    if (pong_waiting_) ++statistics_.pings_unanswered;
    pong_waiting_ = control_;
}

void Channel::take_close(Bytes body) {
    std::uint16_t code = close_code::none;
    std::string_view reason;
    // RFC 6455 §5.5.1: "If there is a body, the first two bytes of the body MUST be a 2-byte
    // unsigned integer".
    if (body.size() == 1) return fail(close_code::protocol_error, "half a close code");
    if (body.size() >= 2) {
        code = load_big_endian<std::uint16_t>(body.data());
        if (!is_close_code_for_wire(code)) {
            return fail(close_code::protocol_error, "close code not for the wire");
        }
        if (!is_valid_utf8(body.subspan(2))) {
            return fail(close_code::invalid_payload, "reason is not UTF-8");
        }
        reason = text_of(body.subspan(2));
    }
    if (state_ == State::open) write_close(code, {});
    end(last_received_, {code, std::string(reason), true});
}

// Fails the connection, RFC 6455 §7.1.7.
void Channel::fail(std::uint16_t code, std::string_view why) {
    ++statistics_.violations;
    if (state_ == State::open) write_close(code, why);
    end(last_received_, {code, std::string(why), false});
}

void Channel::end(Instant now, Closed closed) {
    state_ = State::closed;
    is_clean_ = closed.is_clean;
    close_deadline_ = now + config_.close_timeout;
    closed_ = std::move(closed);
    input_ = {};
    pong_waiting_.reset();
}

void Channel::on_sent(std::size_t size) {
    output_.consume(size);
    statistics_.bytes_sent += size;
    if (pong_count_ > 0 && statistics_.bytes_sent >= pong_end_) pong_count_ = 0;
    if (pong_count_ > 0 || !pong_waiting_ || state_ != State::open) return;
    write_pong(pong_waiting_->view());
    pong_waiting_.reset();
}

Result<void, WriteError> Channel::write_message(Bytes data) {
    if (state_ != State::open) return Unexpected(WriteError::closed);
    if (data.size() > config_.message_size_max) return Unexpected(WriteError::message_too_long);
    write_frame(Opcode::binary, data);
    ++statistics_.messages_sent;
    return {};
}

Result<void, WriteError> Channel::write_text(std::string_view text) {
    if (state_ != State::open) return Unexpected(WriteError::closed);
    if (text.size() > config_.message_size_max) return Unexpected(WriteError::message_too_long);
    write_frame(Opcode::text, bytes_of(text));
    ++statistics_.messages_sent;
    return {};
}

Result<void, WriteError> Channel::write_ping(Bytes payload) {
    if (state_ != State::open) return Unexpected(WriteError::closed);
    if (payload.size() > control_payload_size_max) {
        return Unexpected(WriteError::message_too_long);
    }
    write_frame(Opcode::ping, payload);
    ++statistics_.pings_sent;
    ping_end_ = bytes_written();
    return {};
}

void Channel::close(Instant now, std::uint16_t code, std::string_view reason) {
    STT_CHECK(is_close_code_for_wire(code));
    if (state_ != State::open) return;
    write_close(code, reason);
    state_ = State::closing;
    close_deadline_ = now + config_.close_timeout;
    is_in_message_ = false;
    pong_waiting_.reset();
}

void Channel::write_close(std::uint16_t code, std::string_view reason) {
    if (code == close_code::none) return write_frame(Opcode::close, {});
    std::size_t size = std::min(reason.size(), control_payload_size_max - sizeof code);
    // Not within a character.
    while (size < reason.size() && size > 0 && (reason[size] & 0xc0) == 0x80) --size;
    ControlPayload body;
    std::array<std::uint8_t, sizeof code> code_bytes;
    store_big_endian(code_bytes.data(), code);
    body.append(code_bytes);
    body.append(bytes_of(reason.substr(0, size)));
    write_frame(Opcode::close, body.view());
}

void Channel::write_pong(Bytes payload) {
    write_frame(Opcode::pong, payload);
    ++pong_count_;
    pong_end_ = bytes_written();
}

void Channel::write_frame(Opcode opcode, Bytes payload) {
    FrameHeader header{opcode, true, std::nullopt, payload.size()};
    if (role_ == Role::client) header.key = next_key();
    const std::size_t header_size = frame_header_size(header);
    const MutableBytes frame = output_.append(header_size + payload.size());
    write_frame_header(header, frame);
    const MutableBytes body = frame.subspan(header_size);
    if (header.key) {
        mask_copy(body, payload, *header.key, 0);
    } else if (!payload.empty()) {
        std::memcpy(body.data(), payload.data(), payload.size());
    }
}

// RFC 6455 §5.3: "The masking key needs to be unpredictable". The source is asked for many at a
// time, for it may be the operating system.
MaskingKey Channel::next_key() {
    MaskingKey key;
    if (keys_used_ == keys_.size()) {
        random_.fill(keys_);
        keys_used_ = 0;
    }
    std::memcpy(key.data(), &keys_[keys_used_], key.size());
    keys_used_ += key.size();
    return key;
}

}  // namespace stt::websocket
