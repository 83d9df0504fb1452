// A WebSocket connection after its opening handshake. RFC 6455; Spec protocol §13.2.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <stt/bytes.hpp>
#include <stt/result.hpp>
#include <stt/time.hpp>
#include <variant>

#include "codec/utf8.hpp"
#include "core/websocket/byte_queue.hpp"
#include "core/websocket/close_code.hpp"
#include "core/websocket/frame.hpp"
#include "stc/random.hpp"

namespace stt::websocket {

struct ChannelConfig {
    // Of a whole message, in bytes, both ways; a peer that sends more is closed with 1009. One
    // message may be held in memory while it comes in pieces. Spec protocol §13.2.
    std::size_t message_size_max = 131'072;
    // Text messages are refused (1003) where they have no meaning, as in STT.
    bool accepts_text = false;
    // A ping after so long a silence of the peer; 0: never. Chosen, because proxies are commonly
    // set to end what was idle for 30 to 60 s.
    Duration ping_interval = std::chrono::seconds(15);
    // What was asked and stays silent for so long is given up. Chosen: far above any round trip.
    Duration pong_timeout = std::chrono::seconds(10);
    // For the peer's half of the closing handshake, and of TCP's.
    Duration close_timeout = std::chrono::seconds(5);
};

// A whole message. `data` may be changed. Where the message lay in one frame and whole in what was
// given to handle_received(), this is that place: nothing was copied. Else it is a buffer of the
// channel. Good until the next call of poll_event() or handle_received(), and no longer than
// the buffer given to the latter.
struct Message {
    MutableBytes data;
    bool is_text = false;  // only with accepts_text; then it is UTF-8
};
// The connection has ended: the last event. Nothing may be written any longer; what waits to be
// sent (the close frame) should still be, see should_disconnect().
struct Closed {
    // The peer's code where it closed or answered, close_code::none where that had none; the
    // code that was sent where the peer broke a rule; close_code::abnormal where the connection
    // broke off.
    std::uint16_t code = close_code::abnormal;
    std::string reason;     // UTF-8, at most 123 bytes; from the peer, or why it was closed
    bool is_clean = false;  // both close frames were exchanged
};
using ChannelEvent = std::variant<Message, Closed>;

enum class WriteError : std::uint8_t {
    closed,            // a close frame was sent or received, or the connection broke off
    message_too_long,  // over the configuration's message_size_max; a ping: over 125 bytes
};

struct ChannelStatistics {
    std::uint64_t messages_received = 0;
    std::uint64_t messages_sent = 0;   // written, that is, by write_message()
    std::uint64_t bytes_received = 0;  // of the wire, as the next
    std::uint64_t bytes_sent = 0;
    std::uint64_t pings_received = 0;
    std::uint64_t pings_sent = 0;
    std::uint64_t pings_unanswered = 0;  // of the peer: a newer one came before there was room
    std::uint64_t pongs_received = 0;
    std::uint64_t violations = 0;  // 1 when the peer broke a rule
};

// Both ends of the protocol, without a socket: bytes in, bytes out. The same calls give the same
// bytes. `now` never goes back.
//
//     handle_received(now, data), then poll_event() until null; only then may `data` be touched
//     after every handle_*, poll_event() and command: poll_transmit() and on_sent() while the
//     socket takes bytes, poll_timeout(), should_disconnect()
//
// Memory is bounded whatever the peer does: one message of message_size_max in pieces, and
// answers of at most 16 control frames in the output. What the application writes is bounded by
// the application: it asks buffered_size() before it writes more.
class Channel {
public:
    // `random` gives the masks of a client and must outlive the channel. What came behind the
    // head of the opening handshake is the first that handle_received() gets.
    Channel(Role role, const ChannelConfig& config, stc::RandomSource& random, Instant now);

    // Takes all of `data`, which the channel borrows and unmasks in place until poll_event() has
    // given null. Called earlier, with events left in the last data, an STT_CHECK breaks.
    void handle_received(Instant now, MutableBytes data);
    // The other side of TCP ended or broke: nothing comes any more, and nothing can be sent.
    void handle_disconnected();
    void handle_timeout(Instant now);

