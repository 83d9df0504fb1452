#include "core/trace/qlog_writer.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "core/trace/qlog_frames.hpp"

namespace stt::trace {
namespace {

constexpr char record_separator = '\x1e';
constexpr std::size_t title_size_max = 64;

std::string_view name_of(QlogOptions::VantagePoint point) noexcept {
    switch (point) {
        case QlogOptions::VantagePoint::client:
            return "client";
        case QlogOptions::VantagePoint::server:
            return "server";
        default:
            return "unknown";
    }
}

// QUIC's names of packets: viewers know what to do with them.
constexpr std::string_view packet_type_session = "1RTT";

std::string_view packet_type_of(HandshakeMessage message) noexcept {
    const bool is_first =
        message == HandshakeMessage::hello || message == HandshakeMessage::response;
    return is_first ? "initial" : "handshake";
}

std::string_view packet_event_of(Direction direction) noexcept {
    return direction == Direction::sent ? "transport:packet_sent" : "transport:packet_received";
}

std::string_view ecn_name_of(std::uint8_t ecn) noexcept {
    constexpr std::string_view names[]{"Not-ECT", "ECT(1)", "ECT(0)", "CE"};
    return names[ecn & 3];
}

std::string_view drop_trigger_of(wire::DropReason reason) noexcept {
    return wire::name_of(reason);
}

// The name of each event, and its `data`.
struct EventWriter {
    JsonRecord& json;
    const QlogOptions& options;

    void begin(std::string_view name) const { json.text("name", name); }
    template <class Write>
    void data(Write write) const {
        json.object("data", write);
    }
    void remote(std::string_view key, const Route& route) const {
        if (options.has_peers) json.text(key, route.address.to_string());
    }

