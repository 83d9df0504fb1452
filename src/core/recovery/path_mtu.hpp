// The largest datagram that a path carries. RFC 8899, Spec protocol §13.1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stt/time.hpp>

namespace stt::recovery {

// Sizes are UDP payloads in bytes. Spec protocol §13.1.
inline constexpr std::size_t datagram_size_base = 1'200;
inline constexpr std::size_t datagram_size_ceiling_ipv4 = 1'472;
inline constexpr std::size_t datagram_size_ceiling_ipv6 = 1'452;
// RFC 8899 §5.1.2: probes of one size before it is taken for too large (MAX_PROBES).
inline constexpr unsigned mtu_probes_max = 3;
// RFC 8899 §5.1.1: PMTU_RAISE_TIMER, from a finished search to the next.
inline constexpr Duration mtu_raise_interval = std::chrono::seconds(600);
// After a black hole: chosen, because most are a route that flaps within a minute.
inline constexpr Duration mtu_black_hole_interval = std::chrono::seconds(60);

// Probes the ceiling first, then halves the interval until it is under
// search_resolution. One probe is in flight at a time; losing one is no congestion.
class PathMtu {
public:
    // `ceiling` below the base counts as the base: nothing is probed then.
    explicit PathMtu(std::size_t ceiling) noexcept;

    // Full datagrams have this size.
    std::size_t current() const noexcept { return current_; }
    std::size_t ceiling() const noexcept { return ceiling_; }

    // A datagram of exactly this size (PING and PADDING) should go now as a probe; null: none.
    std::optional<std::size_t> probe_size(Instant now) const noexcept;
    // When probe_size() turns from null by waiting alone; null: it will not.
    std::optional<Instant> deadline() const noexcept;

    void on_probe_sent(Instant now) noexcept;  // of probe_size(now)
    void on_probe_acked(Instant now, std::size_t size) noexcept;
    void on_probe_lost(Instant now, std::size_t size) noexcept;
    // Other datagrams, by number on the path and size. A loss above the base counts against the
    // size when none as large that was sent later is acknowledged; black_hole_losses of those in
    // a row send the size back to the base, if the last was sent when the first was known to be
    // lost: what a full queue drops in one round trip is large too, where what is small still fits.
    void on_datagram_acked(std::uint64_t number, std::size_t size) noexcept;
    void on_datagram_lost(Instant now, Instant sent_at, std::uint64_t number,
                          std::size_t size) noexcept;
    // `consecutive` probe timeouts without any acknowledgement: at black_hole_timeouts, nothing
    // passes, and perhaps a datagram of base size would.
    void on_probe_timeout(Instant now, unsigned consecutive) noexcept;

    static constexpr std::size_t search_resolution = 8;
    static constexpr unsigned black_hole_losses = 6;
    static constexpr unsigned black_hole_timeouts = 3;

private:
    void start_search() noexcept;
    void advance(Instant now) noexcept;
    void fall_back(Instant now) noexcept;

    std::size_t ceiling_;
    std::size_t current_ = datagram_size_base;
    std::size_t refused_ = 0;    // smallest size taken for too large; ceiling + 1 when none
    std::size_t candidate_ = 0;  // being probed; 0: search finished
    unsigned candidate_losses_ = 0;
    bool is_probe_in_flight_ = false;
    std::optional<Instant> search_again_at_;
    // Number + 1 of the newest datagram that arrived, of full size and of any above the base.
    std::uint64_t full_acked_before_ = 0;
    std::uint64_t large_acked_before_ = 0;
    std::size_t large_acked_size_ = 0;
    unsigned suspicious_losses_ = 0;
    std::size_t suspicious_size_ = 0;  // the smallest of them
    Instant suspicious_since_{};
};

}  // namespace stt::recovery
