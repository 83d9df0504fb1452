// NewReno as RFC 9002 §7 and its Appendix B have it: the simple controller.
#pragma once

#include <limits>

#include "core/recovery/congestion.hpp"

namespace stt::recovery {

class NewReno final : public CongestionController {
public:
    explicit NewReno(std::size_t datagram_size) noexcept;

    std::string_view name() const noexcept override { return "new_reno"; }
    std::size_t window() const noexcept override { return window_; }
    bool is_in_slow_start() const noexcept override { return window_ < threshold_; }
    void on_acked(const AckSample& sample) override;
    void on_congestion_event(const CongestionEvent& event) override;
    void on_persistent_congestion(Instant now) override;
    void on_spurious_congestion(Instant now) override;
    void set_datagram_size(std::size_t size) override;

private:
    std::size_t window_min() const noexcept { return window_min_datagrams * datagram_size_; }

    std::size_t datagram_size_;
    std::size_t window_;
    std::size_t threshold_ = std::numeric_limits<std::size_t>::max();
    std::size_t acked_ = 0;  // bytes towards the next datagram of growth
    std::size_t window_before_ = 0;
    std::size_t threshold_before_ = 0;
    bool can_undo_ = false;
};

}  // namespace stt::recovery
