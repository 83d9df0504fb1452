// Streams of messages against a model: a network that loses, reorders, doubles, and acknowledges
// what was taken for lost.
#include <doctest/doctest.h>

#include <map>
#include <set>
#include <vector>

#include "stream_pair.hpp"
#include "testing/seeded_random.hpp"

namespace stt::stream {
namespace {

constexpr std::uint32_t message_count = 40;

// A message says which it is, and all of its bytes follow from that.
std::vector<std::uint8_t> content(std::uint32_t number, std::size_t size) {
    std::vector<std::uint8_t> bytes(std::max<std::size_t>(size, 2));
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        bytes[i] = static_cast<std::uint8_t>(number * 31 + i * 7);
    }
    bytes[0] = static_cast<std::uint8_t>(number);
    bytes[1] = static_cast<std::uint8_t>(number >> 8);
    return bytes;
}

// One direction of one stream: what was handed over, and what came out.
struct Direction {
    std::map<std::uint32_t, std::vector<std::uint8_t>> sent;
    std::set<std::uint32_t> received;
    bool is_end = false;
};

class RandomRun {
public:
    RandomRun(StreamKind kind, std::uint64_t seed) : kind_(kind), random_(seed) {
        for (int i = 0; i < 3; ++i) {
            const StreamKey key =
                open(*sides_[random_.below(2)], kind, std::chrono::milliseconds(40));
            for (auto& directions : directions_) directions[key];
        }
    }

