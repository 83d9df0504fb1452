// Tells when this machine's addresses or routes have changed.
#pragma once

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <stt/result.hpp>

#include "base/lifetime.hpp"
#include "platform/network_watch.hpp"

namespace stt::node {

class NetworkWatcher {
public:
    // Calls back from the loop, once for changes that come one after the other.
    static Result<std::unique_ptr<NetworkWatcher>, platform::SystemError> start(
        asio::io_context& context, std::function<void()> on_change);
    ~NetworkWatcher();
    NetworkWatcher(const NetworkWatcher&) = delete;
    NetworkWatcher& operator=(const NetworkWatcher&) = delete;

private:
    NetworkWatcher(asio::io_context& context, platform::NetworkWatch watch,
                   std::function<void()> on_change);
    void wait();

    platform::NetworkWatch watch_;
    asio::posix::stream_descriptor descriptor_;  // borrows the watch's
    asio::steady_timer settle_;
    std::function<void()> on_change_;
    Lifetime lifetime_;
};

}  // namespace stt::node
