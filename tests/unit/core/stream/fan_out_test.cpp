// The fan-out against a naive model: a list for each receiver of what it is to get.
#include "core/stream/fan_out.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "testing/seeded_random.hpp"

namespace stt::stream {
namespace {

// Takes as much as it is given room for.
struct Sink final : FanOutStream {
    Result<std::size_t, WriteError> write(Bytes data) override {
        if (is_stopped) return Unexpected(WriteError::stopped);
        const std::size_t size = std::min(room, data.size());
        bytes.append(data.begin(), data.begin() + static_cast<std::ptrdiff_t>(size));
        room -= size;
        return size;
    }
    Result<void, SendError> send_message(Bytes message) override {
        if (is_stopped) return Unexpected(SendError::stopped);
        if (message.size() > message_max) return Unexpected(SendError::too_large);
        if (message.size() + 1 > room) return Unexpected(SendError::would_block);
        messages.emplace_back(message.begin(), message.end());
        room -= message.size() + 1;
        return {};
    }
    bool finish() override {
        CHECK(!is_finished);
        is_finished = true;
        return !is_stopped;
    }
    void reset(std::uint64_t code) override { reset_code = code; }

    ReceiverId id{};
    std::size_t room = 0;
    std::size_t message_max = 1'000'000;
    bool is_stopped = false;
    bool is_finished = false;
    std::uint64_t reset_code = 0;
    std::string bytes;
    std::vector<std::string> messages;
    // The model.
    std::string expected_bytes;
    std::vector<std::string> expected;
};

bool is_subsequence(const std::vector<std::string>& some, const std::vector<std::string>& all) {
    auto at = all.begin();
    for (const std::string& each : some) {
        at = std::find(at, all.end(), each);
        if (at++ == all.end()) return false;
    }
    return true;
}

struct World {
    World(std::uint64_t seed, const FanOutOptions& options_given, FanOutContent content_given)
        : random(seed),
          options(options_given),
          content(content_given),
          fan_out(options_given, content_given) {}

