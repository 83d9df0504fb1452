#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <deque>
#include <map>
#include <stt/fan_out.hpp>
#include <utility>

namespace stt {
namespace {

constexpr auto as_tuple = asio::experimental::as_tuple(asio::use_awaitable);
using Message = std::shared_ptr<const std::vector<std::uint8_t>>;

struct Receiver {
    explicit Receiver(MessageStream stream_given)
        : stream(std::move(stream_given)),
          changed(stream.get_executor(), asio::steady_timer::time_point::max()) {}

    void push(const Message& message, const FanOutOptions& options) {
        waiting.push_back(message);
        waiting_size += message->size();
        while (waiting.size() > options.waiting_count_max ||
               waiting_size > options.waiting_size_max) {
            pop();
            ++statistics.messages_dropped;
        }
        changed.cancel();
    }
    Message pop() {
        Message message = std::move(waiting.front());
        waiting.pop_front();
        waiting_size -= message->size();
        return message;
    }
    void leave() {
        is_removed = true;
        waiting.clear();
        stream.reset(0);  // ends a send that waits
        changed.cancel();
    }

    MessageStream stream;
    std::deque<Message> waiting;
    std::size_t waiting_size = 0;
    ReceiverStatistics statistics;
    bool is_finishing = false;
    bool is_removed = false;
    asio::steady_timer changed;  // cancelled when anything above has changed
};

}  // namespace

struct FanOut::State {
    FanOutOptions options;
    std::map<ReceiverId, std::shared_ptr<Receiver>> receivers;
    std::uint64_t last_id = 0;

    // Sends what waits for one receiver, one message after another.
    static asio::awaitable<void> serve(std::shared_ptr<Receiver> receiver) {
        while (!receiver->is_removed) {
            if (receiver->waiting.empty()) {
                if (receiver->is_finishing) break;
                co_await receiver->changed.async_wait(as_tuple);
                continue;
            }
            const Message message = receiver->pop();
            auto [error, size] = co_await receiver->stream.async_send(*message, as_tuple);
            const bool is_dropped =
                error == Failure::message_too_large || error == Failure::message_expired;
            if (error && !is_dropped) co_return;
            ++(is_dropped ? receiver->statistics.messages_dropped
                          : receiver->statistics.messages_sent);
        }
        if (receiver->is_removed) co_return;
        receiver->stream.finish();
        co_await receiver->stream.async_wait_acknowledged(as_tuple);
    }

    static asio::awaitable<void> serve_and_leave(std::shared_ptr<Receiver> receiver,
                                                 std::weak_ptr<State> state, ReceiverId id) {
        co_await serve(std::move(receiver));
        if (const auto alive = state.lock()) alive->receivers.erase(id);
    }
};

FanOut::FanOut(FanOutOptions options) : state_(std::make_shared<State>()) {
    state_->options = options;
}

FanOut::~FanOut() {
    if (state_ == nullptr) return;
    for (const auto& [id, receiver] : state_->receivers) receiver->leave();
}

FanOut::FanOut(FanOut&&) noexcept = default;

FanOut& FanOut::operator=(FanOut&& other) noexcept {
    std::swap(state_, other.state_);
    return *this;
}

ReceiverId FanOut::add(MessageStream stream) {
    const ReceiverId id{++state_->last_id};
    auto receiver = std::make_shared<Receiver>(std::move(stream));
    state_->receivers[id] = receiver;
    const auto executor = receiver->stream.get_executor();
    asio::co_spawn(executor, State::serve_and_leave(std::move(receiver), state_, id),
                   asio::detached);
    return id;
}

void FanOut::remove(ReceiverId receiver) {
    const auto found = state_->receivers.extract(receiver);
    if (!found.empty()) found.mapped()->leave();
}

std::size_t FanOut::send(std::vector<std::uint8_t> message) {
    const auto shared = std::make_shared<const std::vector<std::uint8_t>>(std::move(message));
    for (const auto& [id, receiver] : state_->receivers) receiver->push(shared, state_->options);
    return state_->receivers.size();
}

std::size_t FanOut::send(std::vector<std::uint8_t> message, std::span<const ReceiverId> receivers) {
    const auto shared = std::make_shared<const std::vector<std::uint8_t>>(std::move(message));
    std::size_t count = 0;
    for (const ReceiverId id : receivers) {
        const auto found = state_->receivers.find(id);
        if (found == state_->receivers.end()) continue;
        found->second->push(shared, state_->options);
        ++count;
    }
    return count;
}

void FanOut::finish() {
    for (const auto& [id, receiver] : state_->receivers) {
        receiver->is_finishing = true;
        receiver->changed.cancel();
    }
}

std::size_t FanOut::receiver_count() const noexcept {
    return state_->receivers.size();
}

std::optional<ReceiverStatistics> FanOut::statistics(ReceiverId receiver) const {
    const auto found = state_->receivers.find(receiver);
    if (found == state_->receivers.end()) return std::nullopt;
    ReceiverStatistics statistics = found->second->statistics;
    statistics.waiting = found->second->waiting.size();
    return statistics;
}

}  // namespace stt
