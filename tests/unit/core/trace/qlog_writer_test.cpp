// What is written of a session between two endpoints.
#include "core/trace/qlog_writer.hpp"

#include <doctest/doctest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "testing/session_pair.hpp"

namespace stt::trace {
namespace {

using namespace testing;
using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;

struct Collected {
    std::string text;
    QlogWriter writer;

    explicit Collected(QlogOptions options)
        : writer(options, [this](std::string_view record) {
              CHECK(record.size() <= json_record_size_max + 2);
              text += record;
          }) {}

    // RFC 7464: a record separator, a text, a line feed.
    std::vector<json> records() const {
        std::vector<json> all;
        for (std::size_t at = 0; at < text.size();) {
            REQUIRE(text[at] == '\x1e');
            const std::size_t end = text.find('\n', at);
            REQUIRE(end != std::string::npos);
            all.push_back(json::parse(text.substr(at + 1, end - at - 1)));
            at = end + 1;
        }
        return all;
    }
    std::map<std::string, std::vector<json>> by_name() const {
        std::map<std::string, std::vector<json>> names;
        for (const json& record : records()) {
            if (record.contains("name")) names[record["name"]].push_back(record["data"]);
        }
        return names;
    }
};

QlogOptions options_of(QlogOptions::VantagePoint point) {
    QlogOptions options;
    options.vantage_point = point;
    options.reference_unix_ms = 1'700'000'000'000;
    return options;
}

// A session over a lossy path that carries bytes both ways, rotates its keys and ends.
struct Watched {
    Collected client_log{options_of(QlogOptions::VantagePoint::client)};
    Collected server_log{options_of(QlogOptions::VantagePoint::server)};
    std::string secret_text;

