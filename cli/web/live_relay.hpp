// Passes messages on between those who are connected to one node. Spec live.
#pragma once

#include <array>
#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/steady_timer.hpp>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <stt/fan_out.hpp>
#include <stt/message_stream.hpp>
#include <vector>

#include "../async.hpp"

namespace stt::cli {

// Spec live §4.1. Worst-case memory: 3 MiB for each channel, 96 MiB in all, and the send buffer of
// each watcher's stream.
inline constexpr std::size_t live_name_size_max = 64;
inline constexpr std::size_t live_message_size_max = 262'144;
inline constexpr std::size_t live_channel_count_max = 32;
inline constexpr std::size_t live_publisher_count_max = 32;  // of a channel
inline constexpr std::size_t live_watcher_count_max = 256;   // in all
inline constexpr std::size_t live_observer_count_max = 256;

// Code of STOP to who publishes a longer message. Spec live §4.2.
inline constexpr std::uint64_t live_message_too_large = 258;

class LiveRelay {
public:
    // Whatever the node's sessions are told apart by.
    using SessionNumber = std::uint64_t;

    explicit LiveRelay(asio::any_io_executor executor);
    LiveRelay(const LiveRelay&) = delete;
    LiveRelay& operator=(const LiveRelay&) = delete;

    // Serves a stream that a peer opened, of whatever endpoint, until it has ended; a watcher's
    // until it is handed over. Must have ended before the relay goes.
    asio::awaitable<void> serve(SessionNumber session, MessageStream stream);
    // Lets go of all watchers.
    void stop();

    // What those who ask for the channels are told. Spec live §3.2.
    std::string channels() const;

private:
    struct Watcher {
        SessionNumber session = 0;
        bool is_reliable = false;
        ReceiverId id{};
    };
    struct Channel {
        explicit Channel(const asio::any_io_executor& executor);
        MessageFanOut& fan_out(bool is_reliable) { return is_reliable ? reliable : lossy; }

        MessageFanOut reliable;
        MessageFanOut lossy;
        std::vector<Watcher> watchers;
        std::size_t publisher_count = 0;
    };
    struct Observer;
    using ChannelPointer = std::shared_ptr<Channel>;

    asio::awaitable<void> publish(SessionNumber session, std::string name, MessageStream stream);
    asio::awaitable<void> pass_on(Channel& channel, SessionNumber session,
                                  const std::vector<std::uint8_t>& message);
    void watch(SessionNumber session, const std::string& name, MessageStream stream);
    asio::awaitable<void> observe(MessageStream stream);
    static asio::awaitable<void> drain(std::shared_ptr<Observer> observer);

    // Null: there are as many as there may be.
    ChannelPointer channel(const std::string& name);
    void sweep();
    void arm();
    void tell();

    asio::any_io_executor executor_;
    asio::steady_timer sweep_timer_;
    bool is_armed_ = false;
    bool is_stopped_ = false;
    std::map<std::string, ChannelPointer> channels_;
    std::vector<std::weak_ptr<Observer>> observers_;
    std::size_t watcher_count_ = 0;
    std::string told_;
};

// The channel that an endpoint names behind `prefix`; null when it is no name. Spec live §1.2.
std::optional<std::string> live_channel_of(std::string_view endpoint, std::string_view prefix);

}  // namespace stt::cli
