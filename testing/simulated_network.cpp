#include "testing/simulated_network.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <stt/check.hpp>
#include <utility>

#include "base/byte_order.hpp"

namespace stt::testing {
namespace {

// Wall time at the start of virtual time: unix milliseconds, in November 2023.
constexpr std::int64_t wall_start_ms = 1'700'000'000'000;
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
    node.address = Address::ipv4({10, 0, 0, static_cast<std::uint8_t>(number + 1)}, 9001);
    const auto added = node.endpoint.add_seed(shared_secret);
    STT_CHECK(added.has_value());
    node.shared_seed = *added;
    return number;
}

Link& SimulatedNetwork::link_between(NodeNumber from, NodeNumber to) {
    if (links_.size() <= from) links_.resize(from + 1);
    auto& row = links_[from];
    if (row.size() <= to) row.resize(to + 1);
    if (row[to] == nullptr) {
        const std::uint64_t place = (std::uint64_t{from} << 32) | to;
        row[to] = std::make_unique<Link>(LinkOptions{}, mixed(seed_ + 3) ^ mixed(place));
    }
    return *row[to];
}

void SimulatedNetwork::set_link(NodeNumber from, NodeNumber to, const LinkOptions& options) {
    link_between(from, to).set_options(options);
}

connection::Moment SimulatedNetwork::moment(NodeNumber node) const noexcept {
    const auto passed = std::chrono::floor<std::chrono::milliseconds>(now_.time_since_epoch());
    return {now_, wall_start_ms + passed.count() + nodes_[node]->clock_offset.count()};
}

connection::AttemptId SimulatedNetwork::connect(NodeNumber from, NodeNumber to,
                                                const std::optional<handshake::NodeId>& wanted) {
    Node& node = *nodes_[from];
    const Address& address = nodes_[to]->address;
    const auto attempt =
        node.endpoint.connect(moment(from), node.shared_seed, {&address, 1}, wanted);
    drain(from);
    return attempt;
}

void SimulatedNetwork::touch(NodeNumber node, connection::SessionHandle session) {
    nodes_[node]->endpoint.touch(session);
    if (!nodes_[node]->is_draining) drain(node);
}

void SimulatedNetwork::drain(NodeNumber number) {
    Node& node = *nodes_[number];
    node.is_draining = true;
    for (bool has_more = true; has_more;) {
        while (const auto transmit =
                   node.endpoint.poll_transmit(moment(number), transmit_buffer_)) {
            send(number, *transmit);
        }
        has_more = false;
        while (const auto event = node.endpoint.poll_event()) {
            if (is_tracing_) {
                std::printf("%12lld  node %zu  %s\n",
                            static_cast<long long>(now_.time_since_epoch().count()), number,
                            describe(*event).c_str());
            }
            if (on_event) on_event(number, *event);
            has_more = true;  // the application may have had something to say
        }
    }
    node.timer = node.endpoint.poll_timeout();
    node.is_draining = false;
}

void SimulatedNetwork::send(NodeNumber from, const connection::Transmit& transmit) {
    STT_CHECK(transmit.size > 0 && transmit.segment_size > 0);
    STT_CHECK(transmit.size <= transmit_buffer_.size());
    Bytes rest = Bytes(transmit_buffer_).first(transmit.size);
    nodes_[from]->bytes_sent += transmit.size;
    const auto to = node_at(transmit.to.address);
    while (!rest.empty()) {
        const Bytes datagram = rest.first(std::min(rest.size(), transmit.segment_size));
        rest = rest.subspan(datagram.size());
        if (to) send_datagram(from, *to, datagram, transmit.ecn);
    }
}

void SimulatedNetwork::send_datagram(NodeNumber from, NodeNumber to, Bytes datagram,
                                     std::uint8_t ecn) {
    const DatagramView view{from, to, datagram_count_++, now_, datagram};
    hash(from);
    hash(to);
    hash(static_cast<std::uint64_t>(now_.time_since_epoch().count()));
    hash(datagram);
    if (is_recording_) recorded_.push_back({from, to, now_, {datagram.begin(), datagram.end()}});
    const bool passes = !filter || filter(view) == Verdict::pass;
    arrivals_.clear();
    if (passes) link_between(from, to).send(now_, datagram, ecn, arrivals_);
    if (is_tracing_) {
        std::printf("%12lld  %zu -> %zu  %s%s\n",
                    static_cast<long long>(now_.time_since_epoch().count()), from, to,
                    describe(datagram).c_str(), arrivals_.empty() ? "  LOST" : "");
    }
    for (Link::Arrival& arrival : arrivals_) {
        plan({arrival.at, 0, nodes_[from]->address, to, arrival.ecn, std::move(arrival.bytes), {}});
    }
}

void SimulatedNetwork::inject(const Address& source, NodeNumber to, Bytes datagram,
                              Duration after) {
    plan({now_ + after, 0, source, to, 0, {datagram.begin(), datagram.end()}, {}});
}

void SimulatedNetwork::schedule(Duration after, std::function<void()> action) {
    plan({now_ + after, 0, {}, 0, 0, {}, std::move(action)});
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

void SimulatedNetwork::deliver(Happening&& first) {
    Node& node = *nodes_[first.to];
    const std::size_t segment_size = first.bytes.size();
    if (segment_size == 0) return;
    receive_buffer_.assign(first.bytes.begin(), first.bytes.end());
    for (std::size_t count = 1; count < coalesced_count_max && !happenings_.empty(); ++count) {
        const Happening& next = happenings_.front();
        const bool is_alike = next.at == first.at && next.to == first.to && !next.action &&
                              next.source == first.source && next.ecn == first.ecn &&
                              next.bytes.size() <= segment_size && !next.bytes.empty();
        if (!is_alike) break;
        const bool is_last = next.bytes.size() < segment_size;
        const Happening taken = take_next();
        receive_buffer_.insert(receive_buffer_.end(), taken.bytes.begin(), taken.bytes.end());
        if (is_last) break;
    }
    node.bytes_received += receive_buffer_.size();
    node.endpoint.handle_datagrams(moment(first.to), first.source, receive_buffer_, segment_size,
                                   first.ecn);
    drain(first.to);
}

std::optional<NodeNumber> SimulatedNetwork::next_timer() const noexcept {
    std::optional<NodeNumber> earliest;
    for (NodeNumber number = 0; number < nodes_.size(); ++number) {
        const auto& timer = nodes_[number]->timer;
        if (timer && (!earliest || *timer < *nodes_[*earliest]->timer)) earliest = number;
    }
    return earliest;
}

// One thing that happens, if any does until `limit`.
bool SimulatedNetwork::step(Instant limit) {
    const auto timed = next_timer();
    const std::optional<Instant> timer = timed ? nodes_[*timed]->timer : std::nullopt;
    const bool is_timer_first = timer && (happenings_.empty() || *timer < happenings_.front().at);
    if (!is_timer_first && happenings_.empty()) return false;
    const Instant at = std::max(now_, is_timer_first ? *timer : happenings_.front().at);
    if (at > limit) return false;
    if (at > now_) {
        for (const auto& node : nodes_) node->timeouts_in_a_row = 0;
    }
    now_ = at;
    if (is_timer_first) {
        STT_CHECK(++nodes_[*timed]->timeouts_in_a_row < timeouts_in_a_row_max);
        nodes_[*timed]->endpoint.handle_timeout(moment(*timed));
        drain(*timed);
        return true;
    }
    Happening next = take_next();
    if (next.action) {
        next.action();
    } else {
        deliver(std::move(next));
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

std::optional<NodeNumber> SimulatedNetwork::node_at(const Address& address) const noexcept {
    for (NodeNumber number = 0; number < nodes_.size(); ++number) {
        if (nodes_[number]->address == address) return number;
    }
    return std::nullopt;
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