    Watched() {
        connection::EndpointConfig configs[2];
        configs[client].connection.trace = &client_log.writer;
        configs[server].connection.trace = &server_log.writer;
        for (auto& config : configs) config.connection.rotation_frames = 100;
        SessionPair pair(77, configs[client], configs[server]);
        LinkOptions link;
        link.delay = milliseconds(10);
        link.rate = 1'000'000;
        link.loss = 20'000;
        link.duplicate = 10'000;
        pair.network.set_links(client, server, link);
        REQUIRE(pair.establish());
        const auto key = pair.open(client, "endpoint-name");
        secret_text = "the content of a stream is nobody's business";
        std::string text;
        while (text.size() < 300'000) text += secret_text;
        for (std::size_t at = 0; at < text.size();) {
            at += pair.write(client, key, std::string_view(text).substr(at));
            pair.network.run_for(milliseconds(20));
        }
        pair.finish(client, key);
        pair.finish(server, key);
        pair.network.run_for(seconds(2));
        CHECK(pair.received(server, key).text == text);
        pair.close(client, 4'711, "reason-of-closing");
        pair.network.run_for(seconds(5));
    }
};

TEST_CASE("qlog: the file begins with the header of qlog 0.3 as JSON-SEQ") {
    Collected log(options_of(QlogOptions::VantagePoint::server));
    const auto records = log.records();
    REQUIRE(records.size() == 1);
    const json& header = records.front();
    CHECK(header.at("qlog_version") == "0.3");
    CHECK(header.at("qlog_format") == "JSON-SEQ");
    const json& trace = header.at("trace");
    CHECK(trace.at("vantage_point").at("type") == "server");
    CHECK(trace.at("common_fields").at("time_format") == "relative");
    CHECK(trace.at("common_fields").at("reference_time") == 1'700'000'000'000);
}

TEST_CASE("qlog: every event has a time that never goes back, a name and data") {
    const Watched watched;
    for (const Collected* log : {&watched.client_log, &watched.server_log}) {
        const auto records = log->records();
        REQUIRE(records.size() > 500);
        CHECK(records.size() == log->writer.records_written());
        double before = -1;
        for (std::size_t i = 1; i < records.size(); ++i) {
            const json& record = records[i];
            REQUIRE(record.at("time").is_number());
            CHECK(record.at("time").get<double>() >= before);
            before = record.at("time").get<double>();
            const std::string name = record.at("name");
            CHECK(name.find(':') != std::string::npos);
            CHECK(record.at("data").is_object());
            CHECK(!record.contains("cut"));
        }
    }
}

TEST_CASE("qlog: what viewers draw is there, under the names that they look for") {
    const Watched watched;
    const auto names = watched.client_log.by_name();
    for (const char* name :
         {"connectivity:connection_started", "connectivity:connection_state_updated",
          "connectivity:connection_closed", "connectivity:mtu_updated", "transport:parameters_set",
          "transport:datagrams_sent", "transport:datagrams_received", "transport:packet_sent",
          "transport:packet_received", "transport:packet_dropped", "transport:stream_state_updated",
          "recovery:packet_lost", "recovery:metrics_updated", "recovery:congestion_state_updated",
          "recovery:ecn_state_updated", "security:key_updated", "security:key_discarded",
          "stt:key_announced"}) {
        CHECK_MESSAGE(names.contains(name), name);
    }
    std::map<std::string, std::uint64_t> sent_sizes;
    for (const json& packet : names.at("transport:packet_sent")) {
        CHECK(packet.at("raw").at("length") > 0);
        CHECK(packet.at("frames").size() > 0);
        const json& header = packet.at("header");
        if (header.at("packet_type") == "1RTT") {
            sent_sizes[header.at("packet_number").dump()] = packet.at("raw").at("length");
        }
    }
    for (const json& packet : names.at("recovery:packet_lost")) {
        CHECK(sent_sizes.contains(packet.at("header").at("packet_number").dump()));
        CHECK(packet.at("trigger") != "none");
    }
    bool has_ack = false;
    for (const json& packet : names.at("transport:packet_received")) {
        for (const json& frame : packet.at("frames")) {
            if (frame.at("frame_type") != "ack") continue;
            has_ack = true;
            for (const json& range : frame.at("acked_ranges")) CHECK(range.at(0) <= range.at(1));
        }
    }
    CHECK(has_ack);
    for (const json& metrics : names.at("recovery:metrics_updated")) {
        CHECK(metrics.at("cwnd") == metrics.at("congestion_window"));
    }
}

TEST_CASE("qlog: what one side sent and the other received has the same numbers and sizes") {
    const Watched watched;
    std::map<std::string, json> sent;
    const auto client_names = watched.client_log.by_name();
    const auto server_names = watched.server_log.by_name();
    for (const json& packet : client_names.at("transport:packet_sent")) {
        sent[packet.at("header").dump()] = packet;
    }
    std::size_t count = 0;
    for (const json& packet : server_names.at("transport:packet_received")) {
        const auto found = sent.find(packet.at("header").dump());
        REQUIRE(found != sent.end());
        CHECK(found->second.at("raw") == packet.at("raw"));
        CHECK(found->second.at("frames") == packet.at("frames"));
        ++count;
    }
    CHECK(count > 200);
}

TEST_CASE("qlog: metrics are written only when they changed") {
    const Watched watched;
    const auto names = watched.client_log.by_name();
    json before;
    for (const json& metrics : names.at("recovery:metrics_updated")) {
        CHECK(metrics != before);
        before = metrics;
    }
}

TEST_CASE("qlog: no content, and no peer and no text unless asked for") {
    const Watched watched;
    for (const Collected* log : {&watched.client_log, &watched.server_log}) {
        for (const char* hidden : {"nobody's business", "endpoint-name", "reason-of-closing",
                                   "10.0.0.", "peer_node_id"}) {
            CHECK_MESSAGE(log->text.find(hidden) == std::string::npos, hidden);
        }
        CHECK(log->text.find("4711") != std::string::npos);
    }
}

TEST_CASE("qlog: sessions of one file are told apart by group_id") {
    QlogOptions options = options_of(QlogOptions::VantagePoint::client);
    options.has_groups = true;
    options.has_peers = true;
    options.has_texts = true;
    Collected log(options);
    connection::EndpointConfig config;
    config.connection.trace = &log.writer;
    SessionPair pair(78, config, {});
    REQUIRE(pair.establish());
    pair.open(client, "endpoint-name");
    pair.network.run_for(seconds(1));
    pair.close(client, 300, "reason-of-closing");
    pair.network.run_for(seconds(1));
    std::map<std::string, std::size_t> groups;
    const auto records = log.records();
    for (std::size_t i = 1; i < records.size(); ++i) ++groups[records[i].at("group_id")];
    CHECK(groups.size() == 2);  // the session, and what is of none
    CHECK(groups.contains("none"));
    for (const char* shown : {"endpoint-name", "reason-of-closing", "10.0.0.", "peer_node_id"}) {
        CHECK_MESSAGE(log.text.find(shown) != std::string::npos, shown);
    }
}

}  // namespace
}  // namespace stt::trace
