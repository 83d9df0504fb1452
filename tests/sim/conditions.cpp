#include "conditions.hpp"

#include <sstream>

namespace stt::sim {
namespace {

using testing::SeededRandom;

constexpr testing::PerMillion percent = testing::always / 100;

// Up to `max`, small values as likely as large ones; often none at all.
testing::PerMillion drawn_share(SeededRandom& random, testing::PerMillion max) {
    if (random.chance(40 * percent)) return 0;
    const auto coarse = static_cast<testing::PerMillion>(random.between(1, max));
    return random.chance(50 * percent) ? coarse : coarse / 10;
}

// Bytes a second, from 1 Mbit/s to 1 Gbit/s, each octave as likely as another; often unlimited.
std::uint64_t drawn_rate(SeededRandom& random) {
    if (random.chance(35 * percent)) return 0;
    const std::uint64_t octave = std::uint64_t{125'000} << random.below(10);
    return octave + random.below(octave);
}

testing::LinkOptions drawn_link(SeededRandom& random) {
    testing::LinkOptions link;
    link.delay = std::chrono::microseconds(random.chance(20 * percent) ? random.below(500)
                                                                       : random.below(200'000));
    if (random.chance(50 * percent)) {
        link.jitter =
            Duration(random.below(static_cast<std::uint64_t>(link.delay.count() / 4 + 1)));
    }
    link.rate = drawn_rate(random);
    link.queue_size = std::size_t{16'384} << random.below(7);
    link.loss = drawn_share(random, 30 * percent);
    if (random.chance(20 * percent)) {
        // Bursts of 4 datagrams in the mean, with up to 1 in 100 beginning one.
        link.burst.becomes_bad = static_cast<testing::PerMillion>(random.below(percent));
        link.burst.becomes_good = 25 * percent;
    }
    link.reorder = drawn_share(random, 10 * percent);
    link.reorder_delay = Duration(random.between(1'000, 50'000));
    link.duplicate = drawn_share(random, 10 * percent);
    link.corrupt = drawn_share(random, 5 * percent);
    link.congestion_mark = random.chance(20 * percent) ? drawn_share(random, 2 * percent) : 0;
    link.datagram_size_max = random.between(1'200, 1'500);
    return link;
}

}  // namespace

Conditions draw_conditions(std::uint64_t seed, std::uint64_t bytes_each_way) {
    SeededRandom random(testing::mixed(seed ^ 0x5354'5431));
    Conditions conditions;
    conditions.links[0] = drawn_link(random);
    conditions.links[1] = drawn_link(random);
    if (random.chance(50 * percent)) conditions.links[1] = conditions.links[0];
    conditions.bytes_each_way = bytes_each_way;
    conditions.stream_count = random.chance(50 * percent) ? 1 : random.between(2, 8);
    conditions.read_size_max = random.chance(50 * percent) ? 262'144 : random.between(1, 65'536);
    if (random.chance(20 * percent)) conditions.read_pause = Duration(random.between(1, 20'000));

    connection::ConnectionConfig& config = conditions.config;
    if (random.chance(30 * percent)) config.rotation_frames = random.between(50, 2'000);
    if (random.chance(10 * percent)) config.rotation_bytes = random.between(20'000, 1'000'000);
    if (random.chance(30 * percent)) config.stream_window_max = random.between(65'536, 1 << 20);
    if (random.chance(30 * percent)) config.send_buffer_max = random.between(20'000, 1 << 20);
    config.congestion = static_cast<recovery::CongestionAlgorithm>(random.below(4));
    return conditions;
}

std::string describe(const Conditions& conditions) {
    std::ostringstream text;
    for (const testing::LinkOptions& link : conditions.links) {
        text << "  link: delay " << link.delay.count() << " us, jitter " << link.jitter.count()
             << " us, rate " << link.rate << " B/s, queue " << link.queue_size << " B, loss "
             << link.loss << ", burst " << link.burst.becomes_bad << ", reorder " << link.reorder
             << " by " << link.reorder_delay.count() << " us, duplicate " << link.duplicate
             << ", corrupt " << link.corrupt << ", mark " << link.congestion_mark
             << " per million, mtu " << link.datagram_size_max << '\n';
    }
    text << "  load: " << conditions.bytes_each_way << " bytes each way on "
         << conditions.stream_count << " streams, reads of " << conditions.read_size_max
         << " every " << conditions.read_pause.count() << " us\n";
    const connection::ConnectionConfig& config = conditions.config;
    text << "  session: rotation " << config.rotation_frames << " frames " << config.rotation_bytes
         << " bytes, stream window " << config.stream_window_max << ", send buffer "
         << config.send_buffer_max << ", controller " << static_cast<int>(config.congestion)
         << '\n';
    return text.str();
}

}  // namespace stt::sim
