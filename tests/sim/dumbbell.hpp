// Flows that share one bottleneck, each with a controller of its own, and what they achieve.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/recovery/congestion.hpp"
#include "testing/simulated_network.hpp"

namespace stt::sim {

struct FlowSpec {
    recovery::CongestionAlgorithm algorithm = recovery::CongestionAlgorithm::cubic;
    Duration start{0};
    bool has_bulk = true;          // a stream that always has more to send
    bool has_interactive = false;  // another with a message of 100 bytes each message_interval
    std::uint64_t bulk_bytes = 0;  // what the bulk stream sends; 0: without end
};

// All flows go one way through one queue; their ACKs come back through an idle one.
struct DumbbellSpec {
    std::uint64_t rate = 1'250'000;                       // bytes a second
    Duration round_trip = std::chrono::milliseconds(40);  // with an empty queue
    testing::PerMillion loss = 0;                         // in each direction, independent
    Duration jitter{0};
    std::size_t queue_size = 0;  // bytes; 0: as many as are delivered in a round trip, or 32 full
                                 // datagrams if that is more
    testing::QueueDiscipline discipline = testing::QueueDiscipline::tail_drop;
    bool marks = false;  // CoDel marks instead of dropping
    // What the receiver gives credit for, at most, and senders keep of what was not acknowledged.
    std::uint64_t receive_window_max = std::uint64_t{256} << 20;
    std::size_t send_buffer_max = std::size_t{128} << 20;
    std::vector<FlowSpec> flows;
    Duration sample_interval = std::chrono::milliseconds(20);
    std::uint64_t seed = 1;

    std::uint64_t product() const noexcept {  // bytes
        return rate * static_cast<std::uint64_t>(round_trip.count()) / 1'000'000;
    }
};

struct FlowSample {
    Instant at{};
    std::uint64_t delivered = 0;  // bytes that the receiving application has read
    std::size_t window = 0;
    std::size_t in_flight = 0;
    Duration round_trip{0};  // smoothed
    std::uint64_t frames_sent = 0;
    std::uint64_t frames_lost = 0;
};

inline constexpr Duration message_interval = std::chrono::milliseconds(20);
inline constexpr std::size_t message_size = 100;

// What a flow did in one span of time.
struct FlowMeasure {
    double goodput = 0;        // bytes a second
    double round_trip_ms = 0;  // mean of the smoothed
    double round_trip_max_ms = 0;
    double loss = 0;  // frames declared lost over frames sent
};

class Dumbbell {
public:
    explicit Dumbbell(const DumbbellSpec& spec);
    ~Dumbbell();

    void run_for(Duration time);
    // Nothing passes in either direction for `time` from now on.
    void cut(Duration time);
    void set_loss(testing::PerMillion loss);

    Instant now() const noexcept { return network_.now(); }
    testing::SimulatedNetwork& network() noexcept { return network_; }
    std::size_t flow_count() const noexcept { return spec_.flows.size(); }
    const DumbbellSpec& spec() const noexcept { return spec_; }
    const std::vector<FlowSample>& samples(std::size_t flow) const;
    std::uint64_t delivered(std::size_t flow) const;
    connection::Connection* connection(std::size_t flow);
    // When the bulk stream's last byte was read; null: not yet.
    std::optional<Instant> finished_at(std::size_t flow) const;
    // One-way times of the interactive messages that were written in [from, until) and arrived.
    std::vector<Duration> latencies(std::size_t flow, Instant from, Instant until) const;
    FlowMeasure measure(std::size_t flow, Instant from, Instant until) const;

private:
    struct Flow;

    void handle_event(testing::NodeNumber node, const connection::EndpointEvent& event);
    void handle_sender_event(Flow& flow, const stream::StreamEvent& event);
    void handle_receiver_event(connection::SessionHandle session, const stream::StreamEvent& event);
    void start(Flow& flow);
    void write_bulk(Flow& flow);
    void write_message(std::size_t number);
    void read(connection::SessionHandle session, stream::StreamKey key);
    void take_samples();

    DumbbellSpec spec_;
    testing::SimulatedNetwork network_;
    testing::NodeNumber receiver_ = 0;
    std::vector<std::unique_ptr<Flow>> flows_;
    std::vector<std::uint8_t> buffer_;
};

// Jain's index: 1 when all are equal, 1/n when one has everything.
double jain_index(const std::vector<double>& shares);
double percentile(std::vector<Duration> times, double fraction);  // ms

// What RFC 9438 §5.1 (and its Reno-friendly region, §4.3) lets a flow reach under independent
// loss, in bytes a second; at most `rate`.
//
//   W = max( (C (3 + b) / (4 (1 - b)))^1/4 (RTT / p)^3/4 , sqrt(1.5 / p) )   datagrams
double cubic_model(double rate, Duration round_trip, double loss, double datagram_size);

std::string_view name_of(recovery::CongestionAlgorithm algorithm);

}  // namespace stt::sim
