#include "node/stream_backend.hpp"

#include <algorithm>
#include <asio/error.hpp>
#include <cstring>

#include "core/connection/connection.hpp"
#include "node/session_backend.hpp"
#include "platform/clock.hpp"

namespace stt::node {
namespace {

// Longer deadlines mean never; they must not overflow when added to the present.
constexpr Duration deadline_max = std::chrono::hours(24 * 365);

std::error_code failure_of(stream::WriteError error) {
    return error == stream::WriteError::stopped ? Failure::stream_stopped
                                                : Failure::stream_finished;
}

std::error_code failure_of(stream::SendError error) {
    switch (error) {
        case stream::SendError::stopped:
            return Failure::stream_stopped;
        case stream::SendError::too_large:
            return Failure::message_too_large;
        case stream::SendError::wrong_kind:
            return asio::error::operation_not_supported;
        default:
            return Failure::stream_finished;
    }
}

std::error_code failure_of(stream::ReadError error) {
    return error == stream::ReadError::reset ? Failure::stream_reset : Failure::stream_finished;
}

void take_messages(connection::Connection& connection, stream::StreamKey key, Leftover& leftover) {
    while (true) {
        std::vector<std::uint8_t> message;
        const auto outcome = connection.receive_message(platform::now(), key, message);
        if (!outcome) return;
        leftover.is_end = outcome->is_end;
        if (!outcome->has_message) return;
        leftover.messages.push_back(std::move(message));
    }
}

}  // namespace

Leftover take_unread(connection::Connection& connection, stream::StreamKey key) {
    Leftover leftover;
    leftover.endpoint = connection.streams().endpoint(key);
    leftover.kind = connection.streams().kind(key).value_or(StreamKind::bytes);
    leftover.statistics = connection.streams().statistics(key).value_or(StreamStatistics{});
    if (leftover.kind != StreamKind::bytes) {
        take_messages(connection, key, leftover);
        return leftover;
    }
    std::array<std::uint8_t, 16'384> piece;
    while (true) {
        const auto outcome = connection.read(platform::now(), key, piece);
        if (!outcome) break;
        leftover.bytes.insert(leftover.bytes.end(), piece.begin(),
                              piece.begin() + static_cast<std::ptrdiff_t>(outcome->size));
        leftover.is_end = outcome->is_end;
        if (outcome->size == 0 || outcome->is_end) break;
    }
    return leftover;
}

StreamBackend::StreamBackend(std::shared_ptr<detail::SessionBackend> session, stream::StreamKey key)
    : session_(std::move(session)), key_(key) {
    session_->attach(key_, this);
    if (const auto* connection = session_->connection()) {
        endpoint_ = connection->streams().endpoint(key_);
        kind_ = connection->streams().kind(key_).value_or(StreamKind::bytes);
        // Both may have come before anybody accepted the stream.
        reset_code_ = connection->streams().peer_code(key_).value_or(0);
    } else {
        on_session_ended(session_->error());
    }
}

StreamBackend::StreamBackend(std::shared_ptr<detail::SessionBackend> session, stream::StreamKey key,
                             Leftover leftover)
    : session_(std::move(session)),
      key_(key),
      endpoint_(leftover.endpoint),
      kind_(leftover.kind),
      leftover_(std::move(leftover)),
      session_error_(session_->error()) {
    session_->attach(key_, this);
}

StreamBackend::~StreamBackend() {
    cancel_reads();
    cancel_writes();
    session_->detach(key_);
    if (auto* connection = session_->connection()) {
        connection->release(platform::now(), key_);
        session_->wake();
    }
}

asio::any_io_executor StreamBackend::executor() const {
    return session_->executor();
}

void StreamBackend::read_some(MutableBytes buffer, Completion<std::size_t> completion) {
    STT_CHECK(!read_);
    std::error_code error;
    std::size_t size = 0;
    // A read into nothing ends at once, as Asio's own streams have it.
    if (buffer.empty() || try_read(buffer, error, size)) return completion(error, size);
    read_ = PendingRead{buffer, std::move(completion)};
}

// True when the read is over, with an error or at least one byte.
bool StreamBackend::try_read(MutableBytes buffer, std::error_code& error, std::size_t& size) {
    auto* connection = session_->connection();
    if (connection == nullptr || leftover_) {
        read_leftover(buffer, error, size);
        return true;
    }
    const auto outcome = connection->read(platform::now(), key_, buffer);
    if (!outcome) {
        error = failure_of(outcome.error());
        return true;
    }
    // What was read may have raised a credit.
    if (outcome->size > 0) session_->wake();
    size = outcome->size;
    if (size == 0 && outcome->is_end) error = asio::error::eof;
    return size > 0 || outcome->is_end;
}

void StreamBackend::read_leftover(MutableBytes buffer, std::error_code& error, std::size_t& size) {
    if (!leftover_) {
        error = session_error_;
        return;
    }
    Leftover& leftover = *leftover_;
    size = std::min(buffer.size(), leftover.bytes.size() - leftover.position);
    if (size == 0) {
        error = leftover.is_end ? std::error_code(asio::error::eof) : session_error_;
        return;
    }
    std::memcpy(buffer.data(), leftover.bytes.data() + leftover.position, size);
    leftover.position += size;
}

void StreamBackend::write_some(Bytes data, Completion<std::size_t> completion) {
    STT_CHECK(!write_);
    std::error_code error;
    std::size_t size = 0;
    if (data.empty() || try_write(data, error, size)) return completion(error, size);
    write_ = PendingWrite{data, std::move(completion)};
}

bool StreamBackend::try_write(Bytes data, std::error_code& error, std::size_t& size) {
    auto* connection = session_->connection();
    if (connection == nullptr || session_error_) {
        error = session_error_;
        return true;
    }
    const auto taken = connection->write(key_, data);
    if (!taken) {
        error = failure_of(taken.error());
        return true;
    }
    size = *taken;
    if (size > 0) session_->wake();
    return size > 0;
}

void StreamBackend::send_message(Bytes message, std::optional<Duration> deadline,
                                 Completion<std::size_t> completion) {
    STT_CHECK(!send_);
    PendingSend send{message, std::nullopt, std::move(completion)};
    if (deadline) send.expires_at = platform::now() + std::min(*deadline, deadline_max);
    std::error_code error;
    if (try_send(send, error)) return send.completion(error, error ? 0 : message.size());
    send_ = std::move(send);
}

// False: there is no room yet.
bool StreamBackend::try_send(const PendingSend& send, std::error_code& error) {
    auto* connection = session_->connection();
    if (connection == nullptr || session_error_) {
        error = session_error_;
        return true;
    }
    const Instant now = platform::now();
    std::optional<Duration> deadline;
    if (send.expires_at) {
        deadline = *send.expires_at - now;
        if (*deadline <= Duration::zero()) {
            error = Failure::message_expired;
            return true;
        }
    }
    const auto sent = connection->send_message(now, key_, send.message, deadline);
    if (!sent && sent.error() == stream::SendError::would_block) return false;
    if (!sent) error = failure_of(sent.error());
    session_->wake();
    return true;
}

void StreamBackend::receive_message(Completion<Message> completion) {
    STT_CHECK(!receive_);
    std::error_code error;
    Message message;
    if (try_receive(error, message)) return completion(error, std::move(message));
    receive_ = std::move(completion);
}

// False: nothing has come.
bool StreamBackend::try_receive(std::error_code& error, Message& message) {
    auto* connection = session_->connection();
    if (connection == nullptr || leftover_) {
        receive_leftover(error, message);
        return true;
    }
    const auto outcome = connection->receive_message(platform::now(), key_, message);
    if (!outcome) {
        error = failure_of(outcome.error());
        return true;
    }
    if (outcome->has_message) {
        session_->wake();  // a credit may have been raised
        return true;
    }
    if (outcome->is_end) error = asio::error::eof;
    return outcome->is_end;
}

void StreamBackend::receive_leftover(std::error_code& error, Message& message) {
    if (leftover_ && !leftover_->messages.empty()) {
        message = std::move(leftover_->messages.front());
        leftover_->messages.pop_front();
    } else {
        error = leftover_ && leftover_->is_end ? std::error_code(asio::error::eof) : session_error_;
    }
}

void StreamBackend::wait_acknowledged(Completion<std::size_t> completion) {
    STT_CHECK(!acknowledged_);
    auto* connection = session_->connection();
    if (connection == nullptr || session_error_) return completion(session_error_, 0);
    if (const auto waiting = connection->wait_acknowledged(key_); !waiting) {
        return completion(failure_of(waiting.error()), 0);
    }
    acknowledged_ = std::move(completion);
    session_->wake();
}

void StreamBackend::set_feeder(StreamFeeder* feeder) {
    STT_CHECK(!write_ && !send_ && !acknowledged_);
    feeder_ = feeder;
}

Result<std::size_t, stream::WriteError> StreamBackend::write_now(Bytes data) {
    auto* connection = session_->connection();
    if (connection == nullptr || session_error_) {
        return Unexpected(stream::WriteError::unknown_stream);
    }
    const auto taken = connection->write(key_, data);
    if (taken && *taken > 0) session_->wake();
    return taken;
}

Result<void, stream::SendError> StreamBackend::send_now(Bytes message) {
    auto* connection = session_->connection();
    if (connection == nullptr || session_error_) {
        return Unexpected(stream::SendError::unknown_stream);
    }
    const auto sent = connection->send_message(platform::now(), key_, message);
    if (sent) session_->wake();
    return sent;
}

bool StreamBackend::watch_acknowledged() {
    auto* connection = session_->connection();
    if (connection == nullptr || session_error_) return false;
    const bool is_watched = connection->wait_acknowledged(key_).has_value();
    session_->wake();
    return is_watched;
}

void StreamBackend::cancel_reads() {
    if (auto pending = std::exchange(read_, std::nullopt)) pending->completion(node::aborted, 0);
    if (auto pending = std::exchange(receive_, {})) pending(node::aborted, {});
}

void StreamBackend::cancel_writes() {
    end_writing(aborted);
}

void StreamBackend::end_writing(std::error_code error) {
    if (auto pending = std::exchange(write_, std::nullopt)) pending->completion(error, 0);
    if (auto pending = std::exchange(send_, std::nullopt)) pending->completion(error, 0);
    if (auto pending = std::exchange(acknowledged_, {})) pending(error, 0);
}

void StreamBackend::set_priority(std::uint8_t priority) {
    auto* connection = session_->connection();
    if (connection == nullptr) return;
    static_cast<void>(connection->set_priority(key_, std::min(priority, priority_max)));
    session_->wake();
}

StreamStatistics StreamBackend::statistics() const {
    if (leftover_) return leftover_->statistics;
    const auto* connection = session_->connection();
    if (connection == nullptr) return {};
    return connection->streams().statistics(key_).value_or(StreamStatistics{});
}

void StreamBackend::finish() {
    auto* connection = session_->connection();
    if (connection == nullptr) return;
    connection->finish(key_);
    session_->wake();
}

void StreamBackend::reset(std::uint64_t code) {
    auto* connection = session_->connection();
    if (connection == nullptr) return;
    connection->reset(key_, code);
    session_->wake();
    end_writing(Failure::stream_finished);
}

void StreamBackend::stop(std::uint64_t code) {
    auto* connection = session_->connection();
    if (connection == nullptr) return;
    connection->stop(platform::now(), key_, code);
    session_->wake();
}

void StreamBackend::on_readable() {
    std::error_code error;
    if (receive_) {
        Message message;
        if (!try_receive(error, message)) return;
        return std::exchange(receive_, {})(error, std::move(message));
    }
    if (!read_) return;
    std::size_t size = 0;
    if (!try_read(read_->buffer, error, size)) return;
    auto pending = std::exchange(read_, std::nullopt);
    pending->completion(error, size);
}

void StreamBackend::on_writable() {
    if (feeder_ != nullptr) return feeder_->on_writable();
    std::error_code error;
    if (send_) {
        if (!try_send(*send_, error)) return;
        auto pending = std::exchange(send_, std::nullopt);
        return pending->completion(error, error ? 0 : pending->message.size());
    }
    if (!write_) return;
    std::size_t size = 0;
    if (!try_write(write_->data, error, size)) return;
    auto pending = std::exchange(write_, std::nullopt);
    pending->completion(error, size);
}

void StreamBackend::on_acknowledged() {
    if (feeder_ != nullptr) return feeder_->on_acknowledged();
    if (auto pending = std::exchange(acknowledged_, {})) pending({}, 0);
}

void StreamBackend::on_reset(std::uint64_t code) {
    reset_code_ = code;
    on_readable();
}

void StreamBackend::on_stopped(std::uint64_t code) {
    reset_code_ = code;
    if (feeder_ != nullptr) return feeder_->on_ended();
    end_writing(Failure::stream_stopped);
}

void StreamBackend::on_session_ended(std::error_code error) {
    if (leftover_) return;
    session_error_ = error;
    auto* connection = session_->connection();
    leftover_ = connection == nullptr ? Leftover{} : take_unread(*connection, key_);
    if (auto pending = std::exchange(read_, std::nullopt)) {
        std::error_code read_error;
        std::size_t size = 0;
        read_leftover(pending->buffer, read_error, size);
        pending->completion(read_error, size);
    }
    if (auto pending = std::exchange(receive_, {})) {
        std::error_code receive_error;
        Message message;
        receive_leftover(receive_error, message);
        pending(receive_error, std::move(message));
    }
    if (feeder_ != nullptr) return feeder_->on_ended();
    end_writing(error);
}

}  // namespace stt::node
