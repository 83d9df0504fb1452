#include "node/network_watcher.hpp"

#include <stt/time.hpp>
#include <utility>

namespace stt::node {
namespace {

// Addresses and routes of one change come one after the other. Chosen: less than a person notices.
constexpr Duration settle_time = std::chrono::milliseconds(200);

}  // namespace

NetworkWatcher::NetworkWatcher(asio::io_context& context, platform::NetworkWatch watch,
                               std::function<void()> on_change)
    : watch_(std::move(watch)),
      descriptor_(context, watch_.native_handle()),
      settle_(context),
      on_change_(std::move(on_change)) {}

NetworkWatcher::~NetworkWatcher() {
    descriptor_.release();
}

Result<std::unique_ptr<NetworkWatcher>, platform::SystemError> NetworkWatcher::start(
    asio::io_context& context, std::function<void()> on_change) {
    STT_TRY(platform::NetworkWatch watch, platform::NetworkWatch::open());
    std::unique_ptr<NetworkWatcher> watcher(
        new NetworkWatcher(context, std::move(watch), std::move(on_change)));
    watcher->wait();
    return watcher;
}

void NetworkWatcher::wait() {
    descriptor_.async_wait(asio::posix::stream_descriptor::wait_read,
                           [this, alive = lifetime_.watch()](std::error_code error) {
                               if (error || alive.is_over()) return;
                               settle_.expires_after(settle_time);
                               settle_.async_wait([this, alive](std::error_code stopped) {
                                   if (stopped || alive.is_over()) return;
                                   if (watch_.take_change()) on_change_();
                                   if (!alive.is_over()) wait();
                               });
                           });
}

}  // namespace stt::node