    void run() {
        for (int step = 0; !is_done(); ++step) {
            REQUIRE(step < 100'000);
            now_ += std::chrono::milliseconds(1);
            for (std::size_t side = 0; side < 2; ++side) {
                send_some(side);
                pull(side);
                carry_some(side);
                read_some(side);
                sides_[side]->streams.handle_timeout(now_);
                check(sides_[side]->streams);
            }
        }
        settle();
    }

private:
    std::size_t random_size() {
        if (kind_ == StreamKind::datagrams) return random_.below(1'000);
        return random_.below(8) == 0 ? random_.below(150'000) : random_.below(3'000);
    }

    void send_some(std::size_t side) {
        for (auto& [key, direction] : directions_[side]) {
            if (direction.sent.size() == message_count) {
                sides_[side]->streams.finish(key);
                continue;
            }
            const auto number = static_cast<std::uint32_t>(direction.sent.size());
            auto bytes = content(number, random_size());
            const auto taken = sides_[side]->streams.send_message(now_, key, bytes);
            // The other side may not have the stream yet.
            if (taken) direction.sent.emplace(number, std::move(bytes));
        }
    }

    void pull(std::size_t side) {
        while (const auto frame = sides_[side]->next()) flying_[side].push_back(*frame);
        Streams& other = sides_[1 - side]->streams;
        if (const auto limit = sides_[side]->streams.take_flow_credit()) {
            other.handle_flow_credit(*limit);
        }
    }

    void carry_some(std::size_t side) {
        auto& flying = flying_[side];
        for (std::size_t count = random_.below(20); count > 0 && !flying.empty(); --count) {
            // Mostly in order.
            const std::size_t at =
                random_.below(std::min<std::size_t>(flying.size(), random_.below(4) == 0 ? 50 : 2));
            const Frame frame = flying[at];
            flying.erase(flying.begin() + static_cast<std::ptrdiff_t>(at));
            const std::uint64_t fate = random_.below(10);
            bool is_taken = false;
            if (fate != 0) {
                const auto taken = sides_[1 - side]->handle(frame);
                REQUIRE(taken.has_value());
                is_taken = *taken == Taken::yes;
            }
            Streams& sender = sides_[side]->streams;
            if (!is_taken || fate == 1) sender.on_lost(frame.planned);
            // Late, after it was taken for lost.
            if (is_taken) sender.on_acknowledged(frame.planned);
        }
    }

    void read_some(std::size_t side) {
        if (random_.below(3) == 0) return;
        sides_[side]->poll();
        for (auto& [key, direction] : directions_[1 - side]) {
            std::vector<std::uint8_t> message;
            for (std::size_t count = random_.below(20); count > 0; --count) {
                const auto outcome = sides_[side]->streams.receive_message(now_, rtt, key, message);
                if (!outcome) break;
                direction.is_end = outcome->is_end;
                if (!outcome->has_message) break;
                REQUIRE(message.size() >= 2);
                const std::uint32_t number = message[0] + 256u * message[1];
                REQUIRE(direction.sent.count(number) == 1);
                REQUIRE(message == direction.sent.at(number));
                REQUIRE(direction.received.insert(number).second);
            }
        }
    }

    static void check(const Streams& streams) {
        const SendCredit& credit = streams.send_credit();
        REQUIRE(credit.sent + credit.reserved <= credit.limit);
    }

    bool is_done() const {
        for (const auto& directions : directions_) {
            for (const auto& [key, direction] : directions) {
                if (!direction.is_end) return false;
            }
        }
        return true;
    }

    // The rest arrives; then nothing is left of the streams but their statistics.
    void settle() {
        for (int round = 0; round < 50; ++round) {
            for (std::size_t side = 0; side < 2; ++side) {
                pull(side);
                for (const Frame& frame : std::exchange(flying_[side], {})) {
                    REQUIRE(sides_[1 - side]->handle(frame).has_value());
                    sides_[side]->streams.on_acknowledged(frame.planned);
                }
            }
        }
        for (std::size_t side = 0; side < 2; ++side) {
            Streams& streams = sides_[side]->streams;
            CHECK(streams.open_count() == 0);
            CHECK(streams.unread() == 0);
            CHECK(streams.fragment_count() == 0);
            CHECK(streams.send_credit().reserved == 0);
            CHECK(!streams.deadline().has_value());
            for (const auto& [key, direction] : directions_[side])
                check_fates(side, key, direction);
        }
    }

    void check_fates(std::size_t side, StreamKey key, const Direction& direction) {
        const auto sent = sides_[side]->streams.statistics(key);
        REQUIRE(sent.has_value());
        CHECK(sent->messages_written == message_count);
        CHECK(sent->queued == 0);
        if (kind_ == StreamKind::messages) {
            CHECK(direction.received.size() == message_count);
            CHECK(sent->messages_acknowledged == message_count);
        } else if (kind_ == StreamKind::expiring) {
            CHECK(sent->messages_acknowledged + sent->messages_expired == message_count);
            // What was acknowledged was delivered, and some that was given up as well.
            CHECK(direction.received.size() >= sent->messages_acknowledged);
        }
        total_received_ += direction.received.size();
        CHECK(direction.received.size() <= message_count);
    }

public:
    std::size_t total_received() const noexcept { return total_received_; }

private:
    StreamKind kind_;
    testing::SeededRandom random_;
    Pair pair_;
    Side* sides_[2] = {&pair_.one, &pair_.other};
    std::map<StreamKey, Direction> directions_[2];
    std::vector<Frame> flying_[2];
    Instant now_ = start;
    std::size_t total_received_ = 0;
};

std::size_t run_seeds(StreamKind kind) {
    std::size_t received = 0;
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
        CAPTURE(seed);
        RandomRun run(kind, seed);
        run.run();
        received += run.total_received();
    }
    return received;
}

constexpr std::size_t message_total = std::size_t{40} * 3 * 2 * message_count;

TEST_CASE("protocol §7.2 MESSAGES: every message arrives whole and once, over 40 seeds") {
    CHECK(run_seeds(StreamKind::messages) == message_total);
}

TEST_CASE("protocol §7.2 DATAGRAMS: what arrives is whole and comes once, over 40 seeds") {
    const std::size_t received = run_seeds(StreamKind::datagrams);
    // One in ten is lost.
    CHECK(received > message_total * 8 / 10);
    CHECK(received < message_total);
}

TEST_CASE("protocol §7.2 EXPIRING: a message arrives whole and once, or is given up, 40 seeds") {
    const std::size_t received = run_seeds(StreamKind::expiring);
    CHECK(received > message_total / 10);
    CHECK(received < message_total);
}

}  // namespace
}  // namespace stt::stream