    // Whole messages and, last, Closed, once. Null: all that came was looked at. Reading on is what
    // answers pings and finds the peer's close.
    [[nodiscard]] std::optional<ChannelEvent> poll_event();
    // All bytes that wait to be sent, in one piece; empty: none. Good until any other call.
    [[nodiscard]] Bytes poll_transmit() const noexcept { return output_.waiting(); }
    // The socket took the first `size` of them.
    void on_sent(std::size_t size);
    // When handle_timeout() should be called next; null: never. While should_disconnect() may
    // become true by time alone, that time.
    [[nodiscard]] std::optional<Instant> poll_timeout() const noexcept;
    // The owner should end the TCP connection. The server ends it once the close frames are
    // exchanged, the client waits for that (RFC 6455 §7.1.1), and after an error both end it: in
    // each case when all was sent, or at the latest close_timeout after Closed. To close a socket
    // that has unread bytes resets the connection, and the peer may then lose the close frame:
    // so a server should shut down its sending side first, and read on until the end.
    bool should_disconnect(Instant now) const noexcept;

    // Appends one frame with a copy of `data`, binary or text. Text must be UTF-8.
    Result<void, WriteError> write_message(Bytes data);
    Result<void, WriteError> write_text(std::string_view text);
    Result<void, WriteError> write_ping(Bytes payload);
    // Begins to close: what was written before is still sent, what comes is ignored until the
    // peer answers. `code` is one that may be sent, else an STT_CHECK breaks; of `reason`, UTF-8,
    // what fits into 123 bytes. Closed follows. Without effect where close frames were sent.
    void close(Instant now, std::uint16_t code, std::string_view reason = {});

    // Of what is received, up or down, for every frame whose header comes from now on.
    void set_message_size_max(std::size_t size) noexcept { received_size_max_ = size; }

    Role role() const noexcept { return role_; }
    bool is_open() const noexcept { return state_ == State::open; }
    // Bytes that wait to be sent, those of headers included.
    std::size_t buffered_size() const noexcept { return output_.size(); }
    // Bytes of storage that the channel holds now, besides itself.
    std::size_t memory_size() const noexcept { return output_.capacity() + assembly_.capacity(); }
    const ChannelStatistics& statistics() const noexcept { return statistics_; }

private:
    enum class State : std::uint8_t {
        open,
        closing,  // our close frame was written, the peer's has not come
        closed,   // Closed was given out, or waits in closed_
    };
    struct ControlPayload {
        std::array<std::uint8_t, control_payload_size_max> bytes{};
        std::uint8_t size = 0;

        Bytes view() const noexcept { return Bytes(bytes).first(size); }
        void append(Bytes data) noexcept;
    };

    std::optional<Message> take_data(const FrameParser::Piece& piece);
    [[nodiscard]] bool begin_data_frame(const FrameHeader& header);
    void take_control(const FrameParser::Piece& piece);
    void take_close(Bytes body);
    void take_ping(Bytes payload);

    void write_frame(Opcode opcode, Bytes payload);
    void write_close(std::uint16_t code, std::string_view reason);
    void write_pong(Bytes payload);
    std::uint64_t bytes_written() const noexcept { return statistics_.bytes_sent + output_.size(); }
    MaskingKey next_key();
    void keep_alive(Instant now);
    void fail(std::uint16_t code, std::string_view why);
    void end(Instant now, Closed closed);

    Role role_;
    State state_ = State::open;
    ChannelConfig config_;
    std::size_t received_size_max_;
    stc::RandomSource& random_;
    FrameParser parser_;
    ByteQueue output_;
    MutableBytes input_;  // what handle_received() was given and no event has used up
    std::optional<Closed> closed_;
    bool is_clean_ = false;

    // The message that is arriving in several frames or pieces.
    ByteQueue assembly_;
    bool is_in_message_ = false;  // its last frame has not come
    bool is_text_ = false;
    bool is_assembly_given_ = false;  // a Message shows it: until the next call
    std::size_t message_size_ = 0;    // as its headers say so far
    codec::Utf8Validator utf8_;       // complete between messages, as no other text is taken
    ControlPayload control_;          // the control frame that is arriving

    // Pongs in the output, and the newest that found no room there.
    std::uint64_t pong_end_ = 0;  // the last one's, counted as bytes_sent
    std::uint8_t pong_count_ = 0;
    std::optional<ControlPayload> pong_waiting_;

    std::array<std::uint8_t, 256> keys_{};  // masks to come; of a client
    std::size_t keys_used_ = keys_.size();

    Instant last_received_;
    std::optional<Instant> ping_sent_at_;  // since the peer was heard
    // That ping stood behind other bytes, of which so many had been sent when it was last looked.
    bool is_ping_behind_ = false;
    std::uint64_t ping_end_ = 0;
    std::uint64_t bytes_sent_seen_ = 0;
    Instant close_deadline_{};  // closing: of the peer's answer; closed: of TCP's end
    ChannelStatistics statistics_;
};

}  // namespace stt::websocket
