#include "testing/simulated_network.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <stt/check.hpp>
#include <utility>

#include "base/byte_order.hpp"

namespace stt::testing {
namespace {

// The largest datagram buffer that an endpoint may be given.
constexpr std::size_t buffer_size = 65'507;
// Datagrams that a socket with receive offload hands over together.
constexpr std::size_t coalesced_count_max = 64;
// An endpoint whose deadline stays in the past this often at one moment would spin for ever.
constexpr std::uint64_t timeouts_in_a_row_max = 1'000;

}  // namespace

SimulatedNetwork::SimulatedNetwork(std::uint64_t seed) : seed_(seed), shared_secret_(32) {
    SeededRandom(mixed(seed)).fill(shared_secret_);
    transmit_buffer_.resize(buffer_size);
    // Time 0 stands for "never" in no place, but a start above it would hide if it did.
    now_ = Instant(std::chrono::seconds(1));
}

NodeNumber SimulatedNetwork::add_node(connection::EndpointConfig config) {
    return add_node(std::move(config), shared_secret_);
}

NodeNumber SimulatedNetwork::add_node(connection::EndpointConfig config, Bytes shared_secret) {
    const NodeNumber number = nodes_.size();
    SeededRandom(mixed(seed_ + 1) + number).fill(config.identity);
    nodes_.push_back(std::make_unique<Node>(config, mixed(seed_ + 2) + number));
    Node& node = *nodes_.back();
    node.secret.assign(shared_secret.begin(), shared_secret.end());
    const std::size_t host = number + 1;
    set_addresses(number, {Address::ipv4({10, static_cast<std::uint8_t>(host >> 16),
                                          static_cast<std::uint8_t>(host >> 8),
                                          static_cast<std::uint8_t>(host)},
                                         9001)});
    start(node);
    return number;
}

void SimulatedNetwork::start(Node& node) {
    // Its randomness goes on where it was: a restarted node draws no number twice.
    node.endpoint = std::make_unique<connection::Endpoint>(node.config, node.random);
    const auto added = node.endpoint->add_seed(node.secret);
    STT_CHECK(added.has_value());
    node.shared_seed = *added;
}

void SimulatedNetwork::crash(NodeNumber number) {
    Node& node = *nodes_[number];
    STT_CHECK(!node.is_draining && node.endpoint != nullptr);
    node.endpoint.reset();
    node.is_frozen = false;
    set_timer(number);
    for (NetworkObserver* observer : observers_) observer->on_crashed(number);
}

void SimulatedNetwork::restart(NodeNumber number) {
    STT_CHECK(nodes_[number]->endpoint == nullptr);
    start(*nodes_[number]);
}

void SimulatedNetwork::freeze(NodeNumber number) {
    STT_CHECK(!nodes_[number]->is_draining);
    nodes_[number]->is_frozen = true;
    set_timer(number);
}

void SimulatedNetwork::thaw(NodeNumber number) {
    nodes_[number]->is_frozen = false;
    set_timer(number);
}

void SimulatedNetwork::set_clock_rate(NodeNumber number, std::int32_t ppm) {
    nodes_[number]->clock.set_rate(now_, ppm);
    set_timer(number);
}

void SimulatedNetwork::leap_clock(NodeNumber number, Duration time) {
    nodes_[number]->clock.leap(now_, time);
    set_timer(number);
}

connection::Moment SimulatedNetwork::moment(NodeNumber number) const noexcept {
    const NodeClock& clock = nodes_[number]->clock;
    const Instant local = clock.local(now_);
    const auto passed = std::chrono::floor<std::chrono::milliseconds>(local.time_since_epoch());
    return {local, wall_start_ms + passed.count() + clock.wall_offset_ms};
}

connection::AttemptId SimulatedNetwork::connect(NodeNumber from, NodeNumber to,
                                                const std::optional<handshake::NodeId>& wanted) {
    return connect_to(from, {&address(to), 1}, wanted);
}

connection::AttemptId SimulatedNetwork::connect_to(NodeNumber from,
                                                   std::span<const Address> addresses,
                                                   const std::optional<handshake::NodeId>& wanted) {
    Node& node = *nodes_[from];
    for (NetworkObserver* observer : observers_) observer->on_connect(from, addresses);
    const std::vector<Route> routes(addresses.begin(), addresses.end());
    const auto attempt = node.endpoint->connect(moment(from), node.shared_seed, routes, wanted);
    if (!node.is_draining) drain(from);
    return attempt;
}

void SimulatedNetwork::touch(NodeNumber node, connection::SessionHandle session) {
    nodes_[node]->endpoint->touch(session);
    if (!nodes_[node]->is_draining) drain(node);
}

void SimulatedNetwork::drain(NodeNumber number) {
    Node& node = *nodes_[number];
    node.is_draining = true;
    for (bool has_more = true; has_more;) {
        while (const auto transmit =
                   node.endpoint->poll_transmit(moment(number), transmit_buffer_)) {
            send(number, *transmit);
        }
        has_more = false;
        drain_events(number, has_more);
    }
    node.is_draining = false;
    set_timer(number);
    for (NetworkObserver* observer : observers_) observer->on_settled(number);
}

void SimulatedNetwork::drain_events(NodeNumber number, bool& has_more) {
    while (const auto event = nodes_[number]->endpoint->poll_event()) {
        if (is_tracing_) {
            std::printf("%12lld  node %zu  %s\n",
                        static_cast<long long>(now_.time_since_epoch().count()), number,
                        describe(*event).c_str());
        }
        for (NetworkObserver* observer : observers_) observer->on_event(number, *event);
        if (on_event) on_event(number, *event);
        has_more = true;  // the application may have had something to say
    }
}

void SimulatedNetwork::set_timer(NodeNumber number) {
    Node& node = *nodes_[number];
    std::optional<Instant> timer;
    if (node.endpoint != nullptr && !node.is_frozen) {
        if (const auto local = node.endpoint->poll_timeout()) {
            timer = node.clock.virtual_time(*local);
        }
    }
    if (timer == node.timer) return;
    if (node.timer) timers_.erase({*node.timer, number});
    if (timer) timers_.insert({*timer, number});
    node.timer = timer;
}

void SimulatedNetwork::schedule(Duration after, std::function<void()> action) {
    plan({now_ + after, 0, {}, std::move(action)});
}

void SimulatedNetwork::plan(Happening&& happening) {
    happening.number = happening_count_++;
    happenings_.push_back(std::move(happening));
    std::push_heap(happenings_.begin(), happenings_.end(), Later{});
}

SimulatedNetwork::Happening SimulatedNetwork::take_next() {
    std::pop_heap(happenings_.begin(), happenings_.end(), Later{});
    Happening next = std::move(happenings_.back());
    happenings_.pop_back();
    return next;
}

void SimulatedNetwork::tell_delivered(const Parcel& parcel) {
    const DeliveryView view{parcel.from, parcel.to, parcel.source, parcel.destination,
                            parcel.bytes};
    for (NetworkObserver* observer : observers_) observer->on_delivered(view);
}

void SimulatedNetwork::deliver(Parcel&& first) {
    const std::size_t segment_size = first.bytes.size();
    if (segment_size == 0) return;
    first.to = receiver_of(first);
    if (first.to == nobody) return;
    tell_delivered(first);
    receive_buffer_.assign(first.bytes.begin(), first.bytes.end());
    for (std::size_t count = 1; count < coalesced_count_max && !happenings_.empty(); ++count) {
        const Happening& next = happenings_.front();
        const Parcel& parcel = next.parcel;
        const bool is_alike =
            next.at == now_ && !next.action && parcel.from == first.from &&
            parcel.source == first.source && parcel.ecn == first.ecn &&
            parcel.destination == first.destination &&
            (parcel.destination.family() != Address::Family::none || parcel.to == first.to) &&
            parcel.bytes.size() <= segment_size && !parcel.bytes.empty();
        if (!is_alike) break;
        Happening taken = take_next();
        taken.parcel.to = first.to;
        tell_delivered(taken.parcel);
        const Bytes bytes = taken.parcel.bytes;
        receive_buffer_.insert(receive_buffer_.end(), bytes.begin(), bytes.end());
        if (bytes.size() < segment_size) break;
    }
    Node& node = *nodes_[first.to];
    node.bytes_received += receive_buffer_.size();
    node.endpoint->handle_datagrams(moment(first.to), first.source, receive_buffer_, segment_size,
                                    first.ecn);
    drain(first.to);
}

// One thing that happens, if any does until `limit`.
bool SimulatedNetwork::step(Instant limit) {
    const bool is_timer_first =
        !timers_.empty() &&
        (happenings_.empty() || timers_.begin()->first < happenings_.front().at);
    if (!is_timer_first && happenings_.empty()) return false;
    const Instant at =
        std::max(now_, is_timer_first ? timers_.begin()->first : happenings_.front().at);
    if (at > limit) return false;
    now_ = at;
    if (is_timer_first) {
        const NodeNumber number = timers_.begin()->second;
        Node& node = *nodes_[number];
        if (node.timed_out_at != now_) node.timeouts_in_a_row = 0;
        node.timed_out_at = now_;
        STT_CHECK(++node.timeouts_in_a_row < timeouts_in_a_row_max);
        node.endpoint->handle_timeout(moment(number));
        drain(number);
        return true;
    }
    Happening next = take_next();
    if (next.action) {
        next.action();
    } else {
        deliver(std::move(next.parcel));
    }
    return true;
}

bool SimulatedNetwork::run_until(const std::function<bool()>& is_done, Duration time) {
    const Instant limit = now_ + time;
    while (!is_done()) {
        if (step(limit)) continue;
        now_ = limit;
        return is_done();
    }
    return true;
}

// FNV-1a over words instead of bytes: a run has tens of megabytes.
void SimulatedNetwork::hash(std::uint64_t value) noexcept {
    trace_hash_ = (trace_hash_ ^ value) * 0x100000001b3;
    trace_hash_ ^= trace_hash_ >> 32;
}

void SimulatedNetwork::hash(Bytes bytes) noexcept {
    hash(bytes.size());
    while (bytes.size() >= 8) {
        hash(load_little_endian<std::uint64_t>(bytes.data()));
        bytes = bytes.subspan(8);
    }
    for (const std::uint8_t byte : bytes) hash(std::uint64_t{byte});
}

}  // namespace stt::testing
