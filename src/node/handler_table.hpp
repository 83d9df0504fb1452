// Who serves the streams that peers open, and custom frames.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <stt/session.hpp>
#include <variant>

#include "core/connection/custom_frames.hpp"

namespace stt::node {

using Handler = std::variant<StreamHandler, MessageHandler>;

inline bool serves(const Handler& handler, StreamKind kind) noexcept {
    return std::holds_alternative<StreamHandler>(handler) == (kind == StreamKind::bytes);
}

// Handlers by what they serve. Each is shared with the coroutines that run it, so that it can be
// replaced while they do.
template <class Name, class Handler>
class HandlersBy {
public:
    using Pointer = std::shared_ptr<const Handler>;

    void set(Name name, Handler handler) {
        handlers_[std::move(name)] = std::make_shared<const Handler>(std::move(handler));
    }
    template <class Key>
    void remove(const Key& name) {
        const auto found = handlers_.find(name);
        if (found != handlers_.end()) handlers_.erase(found);
    }
    // Those of another table, but where this one has its own.
    void add(const HandlersBy& other) {
        handlers_.insert(other.handlers_.begin(), other.handlers_.end());
    }
    bool is_empty() const noexcept { return handlers_.empty(); }
    // Null: nobody serves it.
    template <class Key>
    Pointer find(const Key& name) const {
        const auto found = handlers_.find(name);
        return found == handlers_.end() ? nullptr : found->second;
    }
    template <class Visit>
    void visit_names(Visit visit) const {
        for (const auto& [name, handler] : handlers_) visit(name);
    }

private:
    std::map<Name, Pointer, std::less<>> handlers_;
};

// By the name of their endpoint.
using HandlerTable = HandlersBy<std::string, Handler>;
using CustomHandlerTable = HandlersBy<std::uint8_t, CustomHandler>;

inline connection::CustomTypes types_of(const CustomHandlerTable& handlers) {
    connection::CustomTypes types;
    handlers.visit_names(
        [&](std::uint8_t type) { types.set(connection::custom_type_index(type)); });
    return types;
}

// What a handler threw, for a log.
inline std::string text_of(const std::exception_ptr& thrown) {
    try {
        std::rethrow_exception(thrown);
    } catch (const std::exception& exception) {
        return exception.what();
    } catch (...) {
        return "something";
    }
}

}  // namespace stt::node
