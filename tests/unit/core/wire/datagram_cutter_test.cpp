// Messages of frames cut into datagrams. Spec protocol §13.4 (a).
#include "core/wire/datagram_cutter.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "core/wire/frame.hpp"

namespace stt::wire {
namespace {

// Session frames of these whole sizes, one behind the other.
std::vector<std::uint8_t> message_of(const std::vector<std::size_t>& sizes) {
    std::vector<std::uint8_t> message;
    SessionFrameHeader header;
    header.stream_id = 1;
    for (const std::size_t size : sizes) {
        std::vector<std::uint8_t> frame(size);
        const std::size_t payload = session_payload_size_max(header, size);
        const FrameLayout layout = lay_out_session_frame(header, payload, frame);
        REQUIRE(layout.size == size);
        message.insert(message.end(), frame.begin(), frame.end());
        ++header.sequence;
    }
    return message;
}

struct Cut {
    std::vector<std::pair<std::size_t, std::size_t>> runs;  // size, segment size
    std::vector<std::uint8_t> bytes;
    Result<std::size_t, DropReason> outcome = 0;
};

Cut cut(std::vector<std::uint8_t>& message, std::size_t size_max = 1'472) {
    Cut result;
    result.outcome = cut_into_datagrams(message, size_max, [&](const DatagramRun& run) {
        result.runs.emplace_back(run.data.size(), run.segment_size);
        result.bytes.insert(result.bytes.end(), run.data.begin(), run.data.end());
    });
    return result;
}

using Runs = std::vector<std::pair<std::size_t, std::size_t>>;

TEST_CASE("protocol §13.4 (a): datagrams are as full of whole frames as they may be") {
    auto message = message_of({500, 500, 472, 500, 1'000, 400});
    const Cut result = cut(message);
    CHECK(result.runs == Runs{{1'472 + 500, 1'472}, {1'400, 1'400}});
    CHECK(result.bytes == message);
}

TEST_CASE("protocol §13.4 (a): frames of one size are one run, which a shorter one ends") {
    auto message = message_of({1'400, 1'400, 1'400, 900, 1'400});
    const Cut result = cut(message);
    CHECK(result.runs == Runs{{5'100, 1'400}, {1'400, 1'400}});
    CHECK(result.bytes == message);
}

TEST_CASE("protocol §13.4 (a): a frame over the limit is left out, those around it are not") {
    for (const std::size_t size : {1'471u, 1'472u, 1'473u}) {
        auto message = message_of({100, size, 200});
        const Cut result = cut(message);
        REQUIRE(result.outcome.has_value());
        CHECK(*result.outcome == (size > 1'472 ? 1 : 0));
        CHECK(result.bytes.size() == message.size() - (size > 1'472 ? size : 0));
    }
}

TEST_CASE("protocol §13.4 (a): a run has at most 64 datagrams and 65,507 bytes") {
    auto message = message_of(std::vector<std::size_t>(70, 1'472));
    const Cut result = cut(message);
    CHECK(result.runs == Runs{{44 * 1'472, 1'472}, {26 * 1'472, 1'472}});
    CHECK(result.bytes == message);
    auto small = message_of(std::vector<std::size_t>(70, 800));
    CHECK(cut(small).runs == Runs{{64 * 800, 800}, {6 * 800, 800}});
}

TEST_CASE("protocol §13.4 (a): what stands before a fault is given out, and the fault is told") {
    auto message = message_of({300, 300});
    message.push_back(0x53);
    const Cut result = cut(message);
    CHECK(result.outcome.error() == DropReason::frame_malformed);
    CHECK(result.bytes.size() == 600);
    std::vector<std::uint8_t> nothing;
    CHECK(cut(nothing).outcome.has_value());
}

}  // namespace
}  // namespace stt::wire
