// The node's side of one Stream handle.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <stt/stream.hpp>
#include <vector>

#include "core/stream/stream_key.hpp"
#include "core/stream/streams.hpp"

namespace stt::detail {
class SessionBackend;
}
namespace stt::connection {
class Connection;
}

namespace stt::node {

// What a stream received before its session ended: still the application's to read.
struct Leftover {
    std::string endpoint;
    StreamKind kind = StreamKind::bytes;
    std::vector<std::uint8_t> bytes;
    std::size_t position = 0;
    std::deque<std::vector<std::uint8_t>> messages;
    bool is_end = false;
    StreamStatistics statistics;
};
// Takes all that can be read of a stream out of its engine.
Leftover take_unread(connection::Connection& connection, stream::StreamKey key);

// Who writes to a stream without waiting, and is told when to go on. What is called here must not
// destroy the stream.
class StreamFeeder {
public:
    virtual void on_writable() = 0;
    virtual void on_acknowledged() = 0;
    virtual void on_ended() = 0;  // it takes nothing more

protected:
    ~StreamFeeder() = default;
};

// One of each kind of operation may wait at a time: a second read, write or wait while one is
// under way breaks an STT_CHECK, as it is a mistake of the program.
class StreamBackend final : public detail::StreamBackend {
public:
    using Message = std::vector<std::uint8_t>;

    StreamBackend(std::shared_ptr<detail::SessionBackend> session, stream::StreamKey key);
    // Of a session that has ended.
    StreamBackend(std::shared_ptr<detail::SessionBackend> session, stream::StreamKey key,
                  Leftover leftover);
    ~StreamBackend() override;

    asio::any_io_executor executor() const override;
    void read_some(MutableBytes buffer, Completion<std::size_t> completion) override;
    void write_some(Bytes data, Completion<std::size_t> completion) override;
    void send_message(Bytes message, std::optional<Duration> deadline,
                      Completion<std::size_t> completion) override;
    void receive_message(Completion<Message> completion) override;
    void wait_acknowledged(Completion<std::size_t> completion) override;
    void cancel_reads() override;
    void cancel_writes() override;
    void finish() override;
    void reset(std::uint64_t code) override;
    void stop(std::uint64_t code) override;
    void set_priority(std::uint8_t priority) override;
    std::uint16_t id() const override { return key_.id; }
    StreamKind kind() const override { return kind_; }
    std::string endpoint() const override { return endpoint_; }
    std::uint64_t reset_code() const override { return reset_code_; }
    StreamStatistics statistics() const override;

    // From now on only the feeder writes; no operation that does may be waiting. Null: nobody.
    void set_feeder(StreamFeeder* feeder);
    Result<std::size_t, stream::WriteError> write_now(Bytes data);
    Result<void, stream::SendError> send_now(Bytes message);
    // False: it has ended, and on_acknowledged() will not come.
    bool watch_acknowledged();
    bool has_session_ended() const noexcept { return leftover_.has_value(); }

    // What the session tells it.
    void on_readable();
    void on_writable();
    void on_acknowledged();
    void on_reset(std::uint64_t code);
    void on_stopped(std::uint64_t code);
    // The session ended: keeps what can still be read, and fails the rest.
    void on_session_ended(std::error_code error);

private:
    struct PendingRead {
        MutableBytes buffer;
        Completion<std::size_t> completion;
    };
    struct PendingWrite {
        Bytes data;
        Completion<std::size_t> completion;
    };
    struct PendingSend {
        Bytes message;
        std::optional<Instant> expires_at;
        Completion<std::size_t> completion;
    };
    bool try_read(MutableBytes buffer, std::error_code& error, std::size_t& size);
    void read_leftover(MutableBytes buffer, std::error_code& error, std::size_t& size);
    bool try_write(Bytes data, std::error_code& error, std::size_t& size);
    bool try_send(const PendingSend& send, std::error_code& error);
    bool try_receive(std::error_code& error, Message& message);
    void receive_leftover(std::error_code& error, Message& message);
    void end_writing(std::error_code error);

    std::shared_ptr<detail::SessionBackend> session_;
    stream::StreamKey key_;
    std::string endpoint_;
    StreamKind kind_ = StreamKind::bytes;
    std::uint64_t reset_code_ = 0;
    std::optional<PendingRead> read_;
    std::optional<PendingWrite> write_;
    std::optional<PendingSend> send_;
    Completion<Message> receive_;
    Completion<std::size_t> acknowledged_;
    StreamFeeder* feeder_ = nullptr;
    std::optional<Leftover> leftover_;
    std::error_code session_error_;
};

}  // namespace stt::node
