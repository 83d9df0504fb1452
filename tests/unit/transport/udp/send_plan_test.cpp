#include <doctest/doctest.h>

#include <memory>
#include <random>
#include <transport/udp/send_plan.hpp>
#include <vector>

#include "tests/unit/transport/udp/loopback.hpp"

using namespace stt;
using namespace stt::transport;
using namespace stt::transport::test;

namespace {

const Address somewhere = Address::ipv4({192, 0, 2, 1}, 9001);

std::vector<SendPiece> planned(std::vector<Outgoing> messages, const SendLimits& limits) {
    const auto plan = std::make_unique<SendPlan>();
    plan->make(messages, limits);
    return {plan->pieces().begin(), plan->pieces().end()};
}

}  // namespace

TEST_CASE("Send plan: without offload every segment is a message of its own") {
    const auto data = pattern(2'500, 1);
    const auto pieces =
        planned({{somewhere, data, 1'200}}, {.messages = message_count_max, .segments = 1});
    REQUIRE(pieces.size() == 3);
    CHECK(pieces[0].size == 1'200);
    CHECK(pieces[2].size == 100);
    CHECK(pieces[2].segments == 1);
}

TEST_CASE("Send plan: a message holds no more than 64 segments and 65,507 bytes") {
    const auto data = pattern(200'000, 2);
    const SendLimits limits = {.messages = message_count_max, .segments = segment_count_max};
    for (const std::size_t size : {1u, 500u, 1'023u, 1'024u, 1'472u, 32'753u, 32'754u, 65'507u}) {
        CAPTURE(size);
        std::size_t total = 0;
        for (const SendPiece piece : planned({{somewhere, data, size}}, limits)) {
            CHECK(piece.segments <= segment_count_max);
            CHECK(piece.size <= udp_payload_size_max);
            CHECK(piece.segments == (piece.size + size - 1) / size);
            total += piece.size;
        }
        CHECK(total == std::min(data.size(), size * segment_count_max * message_count_max));
    }
    CHECK(planned({{somewhere, data, 1'472}}, limits)[0].segments == 44);
}

TEST_CASE("Send plan: a segment size of 0, or of the data and more, is one datagram") {
    const auto data = pattern(1'000, 3);
    for (const std::size_t size : {0u, 1'000u, 1'001u, 100'000u}) {
        const auto pieces =
            planned({{somewhere, data, size}}, {.messages = 8, .segments = segment_count_max});
        REQUIRE(pieces.size() == 1);
        CHECK(pieces[0].segments == 1);
    }
}

TEST_CASE("Send plan: it stops before a message that cannot be sent") {
    const auto data = pattern(10, 4);
    const Address other_family = loopback_ipv6(1);
    const SendLimits limits = {.messages = 8, .segments = 1};
    CHECK(planned({{somewhere, data, 0}, {other_family, data, 0}}, limits).size() == 1);
    CHECK(
        planned({{somewhere, data, 0}, {somewhere, {}, 0}, {somewhere, data, 0}}, limits).size() ==
        1);
    CHECK(planned({{Address(), data, 0}}, limits).empty());
    CHECK(planned({}, limits).empty());
}

TEST_CASE("Send plan: ECN and the segment size are in the control bytes only when needed") {
    const auto data = pattern(100, 5);
    const std::vector<Outgoing> messages = {{somewhere, data, 0, 0},
                                            {somewhere, data, 0, 2},
                                            {somewhere, data, 50, 0},
                                            {somewhere, data, 50, 3}};
    const auto plan = std::make_unique<SendPlan>();
    plan->make(messages, {.messages = 8, .segments = segment_count_max});
    REQUIRE(plan->headers().size() == 4);
    const std::size_t ecn = CMSG_SPACE(sizeof(int));
    const std::size_t segment = CMSG_SPACE(sizeof(std::uint16_t));
    CHECK(plan->headers()[0].msg_hdr.msg_controllen == 0);
    CHECK(plan->headers()[0].msg_hdr.msg_control == nullptr);
    CHECK(plan->headers()[1].msg_hdr.msg_controllen == ecn);
    CHECK(plan->headers()[2].msg_hdr.msg_controllen == segment);
    CHECK(plan->headers()[3].msg_hdr.msg_controllen == ecn + segment);
}

TEST_CASE("Send plan: whatever counts the kernel takes, each byte is planned once and in order") {
    std::mt19937 random(20);
    for (int round = 0; round < 200; ++round) {
        std::vector<std::vector<std::uint8_t>> storage;
        std::vector<std::uint8_t> expected;
        for (std::uint32_t i = 0; i < 1 + random() % 10; ++i) {
            storage.push_back(pattern(1 + random() % 5'000, random()));
            expected.insert(expected.end(), storage.back().begin(), storage.back().end());
        }
        std::vector<Outgoing> messages;
        for (const auto& data : storage) messages.push_back({somewhere, data, random() % 600});

        const auto plan = std::make_unique<SendPlan>();
        std::vector<std::uint8_t> taken;
        std::size_t index = 0;
        while (index < messages.size()) {
            plan->make(std::span(messages).subspan(index),
                       {.messages = 1 + random() % message_count_max,
                        .segments = random() % 2 == 0 ? 1 : segment_count_max});
            REQUIRE_FALSE(plan->pieces().empty());
            const std::size_t accepted = random() % (plan->pieces().size() + 1);
            for (std::size_t i = 0; i < accepted; ++i) {
                const iovec& vector = *plan->headers()[i].msg_hdr.msg_iov;
                const auto* bytes = static_cast<const std::uint8_t*>(vector.iov_base);
                taken.insert(taken.end(), bytes, bytes + vector.iov_len);
                take_from_front(messages, index, plan->pieces()[i]);
            }
        }
        REQUIRE(taken == expected);
    }
}
