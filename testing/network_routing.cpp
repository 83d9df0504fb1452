// How a datagram finds its way.
#include <algorithm>
#include <cstdio>
#include <stt/check.hpp>
#include <utility>

#include "testing/simulated_network.hpp"

namespace stt::testing {

SimulatedNetwork::Way& SimulatedNetwork::way_between(NodeNumber from, NodeNumber to) {
    const std::uint64_t place = (std::uint64_t{from} << 32) | to;
    Way& way = ways_[place];
    if (way.link == nullptr) {
        way.link = std::make_unique<Link>(LinkOptions{}, mixed(seed_ + 3) ^ mixed(place));
    }
    return way;
}

Link& SimulatedNetwork::link(NodeNumber from, NodeNumber to) {
    return *way_between(from, to).link;
}

void SimulatedNetwork::set_link(NodeNumber from, NodeNumber to, const LinkOptions& options) {
    link(from, to).set_options(options);
}

void SimulatedNetwork::cut_link(NodeNumber from, NodeNumber to, Duration time) {
    link(from, to).cut();
    schedule(time, [this, from, to] { link(from, to).mend(); });
}

BottleneckNumber SimulatedNetwork::add_bottleneck(const BottleneckOptions& options) {
    bottlenecks_.push_back(std::make_unique<Bottleneck>(options));
    return bottlenecks_.size() - 1;
}

void SimulatedNetwork::set_route(NodeNumber from, NodeNumber to,
                                 std::vector<BottleneckNumber> route) {
    way_between(from, to).route = std::move(route);
}

NatNumber SimulatedNetwork::add_nat(const NatOptions& options) {
    const NatNumber number = nats_.size();
    nats_.push_back(std::make_unique<Nat>(options, mixed(seed_ + 4) + number));
    nat_hosts_[options.outside.with_port(0)] = number;
    return number;
}

void SimulatedNetwork::rebind_host(NatNumber nat, const Address& outside) {
    nat_hosts_.erase(nats_[nat]->options().outside.with_port(0));
    nats_[nat]->rebind_host(outside);
    nat_hosts_[outside.with_port(0)] = nat;
}

void SimulatedNetwork::set_addresses(NodeNumber number, std::vector<Address> addresses) {
    STT_CHECK(!addresses.empty());
    Node& node = *nodes_[number];
    for (const Address& address : node.addresses) owners_.erase(address);
    node.addresses = std::move(addresses);
    for (const Address& address : node.addresses) owners_[address] = number;
}

NodeNumber SimulatedNetwork::node_at(const std::optional<NatNumber>& inside,
                                     const Address& address) {
    if (const auto owner = owners_.find(address); owner != owners_.end()) {
        const auto& nat = nodes_[owner->second]->nat;
        return !nat || nat == inside ? owner->second : nobody;
    }
    const auto host = nat_hosts_.find(address.with_port(0));
    if (host == nat_hosts_.end()) return nobody;
    const auto behind = nats_[host->second]->owner(now_, address);
    if (!behind) return nobody;
    const auto owner = owners_.find(*behind);
    return owner != owners_.end() ? owner->second : nobody;
}

std::optional<Address> SimulatedNetwork::source_for(NodeNumber from, const Address& to) {
    const Node& node = *nodes_[from];
    for (const Address& own : node.addresses) {
        if (own.family() != to.family()) continue;
        const auto owner = owners_.find(to);
        const bool is_beside = owner != owners_.end() && nodes_[owner->second]->nat == node.nat;
        if (!node.nat || is_beside) return own;
        return nats_[*node.nat]->outbound(now_, own, to);
    }
    return std::nullopt;
}

NodeNumber SimulatedNetwork::receiver_of(const Parcel& parcel) {
    NodeNumber to = parcel.to;
    if (parcel.destination.family() != Address::Family::none) {
        const std::optional<NatNumber> inside =
            parcel.from != nobody ? nodes_[parcel.from]->nat : std::nullopt;
        to = node_at(inside, parcel.destination);
        const auto host = nat_hosts_.find(parcel.destination.with_port(0));
        const bool is_stopped =
            to != nobody && host != nat_hosts_.end() &&
            !nats_[host->second]->inbound(now_, parcel.source, parcel.destination);
        if (to == nobody || is_stopped) {
            ++(is_stopped ? counters_.filtered : counters_.unroutable);
            return nobody;
        }
    }
    if (to == nobody) {  // the adversary repeats what was sent to an address that nobody had
        ++counters_.unroutable;
        return nobody;
    }
    if (nodes_[to]->is_frozen || nodes_[to]->endpoint == nullptr) {
        ++counters_.asleep;
        return nobody;
    }
    return to;
}

void SimulatedNetwork::send(NodeNumber from, const connection::Transmit& transmit) {
    STT_CHECK(transmit.size > 0 && transmit.segment_size > 0);
    STT_CHECK(transmit.size <= transmit_buffer_.size());
    Bytes rest = Bytes(transmit_buffer_).first(transmit.size);
    nodes_[from]->bytes_sent += transmit.size;
    while (!rest.empty()) {
        const Bytes datagram = rest.first(std::min(rest.size(), transmit.segment_size));
        rest = rest.subspan(datagram.size());
        send_datagram(from, transmit.to.address, datagram, transmit.ecn);
    }
}

void SimulatedNetwork::send_datagram(NodeNumber from, const Address& destination, Bytes datagram,
                                     std::uint8_t ecn) {
    const auto source = source_for(from, destination);
    const NodeNumber to = node_at(nodes_[from]->nat, destination);
    const DatagramView view{
        from, to, datagram_count_++, now_, datagram, source.value_or(Address()), destination, ecn};
    hash(from);
    hash(to);
    hash(static_cast<std::uint64_t>(now_.time_since_epoch().count()));
    hash(datagram);
    if (is_recording_) recorded_.push_back({from, to, now_, {datagram.begin(), datagram.end()}});
    for (NetworkObserver* observer : observers_) observer->on_sent(view);
    bool passes = !filter || filter(view) == Verdict::pass;
    if (passes && interceptor_ != nullptr) passes = interceptor_->intercept(view) == Verdict::pass;
    const bool has_way = source && to != nobody;
    if (!has_way) ++counters_.unroutable;
    std::size_t copies = 0;
    if (passes && has_way) {
        Parcel parcel{from, to, *source, destination, ecn, 0, {datagram.begin(), datagram.end()}};
        copies = carry(std::move(parcel));
    }
    if (is_tracing_) {
        std::printf("%12lld  %zu -> %zd  %s%s\n",
                    static_cast<long long>(now_.time_since_epoch().count()), from,
                    static_cast<std::ptrdiff_t>(to), describe(datagram).c_str(),
                    copies == 0 ? "  LOST" : "");
    }
}

// To the next bottleneck on its way, or onto the link. Returns how many copies go on.
std::size_t SimulatedNetwork::carry(Parcel&& parcel) {
    Way& way = way_between(parcel.from, parcel.to);
    if (parcel.hop < way.route.size()) {
        const BottleneckNumber number = way.route[parcel.hop++];
        Bottleneck& bottleneck = *bottlenecks_[number];
        const std::uint64_t lost_before = bottleneck.counters().overflowed;
        if (bottleneck.offer(now_, std::move(parcel))) {
            schedule(*bottleneck.departure() - now_, [this, number] { depart(number); });
        }
        return bottleneck.counters().overflowed == lost_before ? 1 : 0;
    }
    arrivals_.clear();
    way.link->send(now_, parcel.bytes, parcel.ecn, arrivals_);
    for (Link::Arrival& arrival : arrivals_) {
        Parcel copy{parcel.from, parcel.to,  parcel.source,           parcel.destination,
                    arrival.ecn, parcel.hop, std::move(arrival.bytes)};
        plan({arrival.at, 0, std::move(copy), {}});
    }
    return arrivals_.size();
}

void SimulatedNetwork::depart(BottleneckNumber number) {
    Bottleneck& bottleneck = *bottlenecks_[number];
    Parcel parcel = bottleneck.depart();
    if (bottleneck.departure()) {
        schedule(*bottleneck.departure() - now_, [this, number] { depart(number); });
    }
    carry(std::move(parcel));
}

void SimulatedNetwork::inject(const Address& source, NodeNumber to, Bytes datagram,
                              Duration after) {
    Parcel parcel{nobody, to, source, {}, 0, 0, {datagram.begin(), datagram.end()}};
    plan({now_ + after, 0, std::move(parcel), {}});
}

void SimulatedNetwork::inject_at(const Address& source, const Address& destination, Bytes datagram,
                                 Duration after, NodeNumber from) {
    Parcel parcel{from, nobody, source, destination, 0, 0, {datagram.begin(), datagram.end()}};
    plan({now_ + after, 0, std::move(parcel), {}});
}

}  // namespace stt::testing
