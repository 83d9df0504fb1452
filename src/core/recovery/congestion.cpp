#include "core/recovery/congestion.hpp"

#include <stt/check.hpp>

#include "core/recovery/background.hpp"
#include "core/recovery/bbr.hpp"
#include "core/recovery/cubic.hpp"
#include "core/recovery/new_reno.hpp"

namespace stt::recovery {

std::uint64_t RateSample::bytes_per_second() const noexcept {
    if (interval <= Duration::zero()) return 0;
    // An interval's bytes fit 44 bits (16 TiB) with room for the factor; more is not a sample.
    constexpr std::uint64_t microseconds = 1'000'000;
    if (bytes > UINT64_MAX / microseconds) return 0;
    return bytes * microseconds / static_cast<std::uint64_t>(interval.count());
}

std::unique_ptr<CongestionController> make_congestion_controller(CongestionAlgorithm algorithm,
                                                                 std::size_t datagram_size) {
    switch (algorithm) {
        case CongestionAlgorithm::cubic:
            return std::make_unique<Cubic>(datagram_size);
        case CongestionAlgorithm::new_reno:
            return std::make_unique<NewReno>(datagram_size);
        case CongestionAlgorithm::bbr:
            return std::make_unique<Bbr>(datagram_size);
        case CongestionAlgorithm::background:
            return std::make_unique<Background>(datagram_size);
    }
    STT_CHECK(false);
    return nullptr;
}

}  // namespace stt::recovery
