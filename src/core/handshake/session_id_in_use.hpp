#pragma once

#include <concepts>
#include <memory>
#include <type_traits>

#include "core/wire/frame.hpp"

namespace stt::handshake {

// Asks the caller whether it has a session of this id. Borrows a lambda, or another function
// object bool(const wire::SessionId&), until the call that takes it returns; allocates nothing.
class SessionIdInUse {
public:
    template <class Callable>
    requires(std::is_object_v<Callable>&& std::predicate<const Callable&, const wire::SessionId&> &&
             !std::same_as<std::remove_cvref_t<Callable>, SessionIdInUse>)
        SessionIdInUse(const Callable& callable)
    noexcept
        : callable_(std::addressof(callable)),
          call_([](const void* object, const wire::SessionId& session_id) {
              return static_cast<bool>((*static_cast<const Callable*>(object))(session_id));
          }) {}

    bool operator()(const wire::SessionId& session_id) const {
        return call_(callable_, session_id);
    }

private:
    const void* callable_;
    bool (*call_)(const void*, const wire::SessionId&);
};

}  // namespace stt::handshake
