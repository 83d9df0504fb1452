// The cases of the QUIC interop runner that have a meaning here. Its networks are a line of
// 10 Mbit/s with a delay of 15 ms each way and a queue of 25 datagrams, unless said otherwise.
#include <algorithm>
#include <sstream>

#include "scenario.hpp"
#include "scene.hpp"

namespace stt::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::BottleneckOptions;
using testing::LinkOptions;
using testing::PerMillion;

constexpr PerMillion percent = testing::always / 100;
constexpr std::uint64_t mbit = 125'000;  // bytes a second
constexpr std::uint64_t megabyte = 1'000'000;
constexpr std::size_t small_file = 1'024;
// Of the runner's lossy handshakes.
constexpr std::uint64_t handshakes = 50;

BottleneckOptions runner_line() {
    return {.rate = 10 * mbit, .queue_size = 25 * 1'500};
}
LinkOptions runner_link() {
    LinkOptions link;
    link.delay = milliseconds(15);
    return link;
}

Measured measure(Scene& scene, std::uint64_t rate, Duration limit) {
    Measured measured;
    measured.rate = rate;
    const bool is_done = scene.run(limit);
    if (!is_done) {
        measured.failure = scene.failure().value_or("not done in time");
        return measured;
    }
    measured.handshake = scene.first().handshake();
    measured.took = scene.first().took();
    measured.bytes = scene.first().received();
    return measured;
}

// Files over the runner's line, with the link as given.
Measured transfer(std::uint64_t seed, std::vector<std::uint64_t> files, const LinkOptions& link,
                  Duration limit, const connection::EndpointConfig& config = {}) {
    Scene scene(seed, config);
    scene.set_line(scene.first(), runner_line(), link);
    scene.first().set_files(std::move(files));
    scene.first().connect();
    return measure(scene, 10 * mbit, limit);
}

Measured handshake(std::uint64_t seed) {
    Measured measured = transfer(seed, {small_file}, runner_link(), seconds(1));
    if (!measured.failure && *measured.handshake > milliseconds(35)) {
        measured.failure = "more than one round trip";
    }
    return measured;
}

Measured long_round_trip(std::uint64_t seed) {
    LinkOptions link = runner_link();
    link.delay = milliseconds(750);
    Measured measured = transfer(seed, {small_file}, link, seconds(10));
    if (!measured.failure && *measured.took > milliseconds(3'100)) {
        measured.failure = "more than two round trips";
    }
    return measured;
}

Measured multiplexing(std::uint64_t seed) {
    return transfer(seed, std::vector<std::uint64_t>(1'999, 32), runner_link(), seconds(60));
}

Measured amplification_limit(std::uint64_t seed) {
    Scene scene(seed);
    scene.set_line(scene.first(), runner_line(), runner_link());
    scene.first().set_files({5 * 1'024});
    // The runner drops the client's second to seventh datagram.
    int count = 0;
    scene.network.filter = [&count](const testing::DatagramView& datagram) {
        const bool is_lost = datagram.from == 0 && ++count >= 2 && count <= 7;
        return is_lost ? testing::Verdict::drop : testing::Verdict::pass;
    };
    scene.first().connect();
    return measure(scene, 10 * mbit, seconds(30));
}

Measured black_hole(std::uint64_t seed) {
    Scene scene(seed);
    scene.set_line(scene.first(), runner_line(), runner_link());
    scene.first().set_files({10 * megabyte});
    for (int round = 0; round < 20; ++round) {
        scene.network.schedule(seconds(5 + 7 * round), [&scene] {
            scene.network.cut_link(0, 1, seconds(2));
            scene.network.cut_link(1, 0, seconds(2));
        });
    }
    scene.first().connect();
    return measure(scene, 10 * mbit, seconds(60));
}

Measured key_update(std::uint64_t seed) {
    connection::EndpointConfig config;
    config.connection.rotation_frames = 500;
    Scene scene(seed, config);
    scene.set_line(scene.first(), runner_line(), runner_link());
    scene.first().set_files({3 * megabyte});
    scene.first().connect();
    Measured measured = measure(scene, 10 * mbit, seconds(60));
    if (measured.failure) return measured;
    const std::uint64_t epochs = scene.first().at_server()->send_epoch();
    measured.remark = std::to_string(epochs) + " rotations of the server's keys";
    if (epochs < 3) measured.failure = "keys were not rotated";
    return measured;
}

// Many sessions one after another, each a small file. Reports the median and the worst.
Measured many_handshakes(std::uint64_t seed, const LinkOptions& link) {
    Measured all;
    std::vector<Duration> times;
    for (std::uint64_t number = 0; number < handshakes; ++number) {
        const Measured one = transfer(seed * handshakes + number, {small_file}, link, seconds(60));
        if (one.failure) return one;
        times.push_back(*one.took);
        all.bytes += one.bytes;
    }
    std::sort(times.begin(), times.end());
    std::ostringstream text;
    text << handshakes << " sessions; from HELLO to the last byte: median "
         << times[times.size() / 2].count() / 1'000 << " ms, worst " << times.back().count() / 1'000
         << " ms";
    all.remark = text.str();
    return all;
}

Measured handshake_loss(std::uint64_t seed) {
    LinkOptions link = runner_link();
    link.run = testing::loss_in_runs(30 * percent, 3);
    return many_handshakes(seed, link);
}

Measured handshake_corruption(std::uint64_t seed) {
    LinkOptions link = runner_link();
    link.corrupt = 30 * percent;
    return many_handshakes(seed, link);
}

Measured transfer_loss(std::uint64_t seed) {
    LinkOptions link = runner_link();
    link.run = testing::loss_in_runs(2 * percent, 3);
    return transfer(seed, {2 * megabyte}, link, seconds(60));
}

Measured transfer_corruption(std::uint64_t seed) {
    LinkOptions link = runner_link();
    link.corrupt = 2 * percent;
    return transfer(seed, {2 * megabyte}, link, seconds(60));
}

Measured explicit_congestion(std::uint64_t seed) {
    Scene scene(seed);
    BottleneckOptions line = runner_line();
    line.queue_size = 100 * 1'500;
    line.discipline = testing::QueueDiscipline::codel;
    scene.set_line(scene.first(), line, runner_link());
    scene.first().set_files({3 * megabyte});
    scene.first().connect();
    Measured measured = measure(scene, 10 * mbit, seconds(60));
    const auto& counters = scene.network.bottleneck(1).counters();
    measured.remark = std::to_string(counters.marked) + " datagrams marked; " +
                      std::to_string(counters.overflowed) + " found the queue full";
    if (!measured.failure && counters.marked == 0) measured.failure = "nothing was marked";
    if (!measured.failure && counters.dropped > 0) measured.failure = "a marker dropped";
    return measured;
}

Measured over_ipv6(std::uint64_t seed) {
    Scene scene(seed);
    scene.network.set_addresses(0, {*Address::parse("[2001:db8::1]:9001")});
    scene.network.set_addresses(1, {*Address::parse("[2001:db8::2]:9001")});
    scene.set_line(scene.first(), runner_line(), runner_link());
    scene.first().set_files({small_file, megabyte});
    scene.first().connect();
    return measure(scene, 10 * mbit, seconds(30));
}

// What resumption is for, as this protocol has it: a session outlives the loss of its path.
Measured resumption(std::uint64_t seed) {
    Scene scene(seed);
    scene.set_line(scene.first(), runner_line(), runner_link());
    scene.first().set_files({2 * megabyte});
    scene.network.schedule(milliseconds(500), [&scene] {
        scene.network.cut_link(0, 1, seconds(60));
        scene.network.cut_link(1, 0, seconds(60));
    });
    scene.first().connect();
    Measured measured = measure(scene, 0, seconds(90));
    if (!measured.failure) measured.remark = "one handshake; no path for 60 s of it";
    return measured;
}

// A download of 10 MB through a NAT; `move` is called every 5 s, as the runner's rebinding is.
template <class Move>
Measured moved(std::uint64_t seed, const Move& move) {
    Scene scene(seed);
    const auto nat = scene.network.add_nat({Address::ipv4({192, 0, 2, 1}, 0)});
    scene.network.put_behind(scene.first().client(), nat);
    scene.set_line(scene.first(), runner_line(), runner_link());
    scene.first().set_files({10 * megabyte});
    std::uint64_t count = 0;
    for (int round = 1; round < 12; ++round) {
        scene.network.schedule(seconds(5 * round), [&] {
            if (scene.first().is_done()) return;
            move(scene, nat, ++count);
        });
    }
    scene.first().connect();
    Measured measured = measure(scene, 10 * mbit, seconds(60));
    const std::uint64_t paths = scene.first().paths_taken();
    measured.remark = std::to_string(count) + " moves; the server took " + std::to_string(paths) +
                      " new paths, each after its challenge was answered";
    const bool is_followed = count > 0 && paths >= count;
    if (!measured.failure && !is_followed) measured.failure = "a move was not followed";
    return measured;
}

Measured rebound_port(std::uint64_t seed) {
    return moved(seed, [](Scene& scene, testing::NatNumber nat, std::uint64_t) {
        scene.network.nat(nat).rebind_ports();
    });
}

Measured rebound_address(std::uint64_t seed) {
    return moved(seed, [](Scene& scene, testing::NatNumber nat, std::uint64_t count) {
        const auto host = static_cast<std::uint8_t>(1 + count);
        scene.network.rebind_host(nat, Address::ipv4({192, 0, 2, host}, 0));
    });
}

// The client leaves its network for another in the middle of a download.
Measured migration(std::uint64_t seed) {
    Scene scene(seed);
    scene.set_line(scene.first(), runner_line(), runner_link());
    scene.first().set_files({2 * megabyte});
    scene.network.schedule(milliseconds(500), [&scene] {
        scene.network.set_addresses(0, {Address::ipv4({198, 51, 100, 7}, 40'000)});
        scene.network.endpoint(0).network_changed(scene.network.moment(0));
    });
    scene.first().connect();
    Measured measured = measure(scene, 10 * mbit, seconds(60));
    const std::uint64_t paths = scene.first().paths_taken();
    measured.remark = "the server took " + std::to_string(paths) + " new path";
    if (!measured.failure && paths != 1) measured.failure = "not one path was taken";
    return measured;
}

Measured goodput(std::uint64_t seed) {
    Measured measured = transfer(seed, {10 * megabyte}, runner_link(), seconds(20));
    if (!measured.failure && *measured.took > milliseconds(8'900)) {
        measured.failure = "under 90 % of the line";
    }
    return measured;
}

Measured cross_traffic(std::uint64_t seed) {
    Scene scene(seed);
    Download& other = scene.add_download();
    scene.set_line(scene.first(), runner_line(), runner_link());
    scene.set_line(other, runner_line(), runner_link());
    other.set_files({200 * megabyte});
    scene.first().set_files({25 * megabyte});
    other.connect();
    scene.network.schedule(seconds(1), [&scene] { scene.first().connect(); });
    Measured measured = measure(scene, 10 * mbit, seconds(120));
    if (measured.failure) return measured;
    const auto both = static_cast<double>(measured.bytes + other.received());
    const double share = static_cast<double>(measured.bytes) / both;
    std::ostringstream text;
    text.precision(2);
    text << std::fixed << "its share of what both carried: " << share;
    measured.remark = text.str();
    if (share < 0.35 || share > 0.65) measured.failure = "an unfair share";
    return measured;
}

}  // namespace

std::vector<Scenario> interop_scenarios() {
    const std::string line = "10 Mbit/s, 15 ms each way, queue of 25";
    return {
        {"handshake", line, "1 KiB; client may send after one round trip", handshake},
        {"transfer", line, "2, 3 and 5 MB at once within 20 s",
         [](std::uint64_t seed) {
             return transfer(seed, {2 * megabyte, 3 * megabyte, 5 * megabyte}, runner_link(),
                             seconds(20));
         }},
        {"longrtt", "the same, 750 ms each way", "1 KiB within two round trips", long_round_trip},
        {"multiplexing", line, "1,999 streams of 32 bytes within 60 s", multiplexing},
        {"amplificationlimit", "the same, the client's 2nd to 7th datagram lost",
         "5 KiB; never more than three times what an address sent goes there before it answered",
         amplification_limit},
        {"blackhole", "the same, 5 s on and 2 s off", "10 MB within 60 s", black_hole},
        {"keyupdate", line, "3 MB under at least 4 epochs", key_update},
        {"handshakeloss", "the same, 30 % lost each way in runs of 3", "every session succeeds",
         handshake_loss},
        {"transferloss", "the same, 2 % lost each way in runs of 3", "2 MB within 60 s",
         transfer_loss},
        {"handshakecorruption", "the same, 30 % damaged each way", "every session succeeds",
         handshake_corruption},
        {"transfercorruption", "the same, 2 % damaged each way", "2 MB within 60 s",
         transfer_corruption},
        {"ecn", "10 Mbit/s with CoDel that marks, 15 ms", "3 MB; marked, and nothing dropped by it",
         explicit_congestion},
        {"ipv6", line, "1 KiB and 1 MB within 30 s", over_ipv6},
        {"resumption", "the same, no path from 0.5 s for 60 s",
         "2 MB within 90 s in the same session", resumption},
        {"rebind-port", "the same, behind a NAT that gives another port every 5 s",
         "10 MB within 60 s in the same session; each new port is challenged and taken",
         rebound_port},
        {"rebind-addr", "the same, behind a NAT whose address changes every 5 s",
         "10 MB within 60 s in the same session; each new address is challenged and taken",
         rebound_address},
        {"connectionmigration", "the same; the client moves to another address at 0.5 s",
         "2 MB within 60 s in the same session, on one new path", migration},
        {"goodput", line, "10 MB at 90 % of the line or more", goodput},
        {"crosstraffic", line + ", shared with an endless flow",
         "25 MB; 35 to 65 % of what both carry", cross_traffic},
    };
}

}  // namespace stt::sim