    std::size_t below(std::size_t limit) { return random.below(limit); }
    void step() {
        switch (below(12)) {
            case 0:
                if (streams.size() < 8) add();
                break;
            case 1:
                if (below(4) == 0) remove();
                break;
            case 2:
            case 3:
            case 4:
            case 5:
                for (auto& [id, stream] : streams) {
                    if (below(2) == 0) give_room(*stream);
                }
                break;
            default:
                content == FanOutContent::bytes ? write() : send();
        }
        poll();
    }
    void add() {
        auto stream = std::make_unique<Sink>();
        stream->id = fan_out.add(*stream);
        streams[stream->id] = std::move(stream);
    }
    void remove() {
        if (streams.empty()) return;
        const auto gone = streams.begin();
        if (below(2) == 0) {
            CHECK(fan_out.remove(gone->first));
            CHECK(!fan_out.remove(gone->first));
            streams.erase(gone);
        } else {
            gone->second->is_stopped = true;
            fan_out.handle_ended(gone->first);
        }
    }
    void give_room(Sink& stream) {
        stream.room += below(3'000);
        fan_out.handle_writable(stream.id);
    }
    std::string some_text(std::size_t size_max) {
        std::string text = std::to_string(++count) + ":";
        text.resize(below(size_max), static_cast<char>('a' + count % 26));
        return text;
    }
    void write() {
        const std::string text = some_text(3'000);
        const auto taken = fan_out.write(bytes_of(text));
        poll();
        if (!taken) {
            CHECK(taken.error() == FanOutError::would_block);
            CHECK(options.laggards == LaggardPolicy::wait);
            CHECK(fan_out.buffered() == options.buffer_size_max);
            return;
        }
        for (auto& [id, stream] : streams) stream->expected_bytes += text.substr(0, *taken);
    }
    void send() {
        const std::string text = some_text(1'500);
        std::optional<std::vector<ReceiverId>> chosen;
        if (below(2) == 0) {
            chosen.emplace();
            for (auto& [id, stream] : streams) {
                if (below(2) == 0) chosen->insert(chosen->begin(), 1 + below(2), id);
            }
        }
        const auto sent = fan_out.send(bytes_of(text), chosen);
        poll();
        if (!sent) {
            CHECK(sent.error() == FanOutError::would_block);
            CHECK(options.laggards == LaggardPolicy::wait);
            return;
        }
        for (auto& [id, stream] : streams) {
            const bool is_for =
                !chosen || std::find(chosen->begin(), chosen->end(), id) != chosen->end();
            if (is_for) stream->expected.push_back(text);
        }
    }
    void poll() {
        while (const auto event = fan_out.poll_event()) {
            if (event->kind != FanOutEvent::Kind::left) continue;
            Sink& gone = *streams.at(event->receiver);
            // Up to there it missed nothing.
            CHECK(gone.expected_bytes.starts_with(gone.bytes));
            CHECK(gone.messages.size() <= gone.expected.size());
            CHECK(gone.is_stopped != (gone.reset_code == options.drop_code));
            dropped += gone.is_stopped ? 0 : 1;
            streams.erase(event->receiver);
        }
    }
    void check() {
        CHECK(fan_out.receiver_count() == streams.size());
        CHECK(fan_out.buffered() <= options.buffer_size_max);
        bool is_waiting = false;
        for (auto& [id, stream] : streams) {
            const ReceiverStatistics statistics = *fan_out.statistics(id);
            is_waiting = is_waiting || statistics.waiting_size > 0;
            if (content == FanOutContent::bytes) {
                CHECK(statistics.bytes_sent == stream->bytes.size());
                CHECK(stream->bytes.size() + statistics.waiting_size ==
                      stream->expected_bytes.size());
                CHECK(stream->expected_bytes.starts_with(stream->bytes));
                continue;
            }
            CHECK(statistics.messages_sent == stream->messages.size());
            CHECK(is_subsequence(stream->messages, stream->expected));
            if (options.laggards != LaggardPolicy::skip) CHECK(statistics.messages_dropped == 0);
            missed += statistics.messages_dropped;
        }
        if (content == FanOutContent::bytes) CHECK(is_waiting == (fan_out.buffered() > 0));
    }
    // Everybody takes what waits.
    void drain() {
        for (auto& [id, stream] : streams) {
            stream->room = 1'000'000;
            fan_out.handle_writable(id);
        }
        poll();
        CHECK(fan_out.buffered() == 0);
        for (auto& [id, stream] : streams) {
            CHECK(stream->bytes == stream->expected_bytes);
            const ReceiverStatistics statistics = *fan_out.statistics(id);
            CHECK(stream->messages.size() + statistics.messages_dropped == stream->expected.size());
            CHECK(statistics.waiting_size == 0);
        }
    }

    testing::SeededRandom random;
    FanOutOptions options;
    FanOutContent content;
    FanOut fan_out;
    std::map<ReceiverId, std::unique_ptr<Sink>> streams;
    int count = 0;
    int dropped = 0;
    std::uint64_t missed = 0;
};

struct Outcome {
    int dropped = 0;
    std::uint64_t missed = 0;
};

Outcome run(LaggardPolicy policy, FanOutContent content) {
    Outcome outcome;
    for (std::uint64_t seed = 1; seed <= 12; ++seed) {
        CAPTURE(seed);
        World world(seed, {.buffer_size_max = 6'000, .laggards = policy, .drop_code = 300},
                    content);
        for (int i = 0; i < 400; ++i) {
            world.step();
            world.check();
        }
        world.drain();
        outcome.dropped += world.dropped;
        outcome.missed += world.missed;
    }
    return outcome;
}

TEST_CASE("a fan-out of bytes does as its model, whether it waits or drops") {
    CHECK(run(LaggardPolicy::wait, FanOutContent::bytes).dropped == 0);
    CHECK(run(LaggardPolicy::drop, FanOutContent::bytes).dropped > 20);
}

TEST_CASE("a fan-out of messages to chosen sets does as its model, by each policy") {
    const Outcome waited = run(LaggardPolicy::wait, FanOutContent::messages);
    CHECK(waited.dropped == 0);
    CHECK(waited.missed == 0);
    CHECK(run(LaggardPolicy::drop, FanOutContent::messages).dropped > 20);
    const Outcome skipped = run(LaggardPolicy::skip, FanOutContent::messages);
    CHECK(skipped.dropped == 0);
    CHECK(skipped.missed > 300);
}

TEST_CASE("what all take at once is not kept, and who comes later gets nothing of it") {
    FanOut fan_out({.buffer_size_max = 100}, FanOutContent::bytes);
    Sink first;
    first.room = 1'000;
    fan_out.add(first);
    CHECK(*fan_out.write(bytes_of("hello")) == 5);
    CHECK(fan_out.buffered() == 0);
    Sink second;
    second.room = 1'000;
    fan_out.add(second);
    CHECK(*fan_out.write(bytes_of("world")) == 5);
    CHECK(first.bytes == "helloworld");
    CHECK(second.bytes == "world");
    // Of more than the buffer has, a part; without receivers, too.
    CHECK(*fan_out.write(bytes_of(std::string(150, 'x'))) == 100);
}

TEST_CASE("a message that the buffer cannot hold is refused, and one byte less is not") {
    FanOut fan_out({.buffer_size_max = 1'000}, FanOutContent::messages);
    Sink stream;
    const std::vector<ReceiverId> chosen{fan_out.add(stream)};
    constexpr std::size_t size_max = 1'000 - 64;
    CHECK(!fan_out.send(bytes_of(std::string(size_max + 1, 'x'))));
    CHECK(!fan_out.send(bytes_of(std::string(size_max - 7, 'x')), chosen));
    CHECK(fan_out.send(bytes_of(std::string(size_max - 8, 'x')), chosen));
    const auto blocked = fan_out.send(bytes_of(std::string(size_max, 'x')));
    REQUIRE(!blocked);
    CHECK(blocked.error() == FanOutError::would_block);
    CHECK(!fan_out.poll_event());
    stream.room = 2'000;
    fan_out.handle_writable(chosen[0]);
    const auto event = fan_out.poll_event();
    REQUIRE(event);
    CHECK(event->kind == FanOutEvent::Kind::writable);
    CHECK(fan_out.send(bytes_of(std::string(size_max, 'x'))));
}

TEST_CASE("a message too large for one stream is dropped for that one alone") {
    FanOut fan_out({}, FanOutContent::messages);
    Sink narrow;
    narrow.room = 1'000;
    narrow.message_max = 10;
    Sink wide;
    wide.room = 1'000;
    const ReceiverId id = fan_out.add(narrow);
    fan_out.add(wide);
    CHECK(*fan_out.send(bytes_of(std::string(11, 'x'))) == 2);
    CHECK(*fan_out.send(bytes_of(std::string(10, 'x'))) == 2);
    CHECK(narrow.messages.size() == 1);
    CHECK(wide.messages.size() == 2);
    CHECK(fan_out.statistics(id)->messages_dropped == 1);
    CHECK(fan_out.receiver_count() == 2);
}

TEST_CASE("after finish() streams end when they took all, and those that are added end at once") {
    FanOut fan_out({}, FanOutContent::bytes);
    Sink quick;
    quick.room = 100;
    Sink slow;
    Sink stopped;
    stopped.room = 100;
    fan_out.add(quick);
    slow.id = fan_out.add(slow);
    const ReceiverId id = fan_out.add(stopped);
    CHECK(*fan_out.write(bytes_of("hello")) == 5);
    stopped.is_stopped = true;
    fan_out.finish();
    fan_out.finish();
    CHECK(quick.is_finished);
    CHECK(!slow.is_finished);
    const auto event = fan_out.poll_event();
    REQUIRE(event);
    CHECK(event->kind == FanOutEvent::Kind::left);
    CHECK(event->receiver == id);
    slow.room = 5;
    fan_out.handle_writable(slow.id);
    CHECK(slow.bytes == "hello");
    CHECK(slow.is_finished);
    fan_out.handle_writable(slow.id);  // nothing new
    Sink late;
    fan_out.add(late);
    CHECK(late.is_finished);
    const auto refused = fan_out.write(bytes_of("more"));
    REQUIRE(!refused);
    CHECK(refused.error() == FanOutError::finished);
}

}  // namespace
}  // namespace stt::stream
