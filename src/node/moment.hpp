#pragma once

#include "core/connection/endpoint_types.hpp"
#include "platform/clock.hpp"

namespace stt::node {

// Both clocks now.
inline connection::Moment current_moment() noexcept {
    return {platform::now(), platform::unix_milliseconds()};
}

}  // namespace stt::node
