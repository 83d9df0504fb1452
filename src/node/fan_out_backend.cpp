#include "node/fan_out_backend.hpp"

#include <asio/error.hpp>
#include <asio/post.hpp>
#include <stt/failure.hpp>

namespace stt::detail {
namespace {

std::error_code failure_of(stream::FanOutError error) {
    return error == stream::FanOutError::too_large ? Failure::message_too_large
                                                   : Failure::stream_finished;
}

}  // namespace

// One stream, between its session and the engine.
class FanOutBackend::Receiver final : public stream::FanOutStream, public node::StreamFeeder {
public:
    Receiver(FanOutBackend& fan_out, std::unique_ptr<node::StreamBackend> stream)
        : fan_out_(fan_out), stream_(std::move(stream)) {
        stream_->set_feeder(this);
    }
    ~Receiver() override { detach(); }
    Receiver(const Receiver&) = delete;
    Receiver& operator=(const Receiver&) = delete;

    void set_id(ReceiverId id) noexcept { id_ = id; }
    bool has_ended() const noexcept { return stream_->has_session_ended(); }
    // It hears no more of its stream.
    void detach() { stream_->set_feeder(nullptr); }

    Result<std::size_t, stream::WriteError> write(Bytes data) override {
        return stream_->write_now(data);
    }
    Result<void, stream::SendError> send_message(Bytes message) override {
        return stream_->send_now(message);
    }
    bool finish() override {
        is_finished_ = true;
        stream_->finish();
        return stream_->watch_acknowledged();
    }
    void reset(std::uint64_t code) override {
        stream_->reset(code);
        stream_->stop(code);  // or the peer would hear of another code when the stream goes
    }

    void on_writable() override { fan_out_.handle_writable(id_); }
    void on_acknowledged() override {
        // The application may have asked for an earlier one, before it handed the stream over.
        if (is_finished_) fan_out_.handle_ended(id_);
    }
    void on_ended() override { fan_out_.handle_ended(id_); }

private:
    FanOutBackend& fan_out_;
    std::unique_ptr<node::StreamBackend> stream_;
    ReceiverId id_{};
    bool is_finished_ = false;
};

FanOutBackend::FanOutBackend(asio::any_io_executor executor, const FanOutOptions& options,
                             FanOutContent content)
    : executor_(std::move(executor)), content_(content), engine_(options, content) {}

FanOutBackend::~FanOutBackend() {
    cancel_write();
}

ReceiverId FanOutBackend::add(std::unique_ptr<node::StreamBackend> stream) {
    auto receiver = std::make_unique<Receiver>(*this, std::move(stream));
    const ReceiverId id = engine_.add(*receiver);
    receiver->set_id(id);
    if (receiver->has_ended()) engine_.handle_ended(id);
    receivers_[id] = std::move(receiver);
    handle_events();
    return id;
}

void FanOutBackend::remove(ReceiverId receiver) {
    if (!engine_.remove(receiver)) return;
    let_go(receiver);
    handle_events();
}

void FanOutBackend::write(Bytes data, std::optional<std::span<const ReceiverId>> receivers,
                          Completion<std::size_t> completion) {
    STT_CHECK(!write_);
    PendingWrite write{data, receivers, std::move(completion)};
    std::error_code error;
    std::size_t outcome = 0;
    const bool is_done = try_write(write, error, outcome);
    if (is_done) {
        write.completion(error, outcome);
    } else {
        write_ = std::move(write);
    }
    handle_events();
}

// False: there is no room yet.
bool FanOutBackend::try_write(const PendingWrite& write, std::error_code& error,
                              std::size_t& outcome) {
    const auto written = content_ == FanOutContent::bytes
                             ? engine_.write(write.data)
                             : engine_.send(write.data, write.receivers);
    if (written) {
        outcome = *written;
        return true;
    }
    if (written.error() == stream::FanOutError::would_block) return false;
    error = failure_of(written.error());
    return true;
}

void FanOutBackend::cancel_write() {
    if (auto pending = std::exchange(write_, std::nullopt)) {
        pending->completion(asio::error::operation_aborted, 0);
    }
}

void FanOutBackend::finish() {
    engine_.finish();
    handle_events();
}

void FanOutBackend::handle_writable(ReceiverId receiver) {
    engine_.handle_writable(receiver);
    handle_events();
}

void FanOutBackend::handle_ended(ReceiverId receiver) {
    engine_.handle_ended(receiver);
    handle_events();
}

void FanOutBackend::handle_events() {
    while (const auto event = engine_.poll_event()) {
        if (event->kind == stream::FanOutEvent::Kind::left) {
            let_go(event->receiver);
            continue;
        }
        std::error_code error;
        std::size_t outcome = 0;
        if (!write_ || !try_write(*write_, error, outcome)) continue;
        auto pending = std::exchange(write_, std::nullopt);
        pending->completion(error, outcome);
    }
}

// A session may be telling its streams, one after another, of its end: none goes before that.
void FanOutBackend::let_go(ReceiverId receiver) {
    auto gone = receivers_.extract(receiver);
    gone.mapped()->detach();
    left_.push_back(std::move(gone.mapped()));
    if (left_.size() > 1) return;
    asio::post(executor_, [weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->left_.clear();
    });
}

}  // namespace stt::detail
