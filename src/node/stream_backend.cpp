#include "node/stream_backend.hpp"

#include <algorithm>
#include <asio/error.hpp>
#include <cstring>

#include "core/connection/connection.hpp"
#include "node/session_backend.hpp"
#include "platform/clock.hpp"

namespace stt::node {
namespace {

const std::error_code aborted = asio::error::operation_aborted;

std::error_code failure_of(stream::WriteError error) {
    return error == stream::WriteError::stopped ? Failure::stream_stopped
                                                : Failure::stream_finished;
}

}  // namespace

Leftover take_unread(connection::Connection& connection, stream::StreamKey key) {
    Leftover leftover;
    leftover.endpoint = connection.streams().endpoint(key);
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
        error = outcome.error() == stream::ReadError::reset
                    ? make_error_code(Failure::stream_reset)
                    : make_error_code(Failure::stream_finished);
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

void StreamBackend::cancel_reads() {
    if (auto pending = std::exchange(read_, std::nullopt)) pending->completion(aborted, 0);
}

void StreamBackend::cancel_writes() {
    if (auto pending = std::exchange(write_, std::nullopt)) pending->completion(aborted, 0);
    if (auto pending = std::exchange(acknowledged_, {})) pending(aborted, 0);
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
    if (auto pending = std::exchange(write_, std::nullopt)) {
        pending->completion(Failure::stream_finished, 0);
    }
    if (auto pending = std::exchange(acknowledged_, {})) pending(Failure::stream_finished, 0);
}

void StreamBackend::stop(std::uint64_t code) {
    auto* connection = session_->connection();
    if (connection == nullptr) return;
    connection->stop(platform::now(), key_, code);
    session_->wake();
}

void StreamBackend::on_readable() {
    if (!read_) return;
    std::error_code error;
    std::size_t size = 0;
    if (!try_read(read_->buffer, error, size)) return;
    auto pending = std::exchange(read_, std::nullopt);
    pending->completion(error, size);
}

void StreamBackend::on_writable() {
    if (!write_) return;
    std::error_code error;
    std::size_t size = 0;
    if (!try_write(write_->data, error, size)) return;
    auto pending = std::exchange(write_, std::nullopt);
    pending->completion(error, size);
}

void StreamBackend::on_acknowledged() {
    if (auto pending = std::exchange(acknowledged_, {})) pending({}, 0);
}

void StreamBackend::on_reset(std::uint64_t code) {
    reset_code_ = code;
    on_readable();
}

void StreamBackend::on_stopped(std::uint64_t code) {
    reset_code_ = code;
    if (auto pending = std::exchange(write_, std::nullopt)) {
        pending->completion(Failure::stream_stopped, 0);
    }
    if (auto pending = std::exchange(acknowledged_, {})) pending(Failure::stream_stopped, 0);
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
    if (auto pending = std::exchange(write_, std::nullopt)) pending->completion(error, 0);
    if (auto pending = std::exchange(acknowledged_, {})) pending(error, 0);
}

}  // namespace stt::node
