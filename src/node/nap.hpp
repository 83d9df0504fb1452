#pragma once

#include <stt/time.hpp>

namespace stt::node {

// What is expected sooner than this is asked for again and again instead of slept for: to fall
// asleep, to be woken by the other side or a timer, and to wake up takes both processors as long.
// Chosen by measuring bulk on a virtual machine, where waking another processor is a call of the
// hypervisor: 5 to 20 microseconds at each side.
inline constexpr Duration nap_min = std::chrono::microseconds(40);

}  // namespace stt::node
