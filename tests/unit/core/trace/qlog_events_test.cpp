// Each event, written for itself.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "core/trace/qlog_writer.hpp"
#include "core/wire/control.hpp"

namespace stt::trace {
namespace {

using nlohmann::json;
using wire::ControlMessage;

json written(const Event& event, QlogOptions options = {}) {
    std::string last;
    QlogWriter writer(options, [&last](std::string_view record) { last = record; });
    writer.on_event({Instant(Duration(2'500)), std::nullopt, event});
    json record = json::parse(last.substr(1));
    CHECK(record.at("time") == 2.5);
    return record;
}

json frames_of(wire::FrameType type, Bytes payload, QlogOptions options = {}) {
    FrameMoved frame;
    frame.type = type;
    frame.stream = type == wire::FrameType::control ? 0 : 7;
    frame.messages = payload;
    return written(frame, options).at("data").at("frames");
}

template <class Message>
json frame_of(const Message& message, QlogOptions options = {}) {
    std::vector<std::uint8_t> payload(4'000);
    codec::Writer writer(payload);
    constexpr bool is_control = std::is_constructible_v<ControlMessage, Message> &&
                                !std::is_same_v<Message, wire::UnknownMessage>;
    if constexpr (is_control) {
        write(writer, ControlMessage(message));
    } else {
        writer.varint(3);
        write(writer, wire::StreamControlMessage(message));
    }
    const json frames =
        frames_of(is_control ? wire::FrameType::control : wire::FrameType::stream_control,
                  Bytes(payload).first(writer.size()), options);
    REQUIRE(frames.size() == 1);
    return frames.front();
}

TEST_CASE("qlog: each control message has its kind and its numbers") {
    QlogOptions open;
    open.has_peers = true;
    open.has_texts = true;
    CHECK(frame_of(wire::Padding{9}) == json::parse(R"({"frame_type":"padding","length":9})"));
    CHECK(frame_of(wire::Ping{}) == json::parse(R"({"frame_type":"ping"})"));
    CHECK(frame_of(wire::Pong{}) == json::parse(R"({"frame_type":"stt_pong"})"));
    CHECK(frame_of(wire::FlowCredit{5}) == json::parse(R"({"frame_type":"max_data","maximum":5})"));
    CHECK(frame_of(wire::StreamLimit{200}) ==
          json::parse(R"({"frame_type":"max_streams","stream_type":"bidirectional",
                          "maximum":200})"));
    const wire::SessionClose close{300, bytes_of("why")};
    CHECK(frame_of(close) == json::parse(R"({"frame_type":"connection_close",
                                             "error_space":"application","error_code":300})"));
    CHECK(frame_of(close, open).at("reason") == "why");
    CHECK(frame_of(wire::ErrorNotice{7, bytes_of("no")}) ==
          json::parse(R"({"frame_type":"stt_error","error_code":7})"));
    CHECK(frame_of(wire::PathChallenge{}) == json::parse(R"({"frame_type":"path_challenge"})"));
    CHECK(frame_of(wire::PathResponse{}) == json::parse(R"({"frame_type":"path_response"})"));
    const std::array<std::uint8_t, 6> address{1, 2, 3, 4, 0x23, 0x29};
    CHECK(!frame_of(wire::ObservedAddress{address}).contains("address"));
    CHECK(frame_of(wire::ObservedAddress{address}, open).at("address") == "010203042329");
    const std::array<std::uint8_t, 3> credits{7, 0, 99};
    CHECK(frame_of(wire::Credits{1, credits}).at("credits") ==
          json::parse(R"([{"stream_id":7,"use":0,"maximum":99}])"));
}

TEST_CASE("qlog: a rotation is written without its nonce") {
    wire::KeyRotation rotation{4, {}};
    rotation.nonce.fill(0xab);
    CHECK(frame_of(rotation) == json::parse(R"({"frame_type":"stt_key_rotation","epoch":4})"));
}

TEST_CASE("qlog: each message about a stream has its kind and its numbers") {
    const auto expected = [](std::string_view rest) {
        return json::parse(R"({"stream_id":7,"use":3,)" + std::string(rest) + "}");
    };
    const wire::Open open{1, 5, 250, bytes_of("name")};
    CHECK(frame_of(open) ==
          expected(R"("frame_type":"stt_open","kind":1,"priority":5,"deadline":250)"));
    CHECK(frame_of(wire::Credit{88}) == expected(R"("frame_type":"max_stream_data","maximum":88)"));
    CHECK(frame_of(wire::Reset{9, 10}) ==
          expected(R"("frame_type":"reset_stream","error_code":9,"final_size":10)"));
    CHECK(frame_of(wire::Stop{9}) == expected(R"("frame_type":"stop_sending","error_code":9)"));
    CHECK(frame_of(wire::Priority{2}) == expected(R"("frame_type":"stt_priority","priority":2)"));
    CHECK(frame_of(wire::Skip{1, 2}) == expected(R"("frame_type":"stt_skip","from":1,"to":2)"));
}

TEST_CASE("qlog: DATA is written as where its bytes lie") {
    FrameMoved frame;
    frame.stream = 9;
    frame.flags = wire::flag::message | wire::flag::stream_end;
    frame.data = FrameMoved::Data{1, 1'000, 50, 200};
    CHECK(written(frame).at("data").at("frames") ==
          json::parse(R"([{"frame_type":"stream","stream_id":9,"use":1,"offset":1000,
                           "length":200,"fin":true,"back":50}])"));
    frame.data.reset();
    CHECK(written(frame).at("data").at("frames") ==
          json::parse(R"([{"frame_type":"stt_malformed"}])"));
}

TEST_CASE("qlog: what a peer sent malformed, or of a type of its own, is written as such") {
    const std::array<std::uint8_t, 2> bytes{0x01, 0x08};
    CHECK(frames_of(wire::FrameType::control, bytes) ==
          json::parse(R"([{"frame_type":"stt_malformed"}])"));
    CHECK(frames_of(wire::FrameType::stream_control, {}) ==
          json::parse(R"([{"frame_type":"stt_malformed"}])"));
    CHECK(frames_of(static_cast<wire::FrameType>(0x80), bytes) ==
          json::parse(R"([{"frame_type":"unknown","raw_frame_type":128,"stream_id":7}])"));
}

TEST_CASE("qlog: a payload of a thousand messages is cut, and the record stays within its size") {
    std::vector<std::uint8_t> payload;
    for (int i = 0; i < 1'000; ++i) payload.insert(payload.end(), {0x0b, 0x01, 0x05});
    FrameMoved frame;
    frame.type = wire::FrameType::control;
    frame.messages = payload;
    const json record = written(frame);
    CHECK(record.at("cut") == true);
    CHECK(record.at("data").at("frames").size() > 50);
}

TEST_CASE("qlog: drops say why, and what the frame claimed to be when that is known") {
    FrameDropped dropped;
    dropped.reason = wire::DropReason::frame_malformed;
    CHECK(written(dropped).at("data") == json::parse(R"({"trigger":"frame_malformed"})"));
    dropped.reason = wire::DropReason::sequence_repeated;
    dropped.size = 90;
    dropped.claim = FrameDropped::Claim{wire::FrameType::data, 5, 77, 2};
    CHECK(written(dropped).at("data") ==
          json::parse(R"({"header":{"packet_type":"1RTT","packet_number":77,"key_phase":2},
                          "stream_id":5,"raw":{"length":90},"trigger":"sequence_repeated"})"));
}

TEST_CASE("qlog: paths, streams, keys and timers are written with their stages") {
    CHECK(written(PathChanged{PathChanged::Stage::taken, 3, {}}) ==
          json::parse(R"({"time":2.5,"name":"stt:path_updated",
                          "data":{"new":"taken","path":3,"transport":"udp"}})"));
    CHECK(written(StreamChanged{StreamChanged::Stage::expired, true, 5, 1, std::nullopt})
              .at("data")
              .at("new") == "expired");
    CHECK(written(KeyChanged{Direction::sent, false, KeyChanged::Stage::switched, 2}).at("data") ==
          json::parse(R"({"key_type":"server_1rtt_secret","generation":2,
                          "trigger":"local_update"})"));
    CHECK(written(ProbeTimedOut{2}).at("data").at("pto_count") == 2);
    CHECK(written(LossSpurious{8}).at("data").at("header").at("packet_number") == 8);
}

}  // namespace
}  // namespace stt::trace
