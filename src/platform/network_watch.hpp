// Tells that this machine's own network has changed.
#pragma once

#include <map>
#include <platform/system_error.hpp>
#include <stt/address.hpp>
#include <stt/result.hpp>
#include <utility>

struct nlmsghdr;

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
    // the routes that the kernel makes of addresses by itself: every interface brings those. An
    // address that has only another lifetime is no change either. What changed is not told: a
    // session finds out by asking its peer.
    bool take_change();
    // Owned by this object: never close it.
    int native_handle() const noexcept { return descriptor_; }

private:
    explicit NetworkWatch(int descriptor) noexcept : descriptor_(descriptor) {}

    bool is_change(const nlmsghdr& message);
    bool is_address_change(const nlmsghdr& message);

    int descriptor_ = -1;
    // This machine's addresses, by their interface, and whether new sessions should do without one.
    std::map<std::pair<unsigned, Address>, bool> known_;
};

}  // namespace stt::platform
