// CUBIC with HyStart++. RFC 9438, RFC 9406.
#pragma once

#include <optional>

#include "core/recovery/congestion.hpp"
#include "core/recovery/hystart.hpp"

namespace stt::recovery {

class Cubic final : public CongestionController {
public:
    explicit Cubic(std::size_t datagram_size) noexcept;

    std::string_view name() const noexcept override { return "cubic"; }
    std::size_t window() const noexcept override;
    bool is_in_slow_start() const noexcept override;
    void on_acked(const AckSample& sample) override;
    void on_congestion_event(const CongestionEvent& event) override;
    void on_persistent_congestion(Instant now) override;
    void on_spurious_congestion(Instant now) override;
    void set_datagram_size(std::size_t size) override;

    // RFC 9438 §5, §4.6; C in datagrams a second cubed.
    static constexpr double scale = 0.4;
    static constexpr double decrease = 0.7;

private:
    // What a congestion event changes, so that a spurious one can be undone (RFC 9438 §4.9).
    struct State {
        double window = 0;         // bytes
        double threshold = 0;      // bytes; infinite before the first congestion event
        double window_max = 0;     // bytes: W_max
        double window_before = 0;  // bytes: cwnd_prior
        double window_reno = 0;    // bytes: W_est
        double k_seconds = 0;      // K
        std::optional<Instant> epoch_start;
        // W_max = cwnd and K = 0 at the next epoch (RFC 9438 §4.8, §4.10).
        bool is_plateau_own = false;
        HyStart hystart;
    };

    void grow_slow_start(const AckSample& sample);
    void grow_avoidance(const AckSample& sample);
    void begin_epoch(Instant now);
    double cubic_window(double seconds) const noexcept;  // W_cubic(t), bytes
    double window_min() const noexcept;

    double datagram_size_;
    State state_;
    State undo_;
    bool can_undo_ = false;
    std::optional<Instant> limited_since_;  // growth paused: the window is not used
};

}  // namespace stt::recovery