    void operator()(const SessionStarted& event) const {
        begin("connectivity:connection_started");
        data([&] {
            json.text("protocol", "STT");
            json.text("role", event.is_initiator ? "initiator" : "responder");
            remote("dst_ip", event.remote);
            if (options.has_peers) json.hex("peer_node_id", event.peer_node_id);
        });
    }
    void operator()(const ParametersSet& event) const {
        begin("transport:parameters_set");
        data([&] {
            json.text("owner", event.is_local ? "local" : "remote");
            json.number("initial_max_data", event.session_credit);
            json.number("initial_max_stream_data_bidi_local", event.stream_credit);
            json.number("initial_max_stream_data_bidi_remote", event.stream_credit);
            json.number("initial_max_streams_bidi", event.stream_limit);
            if (!event.is_local) return;
            json.milliseconds("max_idle_timeout", event.idle_timeout);
            json.number("max_udp_payload_size", event.datagram_size_max);
            json.text("congestion_controller", event.controller);
        });
    }
    void operator()(const SessionStateChanged& event) const {
        begin("connectivity:connection_state_updated");
        data([&] {
            json.text("old", trace::name_of(event.from));
            json.text("new", trace::name_of(event.to));
        });
    }
    void operator()(const SessionEnded& event) const {
        begin("connectivity:connection_closed");
        data([&] {
            json.text("owner", event.is_local ? "local" : "remote");
            json.number(event.code < 256 ? "connection_code" : "application_code", event.code);
            json.text("trigger", event.cause);
            if (options.has_texts) json.text("reason", event.reason);
        });
    }
    void operator()(const DatagramMoved& event) const {
        begin(event.direction == Direction::sent ? "transport:datagrams_sent"
                                                 : "transport:datagrams_received");
        data([&] {
            json.number("count", 1);
            json.list("raw", [&] { json.item([&] { json.number("length", event.size); }); });
            json.list("ecn", [&] { json.text({}, ecn_name_of(event.ecn)); });
            remote("remote", event.remote);
        });
    }
    void operator()(const HandshakeMoved& event) const {
        begin(packet_event_of(event.direction));
        data([&] {
            json.object("header", [&] {
                json.text("packet_type", packet_type_of(event.message));
                json.number("packet_number", 0);
            });
            json.object("raw", [&] { json.number("length", event.size); });
            json.list("frames", [&] {
                json.item([&] {
                    json.text("frame_type", "crypto");
                    json.text("message", trace::name_of(event.message));
                });
            });
            remote("remote", event.remote);
        });
    }
    void operator()(const FrameMoved& event) const {
        begin(packet_event_of(event.direction));
        data([&] {
            json.object("header", [&] {
                json.text("packet_type", packet_type_session);
                json.number("packet_number", event.sequence);
                json.number("key_phase", event.epoch);
            });
            json.object("raw", [&] {
                json.number("length", event.size);
                json.number("payload_length", event.payload_size);
            });
            json.number("stream_id", event.stream);
            if ((event.flags & wire::flag::padded) != 0) json.boolean("is_padded", true);
            json.list("frames", [&] {
                write_frames(json, event, {options.has_peers, options.has_texts});
            });
        });
    }
    void operator()(const FrameDropped& event) const {
        begin("transport:packet_dropped");
        data([&] {
            if (event.claim) {
                json.object("header", [&] {
                    json.text("packet_type", packet_type_session);
                    json.number("packet_number", event.claim->sequence);
                    json.number("key_phase", event.claim->epoch);
                });
                json.number("stream_id", event.claim->stream);
            }
            if (event.size > 0) {
                json.object("raw", [&] { json.number("length", event.size); });
            }
            json.text("trigger", drop_trigger_of(event.reason));
        });
    }
    void operator()(const FrameLost& event) const {
        begin("recovery:packet_lost");
        data([&] {
            header(event.sequence);
            json.object("raw", [&] { json.number("length", event.size); });
            json.number("stream_id", event.stream);
            json.text("trigger", trace::name_of(event.cause));
            if (event.is_mtu_probe) json.boolean("is_mtu_probe_packet", true);
        });
    }
    void operator()(const LossSpurious& event) const {
        begin("stt:loss_spurious");
        data([&] { header(event.sequence); });
    }
    void operator()(const MetricsUpdated& event) const {
        begin("recovery:metrics_updated");
        data([&] {
            json.milliseconds("min_rtt", event.rtt_minimum);
            json.milliseconds("smoothed_rtt", event.rtt_smoothed);
            json.milliseconds("latest_rtt", event.rtt_latest);
            json.milliseconds("rtt_variance", event.rtt_variation);
            json.number("congestion_window", event.congestion_window);
            // The older name of the same, which most viewers read.
            json.number("cwnd", event.congestion_window);
            json.number("bytes_in_flight", event.bytes_in_flight);
            json.number("pacing_rate", bits_per_second(event.pacing_rate));
            json.number("pto_count", event.probe_timeouts);
        });
    }
    void operator()(const CongestionStateChanged& event) const {
        begin("recovery:congestion_state_updated");
        data([&] {
            if (!event.from.empty()) json.text("old", event.from);
            json.text("new", event.to);
        });
    }
    void operator()(const EcnStateChanged& event) const {
        begin("recovery:ecn_state_updated");
        data([&] {
            json.text("old", trace::name_of(event.from));
            json.text("new", trace::name_of(event.to));
        });
    }
    void operator()(const MtuChanged& event) const {
        begin("connectivity:mtu_updated");
        data([&] {
            if (event.from != 0) json.number("old", event.from);
            json.number("new", event.to);
        });
    }
    void operator()(const KeyChanged& event) const {
        switch (event.stage) {
            case KeyChanged::Stage::announced:
                begin("stt:key_announced");
                break;
            case KeyChanged::Stage::switched:
                begin("security:key_updated");
                break;
            case KeyChanged::Stage::wiped:
                begin("security:key_discarded");
                break;
        }
        data([&] {
            json.text("key_type",
                      event.is_from_initiator ? "client_1rtt_secret" : "server_1rtt_secret");
            json.number("generation", event.epoch);
            json.text("trigger",
                      event.direction == Direction::sent ? "local_update" : "remote_update");
        });
    }
    void operator()(const PathChanged& event) const {
        begin("stt:path_updated");
        data([&] {
            json.text("new", trace::name_of(event.stage));
            json.number("path", event.number);
            json.text("transport", event.remote.is_reliable() ? "websocket" : "udp");
            remote("remote", event.remote);
        });
    }
    void operator()(const StreamChanged& event) const {
        begin("transport:stream_state_updated");
        data([&] {
            json.number("stream_id", event.stream);
            json.text("stream_type", "bidirectional");
            json.text("new", trace::name_of(event.stage));
            json.text("owner", event.is_local ? "local" : "remote");
            if (event.use) json.number("use", *event.use);
            if (event.code) json.number("error_code", *event.code);
        });
    }
    void operator()(const ProbeTimedOut& event) const {
        begin("recovery:loss_timer_updated");
        data([&] {
            json.text("timer_type", "pto");
            json.text("event_type", "expired");
            json.number("pto_count", event.count);
        });
    }

private:
    static std::uint64_t bits_per_second(std::uint64_t bytes) noexcept {
        constexpr std::uint64_t bytes_max = ~std::uint64_t{0} / 8;
        return bytes > bytes_max ? ~std::uint64_t{0} : bytes * 8;
    }
    void header(std::uint64_t sequence) const {
        json.object("header", [&] {
            json.text("packet_type", packet_type_session);
            json.number("packet_number", sequence);
        });
    }
};

}  // namespace

QlogWriter::QlogWriter(const QlogOptions& options, Output output)
    : options_(options), output_(std::move(output)) {
    options_.title = {};  // its loan ends here
    write_header(options.title.substr(0, title_size_max));
}

void QlogWriter::write_header(std::string_view title) {
    json_.begin();
    json_.text("qlog_version", "0.3");
    json_.text("qlog_format", "JSON-SEQ");
    json_.text("title", title);
    json_.object("trace", [&] {
        json_.object("vantage_point", [&] { json_.text("type", name_of(options_.vantage_point)); });
        json_.text("title", title);
        json_.object("common_fields", [&] {
            json_.list("protocol_type", [&] { json_.text({}, "STT"); });
            json_.text("time_format", "relative");
            json_.number("reference_time",
                         static_cast<std::uint64_t>(
                             options_.reference_unix_ms > 0 ? options_.reference_unix_ms : 0));
        });
    });
    flush();
}

void QlogWriter::on_event(const Record& record) {
    json_.begin();
    json_.milliseconds("time", record.at - options_.reference);
    if (options_.has_groups) {
        if (record.session) {
            json_.hex("group_id", *record.session);
        } else {
            json_.text("group_id", "none");
        }
    }
    std::visit(EventWriter{json_, options_}, record.event);
    flush();
}

void QlogWriter::flush() {
    const std::string_view text = json_.end();
    // RFC 7464 §2.2: a record separator before each text, a line feed behind it.
    std::array<char, json_record_size_max + 2> framed;
    framed[0] = record_separator;
    std::copy(text.begin(), text.end(), framed.begin() + 1);
    framed[text.size() + 1] = '\n';
    ++record_count_;
    output_(std::string_view(framed.data(), text.size() + 2));
}

}  // namespace stt::trace
