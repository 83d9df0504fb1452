#include "live_relay.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <stt/error.hpp>
#include <stt/value.hpp>
#include <utility>

#include "../network.hpp"

namespace stt::cli {
namespace {

constexpr std::string_view publish_prefix = "live/publish/";
constexpr std::string_view watch_prefix = "live/watch/";
constexpr std::string_view channels_endpoint = "live/channels";

// Eight messages of the greatest size, and four of them: what is late by more than that is late.
constexpr std::size_t reliable_buffer_size = 2u << 20;
constexpr std::size_t lossy_buffer_size = 1u << 20;

// Watchers leave without a word; this often it is looked who is there. Chosen: a person's blink.
constexpr std::chrono::milliseconds sweep_interval{250};
// From one list of the channels to the next. Spec live §3.3.
constexpr std::chrono::milliseconds list_interval{100};

FanOutOptions options_of(std::size_t size, LaggardPolicy laggards) {
    FanOutOptions options;
    options.buffer_size_max = size;
    options.laggards = laggards;
    return options;
}

bool is_control(char character) {
    return static_cast<unsigned char>(character) < 0x20 || character == 0x7f;
}

}  // namespace

std::optional<std::string> live_channel_of(std::string_view endpoint, std::string_view prefix) {
    if (!endpoint.starts_with(prefix)) return std::nullopt;
    const std::string_view name = endpoint.substr(prefix.size());
    if (name.empty() || name.size() > live_name_size_max) return std::nullopt;
    if (std::any_of(name.begin(), name.end(), is_control)) return std::nullopt;
    // Endpoints are UTF-8: the protocol has seen to it.
    return std::string(name);
}

LiveRelay::Channel::Channel(const asio::any_io_executor& executor)
    : reliable(executor, options_of(reliable_buffer_size, LaggardPolicy::drop)),
      lossy(executor, options_of(lossy_buffer_size, LaggardPolicy::skip)) {}

struct LiveRelay::Observer {
    Observer(MessageStream stream_given, const asio::any_io_executor& executor)
        : stream(std::move(stream_given)), changed(executor) {}

