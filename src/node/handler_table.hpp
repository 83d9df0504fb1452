// Who serves the streams that peers open.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <stt/session.hpp>

namespace stt::node {

// Handlers by the name of their endpoint. Each is shared with the coroutines that run it, so
// that it can be replaced while they do.
class HandlerTable {
public:
    using Pointer = std::shared_ptr<const StreamHandler>;

    void set(std::string endpoint, StreamHandler handler) {
        handlers_[std::move(endpoint)] = std::make_shared<const StreamHandler>(std::move(handler));
    }
    void remove(std::string_view endpoint) {
        const auto found = handlers_.find(endpoint);
        if (found != handlers_.end()) handlers_.erase(found);
    }
    bool is_empty() const noexcept { return handlers_.empty(); }
    // Null: nobody serves it.
    Pointer find(std::string_view endpoint) const {
        const auto found = handlers_.find(endpoint);
        return found == handlers_.end() ? nullptr : found->second;
    }

private:
    std::map<std::string, Pointer, std::less<>> handlers_;
};

}  // namespace stt::node
