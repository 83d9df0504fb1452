// A sender and a receiver's ACK tracker over a simulated bottleneck: the parts together.
#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <queue>

#include "core/recovery/ack_tracker.hpp"
#include "core/recovery/loss.hpp"
#include "tests/unit/core/recovery/recovery_testing.hpp"

namespace stt::recovery::testing {

namespace {

struct Link {
    std::uint64_t bytes_per_second = 0;
    Duration one_way{};
    std::size_t queue_bytes = 0;
    std::uint64_t loss_one_in = 0;  // 0: none
    Duration jitter{};              // reorders when over the distance of datagrams
};

struct Report {
    Duration time{};
    std::uint64_t datagrams = 0;
    std::uint64_t lost_truly = 0;
    std::uint64_t declared_lost = 0;
    std::size_t largest_burst = 0;  // bytes that left at one instant
};

// Sends `total` pieces of 1,150 bytes in frames of 1,200, resends what is lost, until all have
// arrived and been acknowledged.
class Transfer {
public:
    Transfer(const Link& link, std::uint64_t total, std::uint64_t seed,
             CongestionAlgorithm algorithm)
        : link_(link), random_(seed), has_piece_(total), is_acked_(total) {
        PathConfig config;
        config.algorithm = algorithm;
        config.datagram_size_ceiling = 1'200;
        loss_.add_path(1, config);
        loss_.take_path(now_, 1);
    }

    Report run() {
        while (acked_ < is_acked_.size()) {
            fill();
            step();
            REQUIRE(now_ < at(seconds(600)));
        }
        result_.time = now_ - at(Duration(0));
        return result_;
    }

private:
    struct Arrival {
        Instant when;
        std::uint64_t order;
        std::uint64_t sequence;
        std::uint64_t piece;
        bool operator>(const Arrival& other) const {
            return std::tie(when, order) > std::tie(other.when, other.order);
        }
    };
    struct AckArrival {
        Instant when;
        OwnedAck ack;
    };

