// Two whole endpoints that keep the rules, over links that do not: the input is a schedule of what
// both applications call and of what happens to their datagrams.
#include <array>
#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "testing/session_pair.hpp"
#include "tests/fuzz/fuzz_input.hpp"

using namespace stt;
using namespace std::chrono_literals;
using testing::LinkOptions;
using testing::SessionPair;

namespace {

constexpr std::size_t step_count_max = 200;

// What one side did with its direction of a stream.
struct Direction {
    std::string written;
    bool is_finished = false;
    // Reset, stopped or let go of, by either side: the rest may stay away.
    bool is_given_up = false;
};

class Pair {
public:
    explicit Pair(fuzz::FuzzInput& input) : input_(input), pair_(input.below(4)) {
        STT_CHECK(pair_.establish());
    }

    void run() {
        for (std::size_t i = 0; i < step_count_max && !input_.is_empty(); ++i) step();
        settle();
    }

private:
    using Node = testing::NodeNumber;

    void step() {
        const Node node = input_.below(2);
        if (!pair_.has_connection(node)) return;
        switch (input_.below(10)) {
            case 0:
                return open(node);
            case 1:
            case 2:
            case 3:
                return write(node);
            case 4:
                return finish(node);
            case 5:
                return give_up(node);
            case 6:
                return set_links();
            case 7:
                return inject(node);
            default:
                return pass_time();
        }
    }

    void open(Node node) {
        const auto key = pair_.connection(node).open_stream("fuzz");
        pair_.network.touch(node, pair_.session[node]);
        if (key) opened_.push_back(*key);
    }
    // A stream that this side knows: its own, or one of which it was told.
    std::optional<stream::StreamKey> key(Node node) {
        if (opened_.empty()) return std::nullopt;
        const stream::StreamKey key = opened_[input_.below(opened_.size())];
        const bool is_own = (key.id % 2 == 1) == (node == testing::client);
        if (!is_own && !is_told(node, key)) return std::nullopt;
        return key;
    }
    bool is_told(Node node, stream::StreamKey key) const {
        for (const auto& event : pair_.events[node]) {
            const auto* of_session = std::get_if<connection::SessionEvent>(&event);
            if (of_session == nullptr) continue;
            const auto* of_stream = std::get_if<stream::StreamEvent>(&of_session->event);
            if (of_stream != nullptr && of_stream->key == key &&
                of_stream->kind == stream::StreamEvent::Kind::opened) {
                return true;
            }
        }
        return false;
    }

    void write(Node node) {
        const auto stream = key(node);
        if (!stream) return;
        Direction& direction = directions_[node][*stream];
        if (direction.is_finished || direction.is_given_up) return;
        std::string text(input_.u16() % 3'000, '\0');
        for (char& character : text) character = static_cast<char>('a' + counter_++ % 23);
        const std::size_t taken = pair_.write(node, *stream, text);
        direction.written += text.substr(0, taken);
    }
    void finish(Node node) {
        const auto stream = key(node);
        if (!stream) return;
        directions_[node][*stream].is_finished = true;
        pair_.finish(node, *stream);
    }
    void give_up(Node node) {
        const auto stream = key(node);
        if (!stream) return;
        const Node other = 1 - node;
        switch (input_.below(3)) {
            case 0:
                directions_[node][*stream].is_given_up = true;
                return pair_.reset(node, *stream, input_.u8());
            case 1:
                directions_[other][*stream].is_given_up = true;
                return pair_.stop(node, *stream, input_.u8());
            default:
                directions_[node][*stream].is_given_up = true;
                directions_[other][*stream].is_given_up = true;
                return pair_.release(node, *stream);
        }
    }

    void set_links() {
        LinkOptions link;
        link.delay = std::chrono::milliseconds(input_.u8());
        link.jitter = std::chrono::milliseconds(input_.below(50));
        link.rate = input_.below(2) == 0 ? 0 : 20'000 + std::uint64_t{input_.u16()} * 100;
        // Of a million: up to a quarter.
        link.loss = static_cast<testing::PerMillion>(input_.u8()) * 1'000;
        link.reorder = static_cast<testing::PerMillion>(input_.u8()) * 1'000;
        link.duplicate = static_cast<testing::PerMillion>(input_.u8()) * 1'000;
        link.corrupt = static_cast<testing::PerMillion>(input_.below(64)) * 1'000;
        pair_.network.set_links(testing::client, testing::server, link);
    }
    // Bytes of a stranger.
    void inject(Node node) {
        const Bytes bytes = input_.bytes(input_.u8());
        pair_.network.inject(Address::ipv4({203, 0, 113, 5}, 53), node, bytes);
    }
    void pass_time() {
        static constexpr std::array<Duration, 6> times = {1ms, 10ms, 50ms, 200ms, 1s, 4s};
        pair_.network.run_for(times[input_.below(times.size())]);
        check_received();
    }

    // What came is the beginning of what was sent, whatever happened on the way.
    void check_received() {
        for (const Node node : {testing::client, testing::server}) {
            for (auto& [stream, direction] : directions_[node]) {
                const std::string& text = pair_.received(1 - node, stream).text;
                STT_CHECK(text.size() <= direction.written.size());
                STT_CHECK(direction.written.compare(0, text.size(), text) == 0);
            }
        }
    }
    // Over good links everything that nobody gave up arrives, with its end.
    void settle() {
        pair_.network.set_links(testing::client, testing::server, {});
        pair_.network.run_for(60s);
        check_received();
        if (!pair_.has_connection(testing::client) || !pair_.has_connection(testing::server))
            return;
        for (const Node node : {testing::client, testing::server}) {
            for (auto& [stream, direction] : directions_[node]) {
                if (direction.is_given_up) continue;
                const auto& received = pair_.received(1 - node, stream);
                STT_CHECK(received.text.size() == direction.written.size());
                STT_CHECK(received.is_ended == direction.is_finished);
            }
        }
    }

    fuzz::FuzzInput& input_;
    SessionPair pair_;
    std::vector<stream::StreamKey> opened_;
    std::map<stream::StreamKey, Direction> directions_[2];
    unsigned counter_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::FuzzInput input(data, size);
    Pair(input).run();
    return 0;
}
