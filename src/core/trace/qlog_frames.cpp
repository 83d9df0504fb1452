#include "core/trace/qlog_frames.hpp"

#include <algorithm>

#include "core/wire/control.hpp"

namespace stt::trace {
namespace {

// Ranges and entries of one message that are written; a peer that keeps to Spec protocol §10.2
// sends no more ranges.
constexpr std::size_t list_count_max = 64;

struct ControlWriter {
    JsonRecord& json;
    const Disclosure& disclosure;

    void kind(std::string_view name) const { json.text("frame_type", name); }

    void operator()(const wire::Padding& message) const {
        kind("padding");
        json.number("length", message.size);
    }
    void operator()(const wire::Ping&) const { kind("ping"); }
    void operator()(const wire::Pong&) const { kind("stt_pong"); }
    void operator()(const wire::FlowCredit& message) const {
        kind("max_data");
        json.number("maximum", message.limit);
    }
    // Without its nonce.
    void operator()(const wire::KeyRotation& message) const {
        kind("stt_key_rotation");
        json.number("epoch", message.epoch);
    }
    void operator()(const wire::SessionClose& message) const {
        kind("connection_close");
        json.text("error_space", message.code < 256 ? "transport" : "application");
        json.number("error_code", message.code);
        if (disclosure.has_texts) json.text("reason", text_of(message.reason));
    }
    void operator()(const wire::ErrorNotice& message) const {
        kind("stt_error");
        json.number("error_code", message.code);
    }
    void operator()(const wire::Ack& message) const {
        kind("ack");
        json.milliseconds("ack_delay", Duration(static_cast<Duration::rep>(std::min<std::uint64_t>(
                                           message.delay_us, 1'000'000'000'000))));
        json.list("acked_ranges", [&] {
            wire::AckRanges ranges(message);
            for (std::size_t count = 0; count < list_count_max; ++count) {
                const auto range = ranges.next();
                if (!range) break;
                json.list({}, [&] {
                    json.number({}, range->first);
                    json.number({}, range->last);
                });
            }
        });
        if (!message.ecn) return;
        json.number("ect0", message.ecn->ect0);
        json.number("ect1", message.ecn->ect1);
        json.number("ce", message.ecn->ce);
    }
    void operator()(const wire::PathChallenge&) const { kind("path_challenge"); }
    void operator()(const wire::PathResponse&) const { kind("path_response"); }
    void operator()(const wire::StreamLimit& message) const {
        kind("max_streams");
        json.text("stream_type", "bidirectional");
        json.number("maximum", message.limit);
    }
    void operator()(const wire::ObservedAddress& message) const {
        kind("stt_observed_address");
        if (disclosure.has_peers) json.hex("address", message.address);
    }
    void operator()(const wire::Credits& message) const {
        kind("stt_credits");
        json.list("credits", [&] {
            wire::CreditsEntries entries(message);
            for (std::size_t count = 0; count < list_count_max; ++count) {
                const auto entry = entries.next();
                if (!entry) break;
                json.object({}, [&] {
                    json.number("stream_id", entry->stream);
                    json.number("use", entry->use);
                    json.number("maximum", entry->limit);
                });
            }
        });
    }
    void operator()(const wire::UnknownMessage& message) const {
        kind("unknown");
        json.number("raw_frame_type", message.kind);
    }
};

struct StreamControlWriter {
    JsonRecord& json;
    const Disclosure& disclosure;
    std::uint16_t stream;
    std::uint64_t use;

    void kind(std::string_view name) const {
        json.text("frame_type", name);
        json.number("stream_id", stream);
        json.number("use", use);
    }

    void operator()(const wire::Open& message) const {
        kind("stt_open");
        json.number("kind", message.kind);
        json.number("priority", message.priority);
        json.number("deadline", message.deadline_ms);
        if (disclosure.has_texts) json.text("endpoint", text_of(message.endpoint));
    }
    void operator()(const wire::Credit& message) const {
        kind("max_stream_data");
        json.number("maximum", message.limit);
    }
    void operator()(const wire::Reset& message) const {
        kind("reset_stream");
        json.number("error_code", message.code);
        json.number("final_size", message.final_offset);
    }
    void operator()(const wire::Stop& message) const {
        kind("stop_sending");
        json.number("error_code", message.code);
    }
    void operator()(const wire::Priority& message) const {
        kind("stt_priority");
        json.number("priority", message.priority);
    }
    void operator()(const wire::Skip& message) const {
        kind("stt_skip");
        json.number("from", message.from);
        json.number("to", message.to);
    }
    void operator()(const wire::UnknownMessage& message) const {
        kind("unknown");
        json.number("raw_frame_type", message.kind);
    }
};

void write_malformed(JsonRecord& json) noexcept {
    json.item([&] { json.text("frame_type", "stt_malformed"); });
}

void write_control(JsonRecord& json, Bytes payload, const Disclosure& disclosure) noexcept {
    auto messages = wire::ControlMessages::parse(payload);
    if (!messages) return write_malformed(json);
    while (const auto message = messages->next()) {
        if (!json.item([&] { std::visit(ControlWriter{json, disclosure}, *message); })) return;
    }
}

void write_stream_control(JsonRecord& json, const FrameMoved& frame,
                          const Disclosure& disclosure) noexcept {
    auto messages = wire::StreamControlMessages::parse(frame.messages);
    if (!messages) return write_malformed(json);
    const StreamControlWriter writer{json, disclosure, frame.stream, messages->use()};
    while (const auto message = messages->next()) {
        if (!json.item([&] { std::visit(writer, *message); })) return;
    }
}

void write_data(JsonRecord& json, const FrameMoved& frame) noexcept {
    const FrameMoved::Data& data = *frame.data;
    json.item([&] {
        json.text("frame_type", "stream");
        json.number("stream_id", frame.stream);
        json.number("use", data.use);
        json.number("offset", data.offset);
        json.number("length", data.size);
        json.boolean("fin", (frame.flags & wire::flag::stream_end) != 0);
        if ((frame.flags & wire::flag::message) != 0) json.number("back", data.back);
    });
}

}  // namespace

void write_frames(JsonRecord& json, const FrameMoved& frame,
                  const Disclosure& disclosure) noexcept {
    switch (frame.type) {
        case wire::FrameType::control:
            return write_control(json, frame.messages, disclosure);
        case wire::FrameType::stream_control:
            return write_stream_control(json, frame, disclosure);
        case wire::FrameType::data:
            return frame.data ? write_data(json, frame) : write_malformed(json);
        default:
            json.item([&] {
                json.text("frame_type", "unknown");
                json.number("raw_frame_type", static_cast<std::uint64_t>(frame.type));
                json.number("stream_id", frame.stream);
            });
    }
}

}  // namespace stt::trace