    void send(std::uint64_t piece) {
        const std::uint64_t next = loss_.next_sequence();
        SentFrame frame = eliciting(random_.one_in(1'000) ? next + 1 : next);
        frame.cargo.offset = piece;
        loss_.on_datagram_sent(now_, {.path = 1, .size = frame.size}, {&frame, 1});
        ++result_.datagrams;
        const Duration backlog = std::max(link_free_at_ - now_, Duration(0));
        const auto queued =
            static_cast<std::uint64_t>(backlog.count()) * link_.bytes_per_second / 1'000'000;
        if (queued + frame.size > link_.queue_bytes ||
            (link_.loss_one_in != 0 && random_.one_in(link_.loss_one_in))) {
            ++result_.lost_truly;
            return;
        }
        link_free_at_ =
            std::max(link_free_at_, now_) +
            Duration(static_cast<Duration::rep>(frame.size * 1'000'000 / link_.bytes_per_second));
        Duration delay = link_.one_way;
        if (link_.jitter.count() > 0) {
            delay += Duration(static_cast<Duration::rep>(
                random_.below(static_cast<std::uint64_t>(link_.jitter.count()))));
        }
        arrivals_.push({link_free_at_ + delay, order_++, frame.sequence, piece});
    }

    std::optional<std::uint64_t> next_piece() {
        while (!resend_.empty() && is_acked_[resend_.front()]) resend_.pop_front();
        if (!resend_.empty()) {
            const std::uint64_t piece = resend_.front();
            resend_.pop_front();
            return piece;
        }
        if (next_ < is_acked_.size()) return next_++;
        return std::nullopt;
    }

    void fill() {
        std::size_t burst = 0;
        while (true) {
            const SendAllowance allowance = loss_.path(1).allowance(now_);
            release_ = allowance.release;
            const bool is_probe = probes_ > 0;
            if ((allowance.bytes < 1'200 && !is_probe) || !loss_.has_room(1)) break;
            const auto piece = next_piece();
            if (!piece.has_value() && !is_probe) {
                release_.reset();
                loss_.path(1).on_app_limited();
                break;
            }
            if (is_probe) --probes_;
            if (!is_probe) burst += 1'200;
            send(piece.value_or(is_acked_.size() - 1));
        }
        result_.largest_burst = std::max(result_.largest_burst, burst);
    }

    void note_lost(std::span<const SentFrame> lost) {
        result_.declared_lost += lost.size();
        for (const SentFrame& frame : lost) {
            if (!is_acked_[frame.cargo.offset]) resend_.push_back(frame.cargo.offset);
        }
    }

    void send_ack() {
        const auto ranges = tracker_.ranges();
        OwnedAck ack(ranges.first(std::min<std::size_t>(ranges.size(), 64)));
        ack.delay(Duration(static_cast<Duration::rep>(tracker_.delay_us(now_))));
        acks_.push_back({now_ + link_.one_way, ack});
        tracker_.on_ack_sent(now_, false);
    }

    void step() {
        std::optional<Instant> next = loss_.deadline();
        const auto consider = [&next](std::optional<Instant> when) {
            if (when.has_value()) next = next.has_value() ? std::min(*next, *when) : when;
        };
        consider(release_);
        consider(tracker_.deadline());
        if (!arrivals_.empty()) consider(arrivals_.top().when);
        if (!acks_.empty()) consider(acks_.front().when);
        REQUIRE(next.has_value());
        now_ = std::max(now_, *next);

        while (!arrivals_.empty() && arrivals_.top().when <= now_) {
            tracker_.on_datagram(now_);
            tracker_.on_received(now_, arrivals_.top().sequence, true, EcnMark::not_ect);
            has_piece_[arrivals_.top().piece] = true;
            arrivals_.pop();
            if (tracker_.is_due(now_)) send_ack();
        }
        if (tracker_.is_due(now_)) send_ack();
        while (!acks_.empty() && acks_.front().when <= now_) {
            const AckOutcome outcome =
                Sender::accepted(loss_.on_ack(now_, acks_.front().ack.get()));
            for (const SentFrame& frame : outcome.acked) {
                REQUIRE(has_piece_[frame.cargo.offset]);
                if (!is_acked_[frame.cargo.offset]) ++acked_;
                is_acked_[frame.cargo.offset] = true;
            }
            note_lost(outcome.lost);
            tracker_.set_round_trip(loss_.path(1).rtt().smoothed());
            acks_.pop_front();
        }
        if (loss_.deadline().has_value() && *loss_.deadline() <= now_) {
            const TimeoutOutcome outcome = loss_.on_timeout(now_);
            note_lost(outcome.lost);
            probes_ += outcome.probes;
        }
    }

    Link link_;
    Random random_;
    Instant now_ = at(Duration(0));
    LossDetection loss_;
    AckTracker tracker_;
    std::priority_queue<Arrival, std::vector<Arrival>, std::greater<>> arrivals_;
    std::deque<AckArrival> acks_;
    Instant link_free_at_ = at(Duration(0));
    std::optional<Instant> release_;
    std::vector<bool> has_piece_;
    std::vector<bool> is_acked_;
    std::uint64_t acked_ = 0;
    std::uint64_t next_ = 0;
    std::uint64_t order_ = 0;
    std::deque<std::uint64_t> resend_;
    unsigned probes_ = 0;
    Report result_;
};

double utilisation(const Link& link, std::uint64_t total, const Report& result) {
    return static_cast<double>(total) * 1'200 /
           (static_cast<double>(link.bytes_per_second) *
            std::chrono::duration<double>(result.time).count());
}

}  // namespace

TEST_CASE("a transfer over a bottleneck with a fair queue uses nine tenths of it") {
    const Link link{
        .bytes_per_second = 12'500'000, .one_way = milliseconds(20), .queue_bytes = 500'000};
    for (const auto algorithm : {CongestionAlgorithm::cubic, CongestionAlgorithm::new_reno}) {
        const Report result = Transfer(link, 200'000, 1, algorithm).run();
        CHECK(utilisation(link, 200'000, result) > 0.9);
        CHECK(result.declared_lost < 4'000);
        CHECK(result.largest_burst <= 65'536);
    }
}

TEST_CASE(
    "HyStart++ leaves slow start before a deep queue overflows, as without it slow start does") {
    const Link link{
        .bytes_per_second = 12'500'000, .one_way = milliseconds(20), .queue_bytes = 5'000'000};
    const Report with = Transfer(link, 20'000, 1, CongestionAlgorithm::cubic).run();
    CHECK(with.lost_truly == 0);
    CHECK(utilisation(link, 20'000, with) > 0.85);
    CHECK(Transfer(link, 20'000, 1, CongestionAlgorithm::new_reno).run().lost_truly > 1'000);
}

TEST_CASE("what is declared lost without reordering was lost") {
    const Link link{.bytes_per_second = 5'000'000,
                    .one_way = milliseconds(15),
                    .queue_bytes = 200'000,
                    .loss_one_in = 100};
    for (const std::uint64_t seed : {1ULL, 2ULL, 3ULL}) {
        const Report result = Transfer(link, 20'000, seed, CongestionAlgorithm::cubic).run();
        CHECK(result.declared_lost == result.lost_truly);
    }
}

TEST_CASE("every piece arrives over links that lose and reorder, at any seed") {
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        CAPTURE(seed);
        Random random(seed);
        Link link;
        link.bytes_per_second = 50'000 + random.below(20'000'000);
        link.one_way = Duration(static_cast<Duration::rep>(random.below(150'000)));
        link.queue_bytes = 5'000 + random.below(300'000);
        link.loss_one_in = random.one_in(3) ? 0 : 4 + random.below(200);
        link.jitter =
            Duration(static_cast<Duration::rep>(random.one_in(2) ? random.below(20'000) : 0));
        const auto algorithm =
            random.one_in(2) ? CongestionAlgorithm::cubic : CongestionAlgorithm::new_reno;
        const Report result = Transfer(link, 2'000, seed, algorithm).run();
        CHECK(result.datagrams >= 2'000);
    }
}

TEST_CASE("a loopback of 10 Gbit/s and 50 µs is filled, not paced down") {
    const Link link{
        .bytes_per_second = 1'250'000'000, .one_way = microseconds(25), .queue_bytes = 4'000'000};
    const Report result = Transfer(link, 300'000, 1, CongestionAlgorithm::cubic).run();
    CHECK(utilisation(link, 300'000, result) > 0.5);
}

TEST_CASE("the same seed gives the same run") {
    const Link link{.bytes_per_second = 1'000'000,
                    .one_way = milliseconds(30),
                    .queue_bytes = 60'000,
                    .loss_one_in = 30,
                    .jitter = milliseconds(4)};
    const Report first = Transfer(link, 3'000, 9, CongestionAlgorithm::cubic).run();
    const Report second = Transfer(link, 3'000, 9, CongestionAlgorithm::cubic).run();
    CHECK(first.time == second.time);
    CHECK(first.datagrams == second.datagrams);
}

}  // namespace stt::recovery::testing
