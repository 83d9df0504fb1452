// Who serves the streams that peers open.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <stt/session.hpp>
#include <variant>

namespace stt::node {

using Handler = std::variant<StreamHandler, MessageHandler>;

inline bool serves(const Handler& handler, StreamKind kind) noexcept {
    return std::holds_alternative<StreamHandler>(handler) == (kind == StreamKind::bytes);
}

// Handlers by the name of their endpoint. Each is shared with the coroutines that run it, so
// that it can be replaced while they do.
class HandlerTable {
public:
    using Pointer = std::shared_ptr<const Handler>;

    void set(std::string endpoint, Handler handler) {
        handlers_[std::move(endpoint)] = std::make_shared<const Handler>(std::move(handler));
    }
    void remove(std::string_view endpoint) {
        const auto found = handlers_.find(endpoint);
        if (found != handlers_.end()) handlers_.erase(found);
    }
    // Those of another table, but where this one has its own.
    void add(const HandlerTable& other) {
        handlers_.insert(other.handlers_.begin(), other.handlers_.end());
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
