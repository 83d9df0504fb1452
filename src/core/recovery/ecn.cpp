#include "core/recovery/ecn.hpp"

namespace stt::recovery {

std::uint64_t EcnValidation::on_ack(std::uint64_t newly_marked,
                                    const std::optional<wire::EcnCounts>& increase) noexcept {
    if (has_failed_) return 0;
    // No counts although marked frames arrived: a bleached path, or a peer that cannot see.
    const bool is_credible = increase.has_value()
                                 ? increase->ect1 == 0 &&  // never sent
                                       increase->ect0 + increase->ce >= newly_marked
                                 : newly_marked == 0;
    if (!is_credible) {
        has_failed_ = true;
        return 0;
    }
    if (newly_marked > 0) is_proven_ = true;
    return increase.has_value() && marked_sent_ > 0 ? increase->ce : 0;
}

}  // namespace stt::recovery
