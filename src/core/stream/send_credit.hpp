#pragma once

#include <algorithm>
#include <cstdint>

#include "core/stream/stream_kind.hpp"

namespace stt::stream {

// What the peer lets this side send on all streams together. Spec protocol §9.1, §9.3.
struct SendCredit {
    std::uint64_t limit = session_credit_initial;
    std::uint64_t sent = 0;
    std::uint64_t reserved = 0;  // what messages begun still need: no other stream uses it

    // What may still be begun. A peer may give limits up to 2^64 - 1: only differences are taken.
    std::uint64_t room() const noexcept { return limit - std::min(limit, sent + reserved); }
};

}  // namespace stt::stream
