#include "dumbbell.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stt/check.hpp>

namespace stt::sim {

using testing::NodeNumber;

namespace {

constexpr std::size_t chunk_size = 65'536;
constexpr std::size_t datagram_size = 1'472;

}  // namespace

struct Dumbbell::Flow {
    FlowSpec spec;
    NodeNumber node = 0;
    connection::SessionHandle session = 0;
    std::optional<stream::StreamKey> bulk;
    std::optional<stream::StreamKey> interactive;
    std::uint64_t bulk_written = 0;
    std::uint64_t bulk_read = 0;
    std::optional<Instant> finished_at;
    std::uint64_t interactive_read = 0;
    std::vector<Instant> written_at;  // of each message
    std::vector<Instant> read_at;
    std::vector<FlowSample> samples;
};

Dumbbell::Dumbbell(const DumbbellSpec& spec) : spec_(spec), network_(spec.seed) {
    buffer_.resize(chunk_size);
    for (const FlowSpec& flow_spec : spec_.flows) {
        connection::EndpointConfig config;
        config.connection.congestion = flow_spec.algorithm;
        config.connection.send_buffer_max = spec_.send_buffer_max;
        auto flow = std::make_unique<Flow>();
        flow->spec = flow_spec;
        flow->node = network_.add_node(config);
        flows_.push_back(std::move(flow));
    }
    connection::EndpointConfig config;
    config.connection.stream_window_max = spec_.receive_window_max;
    config.connection.session_window_max = spec_.receive_window_max;
    receiver_ = network_.add_node(config);

    if (spec_.queue_size == 0) {
        spec_.queue_size = std::max<std::size_t>(spec_.product(), 32 * datagram_size);
    }
    testing::BottleneckOptions port;
    port.rate = spec_.rate;
    port.queue_size = spec_.queue_size;
    port.discipline = spec_.discipline;
    port.marks = spec_.marks;
    const auto bottleneck = network_.add_bottleneck(port);
    set_loss(spec_.loss);
    for (const auto& flow : flows_) network_.set_route(flow->node, receiver_, {bottleneck});

    network_.on_event = [this](NodeNumber node, const connection::EndpointEvent& event) {
        handle_event(node, event);
    };
    for (const auto& flow : flows_) {
        network_.schedule(flow->spec.start,
                          [this, node = flow->node] { network_.connect(node, receiver_); });
    }
    network_.schedule(spec_.sample_interval, [this] { take_samples(); });
}

Dumbbell::~Dumbbell() = default;

void Dumbbell::set_loss(testing::PerMillion loss) {
    testing::LinkOptions link;
    link.delay = spec_.round_trip / 2;
    link.jitter = spec_.jitter;
    link.loss = loss;
    for (const auto& flow : flows_) network_.set_links(flow->node, receiver_, link);
}

void Dumbbell::run_for(Duration time) {
    network_.run_for(time);
}

void Dumbbell::cut(Duration time) {
    for (const auto& flow : flows_) {
        network_.cut_link(flow->node, receiver_, time);
        network_.cut_link(receiver_, flow->node, time);
    }
}

void Dumbbell::handle_event(NodeNumber node, const connection::EndpointEvent& event) {
    if (node == receiver_) {
        if (const auto* of_session = std::get_if<connection::SessionEvent>(&event)) {
            const auto* of_stream = std::get_if<stream::StreamEvent>(&of_session->event);
            if (of_stream != nullptr) handle_receiver_event(of_session->session, *of_stream);
        }
        return;
    }
    Flow& flow = *flows_[node];
    if (const auto* connected = std::get_if<connection::SessionConnected>(&event)) {
        flow.session = connected->session;
        start(flow);
    } else if (std::holds_alternative<connection::ConnectFailed>(event)) {
        network_.schedule(Duration(0), [this, node] { network_.connect(node, receiver_); });
    } else if (const auto* of_session = std::get_if<connection::SessionEvent>(&event)) {
        const auto* of_stream = std::get_if<stream::StreamEvent>(&of_session->event);
        if (of_stream != nullptr) handle_sender_event(flow, *of_stream);
    }
}

void Dumbbell::start(Flow& flow) {
    connection::Connection* const connection = network_.find(flow.node, flow.session);
    const std::string number = std::to_string(flow.node);
    if (flow.spec.has_bulk) {
        flow.bulk = *connection->open_stream("bulk" + number);
        write_bulk(flow);
    }
    if (flow.spec.has_interactive) {
        flow.interactive = *connection->open_stream("talk" + number);
        write_message(flow.node);
    }
    network_.touch(flow.node, flow.session);
}

void Dumbbell::write_bulk(Flow& flow) {
    connection::Connection* const connection = network_.find(flow.node, flow.session);
    if (connection == nullptr) return;
    while (flow.spec.bulk_bytes == 0 || flow.bulk_written < flow.spec.bulk_bytes) {
        std::size_t size = chunk_size;
        if (flow.spec.bulk_bytes != 0) {
            size = static_cast<std::size_t>(
                std::min<std::uint64_t>(size, flow.spec.bulk_bytes - flow.bulk_written));
        }
        const auto written = connection->write(*flow.bulk, Bytes(buffer_).first(size));
        if (!written || *written == 0) return;
        flow.bulk_written += *written;
        if (*written < size) return;
    }
}

void Dumbbell::write_message(std::size_t number) {
    Flow& flow = *flows_[number];
    connection::Connection* const connection = network_.find(flow.node, flow.session);
    if (connection == nullptr) return;
    const auto written = connection->write(*flow.interactive, Bytes(buffer_).first(message_size));
    if (written && *written == message_size) flow.written_at.push_back(network_.now());
    network_.touch(flow.node, flow.session);
    network_.schedule(message_interval, [this, number] { write_message(number); });
}

void Dumbbell::handle_sender_event(Flow& flow, const stream::StreamEvent& event) {
    if (event.kind != stream::StreamEvent::Kind::writable || flow.bulk != event.key) return;
    write_bulk(flow);
    network_.touch(flow.node, flow.session);
}

void Dumbbell::handle_receiver_event(connection::SessionHandle session,
                                     const stream::StreamEvent& event) {
    if (event.kind == stream::StreamEvent::Kind::readable) read(session, event.key);
}

void Dumbbell::read(connection::SessionHandle session, stream::StreamKey key) {
    connection::Connection* const connection = network_.find(receiver_, session);
    if (connection == nullptr) return;
    const std::string endpoint(connection->streams().endpoint(key));
    Flow& flow = *flows_[std::stoul(endpoint.substr(4))];
    const bool is_bulk = endpoint.substr(0, 4) == "bulk";
    while (true) {
        const auto outcome = connection->read(network_.now(), key, buffer_);
        if (!outcome || outcome->size == 0) break;
        (is_bulk ? flow.bulk_read : flow.interactive_read) += outcome->size;
    }
    while (flow.read_at.size() < flow.interactive_read / message_size) {
        flow.read_at.push_back(network_.now());
    }
    if (flow.spec.bulk_bytes != 0 && flow.bulk_read == flow.spec.bulk_bytes && !flow.finished_at) {
        flow.finished_at = network_.now();
    }
    network_.touch(receiver_, session);
}

void Dumbbell::take_samples() {
    for (const auto& flow : flows_) {
        connection::Connection* const connection = network_.find(flow->node, flow->session);
        if (connection == nullptr) continue;
        const recovery::PathRecovery& path = connection->path();
        flow->samples.push_back({network_.now(), flow->bulk_read, path.controller().window(),
                                 path.bytes_in_flight(), path.rtt().smoothed(),
                                 connection->totals().frames_sent,
                                 connection->totals().frames_lost});
    }
    network_.schedule(spec_.sample_interval, [this] { take_samples(); });
}

const std::vector<FlowSample>& Dumbbell::samples(std::size_t flow) const {
    return flows_[flow]->samples;
}

std::uint64_t Dumbbell::delivered(std::size_t flow) const {
    return flows_[flow]->bulk_read;
}

connection::Connection* Dumbbell::connection(std::size_t flow) {
    return network_.find(flows_[flow]->node, flows_[flow]->session);
}

std::optional<Instant> Dumbbell::finished_at(std::size_t flow) const {
    return flows_[flow]->finished_at;
}

std::vector<Duration> Dumbbell::latencies(std::size_t number, Instant from, Instant until) const {
    const Flow& flow = *flows_[number];
    std::vector<Duration> times;
    for (std::size_t i = 0; i < flow.read_at.size(); ++i) {
        if (flow.written_at[i] < from || flow.written_at[i] >= until) continue;
        times.push_back(flow.read_at[i] - flow.written_at[i]);
    }
    return times;
}

FlowMeasure Dumbbell::measure(std::size_t flow, Instant from, Instant until) const {
    FlowMeasure measure;
    const FlowSample* first = nullptr;
    const FlowSample* last = nullptr;
    std::size_t count = 0;
    for (const FlowSample& sample : flows_[flow]->samples) {
        if (sample.at < from || sample.at > until) continue;
        if (first == nullptr) first = &sample;
        last = &sample;
        const double round_trip = static_cast<double>(sample.round_trip.count()) / 1e3;
        measure.round_trip_ms += round_trip;
        measure.round_trip_max_ms = std::max(measure.round_trip_max_ms, round_trip);
        ++count;
    }
    if (count < 2) return measure;
    const double seconds = std::chrono::duration<double>(last->at - first->at).count();
    measure.goodput = static_cast<double>(last->delivered - first->delivered) / seconds;
    measure.round_trip_ms /= static_cast<double>(count);
    const auto sent = static_cast<double>(last->frames_sent - first->frames_sent);
    measure.loss =
        sent == 0 ? 0 : static_cast<double>(last->frames_lost - first->frames_lost) / sent;
    return measure;
}

double jain_index(const std::vector<double>& shares) {
    double sum = 0;
    double squares = 0;
    for (const double share : shares) {
        sum += share;
        squares += share * share;
    }
    return squares == 0 ? 0 : sum * sum / (static_cast<double>(shares.size()) * squares);
}

double percentile(std::vector<Duration> times, double fraction) {
    if (times.empty()) return 0;
    std::sort(times.begin(), times.end());
    const auto index = static_cast<std::size_t>(fraction * static_cast<double>(times.size() - 1));
    return static_cast<double>(times[index].count()) / 1e3;
}

double cubic_model(double rate, Duration round_trip, double loss, double size) {
    if (loss <= 0) return rate;
    constexpr double scale = 0.4;
    constexpr double decrease = 0.7;
    const double seconds = std::chrono::duration<double>(round_trip).count();
    const double cubic = std::pow(scale * (3 + decrease) / (4 * (1 - decrease)), 0.25) *
                         std::pow(seconds / loss, 0.75);
    const double reno = std::sqrt(1.5 / loss);
    return std::min(rate, std::max(cubic, reno) * size / seconds);
}

std::string_view name_of(recovery::CongestionAlgorithm algorithm) {
    switch (algorithm) {
        case recovery::CongestionAlgorithm::cubic:
            return "cubic";
        case recovery::CongestionAlgorithm::new_reno:
            return "new_reno";
        case recovery::CongestionAlgorithm::bbr:
            return "bbr";
        case recovery::CongestionAlgorithm::background:
            return "background";
    }
    return "?";
}

}  // namespace stt::sim
