// Tells that this machine's own network has changed.
#pragma once

#include <platform/system_error.hpp>
#include <stt/result.hpp>

namespace stt::platform {

// A netlink socket that hears of addresses and routes that come and go. It does not wait: its
// owner waits until native_handle() is readable, then asks.
class NetworkWatch {
public:
    // Some sandboxes refuse such a socket.
    static Result<NetworkWatch, SystemError> open();
    ~NetworkWatch();
    NetworkWatch(NetworkWatch&& other) noexcept;
    NetworkWatch& operator=(NetworkWatch&& other) noexcept;

    // Whether anything changed since the last call, but for addresses that reach one link alone and
    // the routes that the kernel makes of addresses by itself: every interface brings those. What
    // changed is not told: a session finds out by asking its peer.
    bool take_change() noexcept;
    // Owned by this object: never close it.
    int native_handle() const noexcept { return descriptor_; }

private:
    explicit NetworkWatch(int descriptor) noexcept : descriptor_(descriptor) {}

    int descriptor_ = -1;
};

}  // namespace stt::platform
