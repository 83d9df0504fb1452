#pragma once

#include <cstddef>
#include <stt/time.hpp>

namespace stt::node {

// What is expected sooner than this is asked for again and again instead of slept for: to fall
// asleep, to be woken by the other side or a timer, and to wake up takes both processors as long.
// Chosen by measuring bulk on a virtual machine, where waking another processor is a call of the
// hypervisor: 5 to 20 microseconds at each side.
inline constexpr Duration nap_min = std::chrono::microseconds(40);
// But only in full flow, where such waits are few for what is sent between them: after a burst of
// this size. A node that paces single datagrams would spend a third of its time so.
inline constexpr std::size_t flow_burst_min = 32'768;
// And no longer than this after it.
inline constexpr Duration flow_time = std::chrono::milliseconds(1);

}  // namespace stt::node