    MessageStream stream;
    Notifier changed;
    bool has_left = false;
};

LiveRelay::LiveRelay(asio::any_io_executor executor)
    : executor_(std::move(executor)), sweep_timer_(executor_) {}

asio::awaitable<void> LiveRelay::serve(SessionNumber session, MessageStream stream) {
    const std::string endpoint = stream.endpoint();
    const auto published = live_channel_of(endpoint, publish_prefix);
    const auto watched = live_channel_of(endpoint, watch_prefix);
    if (is_stopped_) {
        refuse(stream);
    } else if (published) {
        co_await publish(session, *published, std::move(stream));
    } else if (watched) {
        watch(session, *watched, std::move(stream));
    } else if (endpoint == channels_endpoint && stream.kind() == StreamKind::messages) {
        co_await observe(std::move(stream));
    } else {
        refuse(stream);
    }
}

void LiveRelay::stop() {
    is_stopped_ = true;
    sweep_timer_.cancel();
    channels_.clear();
    for (const auto& weak : observers_) {
        if (const auto observer = weak.lock()) {
            observer->has_left = true;
            observer->changed.notify();
        }
    }
}

LiveRelay::ChannelPointer LiveRelay::channel(const std::string& name) {
    const auto found = channels_.find(name);
    if (found != channels_.end()) return found->second;
    if (channels_.size() >= live_channel_count_max) return nullptr;
    const auto made = std::make_shared<Channel>(executor_);
    channels_[name] = made;
    arm();
    return made;
}

// ---- those who publish

asio::awaitable<void> LiveRelay::publish(SessionNumber session, std::string name,
                                         MessageStream stream) {
    const ChannelPointer to = channel(name);
    if (to == nullptr || to->publisher_count >= live_publisher_count_max) {
        refuse(stream);
        co_return;
    }
    ++to->publisher_count;
    tell();
    for (;;) {
        auto [error, message] = co_await stream.async_receive(as_result);
        if (error || is_stopped_) break;
        if (message.size() > live_message_size_max) {
            stream.stop(live_message_too_large);
            break;
        }
        co_await pass_on(*to, session, message);
    }
    stream.finish();
    --to->publisher_count;
    sweep();
}

// The buffers never make a publisher wait: who is behind pays for it.
asio::awaitable<void> LiveRelay::pass_on(Channel& channel, SessionNumber session,
                                         const std::vector<std::uint8_t>& message) {
    for (const bool is_reliable : {false, true}) {
        std::vector<ReceiverId> receivers;
        for (const Watcher& watcher : channel.watchers) {
            const bool is_one = watcher.is_reliable == is_reliable && watcher.session != session;
            if (is_one) receivers.push_back(watcher.id);
        }
        if (receivers.empty()) continue;
        const std::span<const ReceiverId> chosen(receivers);
        const auto [error, count] =
            co_await channel.fan_out(is_reliable).async_send(message, chosen, as_result);
        static_cast<void>(error);
        static_cast<void>(count);
    }
}

// ---- those who watch

void LiveRelay::watch(SessionNumber session, const std::string& name, MessageStream stream) {
    const ChannelPointer of =
        watcher_count_ < live_watcher_count_max ? channel(name) : ChannelPointer();
    if (of == nullptr) return refuse(stream);
    const bool is_reliable = stream.kind() == StreamKind::messages;
    const ReceiverId id = of->fan_out(is_reliable).add(std::move(stream));
    of->watchers.push_back({session, is_reliable, id});
    ++watcher_count_;
    tell();
}

// Forgets watchers that have left, and channels that nobody is on.
void LiveRelay::sweep() {
    watcher_count_ = 0;
    for (auto each = channels_.begin(); each != channels_.end();) {
        Channel& channel = *each->second;
        std::erase_if(channel.watchers, [&channel](const Watcher& watcher) {
            return !channel.fan_out(watcher.is_reliable).statistics(watcher.id);
        });
        watcher_count_ += channel.watchers.size();
        const bool is_empty = channel.watchers.empty() && channel.publisher_count == 0;
        each = is_empty ? channels_.erase(each) : std::next(each);
    }
    tell();
}

void LiveRelay::arm() {
    if (is_armed_ || is_stopped_) return;
    is_armed_ = true;
    sweep_timer_.expires_after(sweep_interval);
    sweep_timer_.async_wait([this](std::error_code error) {
        is_armed_ = false;
        if (error || is_stopped_) return;
        sweep();
        if (!channels_.empty()) arm();
    });
}

// ---- those who ask what there is

std::string LiveRelay::channels() const {
    std::string text;
    for (const auto& [name, channel] : channels_) {
        text += fmt::format("{} {} {}\n", channel->publisher_count, channel->watchers.size(), name);
    }
    return text;
}

void LiveRelay::tell() {
    std::string text = channels();
    if (text == told_) return;
    told_ = std::move(text);
    std::erase_if(observers_, [](const auto& weak) { return weak.expired(); });
    for (const auto& weak : observers_) {
        if (const auto observer = weak.lock()) observer->changed.notify();
    }
}

asio::awaitable<void> LiveRelay::observe(MessageStream stream) {
    std::erase_if(observers_, [](const auto& weak) { return weak.expired(); });
    if (observers_.size() >= live_observer_count_max) {
        refuse(stream);
        co_return;
    }
    const auto observer = std::make_shared<Observer>(std::move(stream), executor_);
    observers_.push_back(observer);
    asio::co_spawn(executor_, drain(observer), asio::detached);
    std::optional<std::string> sent;
    asio::steady_timer pause(executor_);
    while (!observer->has_left) {
        std::string text = channels();
        if (sent == text) {
            co_await observer->changed.wait();
            continue;
        }
        const Bytes bytes(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
        const auto [error, size] = co_await observer->stream.async_send(bytes, as_result);
        static_cast<void>(size);
        if (error) break;
        // So that no list overtakes another, and who is slow gets the newest only.
        const auto [failed, nothing] = co_await observer->stream.async_wait_acknowledged(as_result);
        static_cast<void>(nothing);
        if (failed) break;
        sent = std::move(text);
        pause.expires_after(list_interval);
        co_await pause.async_wait(as_result);
    }
    observer->stream.finish();
}

// What an observer says means nothing; that it leaves does.
asio::awaitable<void> LiveRelay::drain(std::shared_ptr<Observer> observer) {
    for (;;) {
        const auto [error, message] = co_await observer->stream.async_receive(as_result);
        if (error) break;
    }
    observer->has_left = true;
    observer->changed.notify();
}

}  // namespace stt::cli
