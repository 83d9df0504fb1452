#include "tests/e2e/emulator/relay.hpp"

#include <algorithm>
#include <utility>

#include "testing/seeded_random.hpp"

namespace stt::emulator {
namespace {

// Receives of up to 512 KiB before what is due is sent.
constexpr int receives_per_turn = 4;

Address loopback(std::uint8_t host) {
    return Address::ipv4({127, 0, 0, host}, 0);
}

std::size_t index_of(Direction direction) {
    return static_cast<std::size_t>(direction);
}

}  // namespace

std::unique_ptr<Relay> Relay::open(const Address& server, std::uint64_t seed) {
    auto inward = transport::UdpSocket::bind(loopback(1));
    if (!inward) return nullptr;
    return std::unique_ptr<Relay>(new Relay(server, *std::move(inward), seed));
}

Relay::Relay(const Address& server, transport::UdpSocket inward, std::uint64_t seed)
    : server_(server),
      inward_(std::move(inward)),
      links_{testing::Link({}, testing::mixed(seed)), testing::Link({}, testing::mixed(seed + 1))} {
}

void Relay::set_options(const PathOptions& options) noexcept {
    links_[0].set_options(options.up);
    links_[1].set_options(options.down);
}

std::unique_ptr<transport::UdpSocket> Relay::bind_outward() const {
    auto socket = transport::UdpSocket::bind(loopback(host_number_));
    if (!socket) return nullptr;
    return std::make_unique<transport::UdpSocket>(*std::move(socket));
}

void Relay::rebind(Rebinding kind) {
    if (kind == Rebinding::address) {
        host_number_ = static_cast<std::uint8_t>(host_number_ % 254 + 1);
    }
    // The former socket lives until the new one is bound, so that the port is another one.
    for (Client& client : clients_) {
        if (auto socket = bind_outward()) client.outward = std::move(socket);
    }
}

std::vector<int> Relay::descriptors() const {
    std::vector<int> descriptors{inward_.native_handle()};
    for (const Client& client : clients_) descriptors.push_back(client.outward->native_handle());
    return descriptors;
}

void Relay::receive(Instant now) {
    receive_from(inward_, now, Direction::up, 0);
    for (std::size_t client = 0; client < clients_.size(); ++client) {
        receive_from(*clients_[client].outward, now, Direction::down, client);
    }
}

void Relay::receive_from(transport::UdpSocket& socket, Instant now, Direction direction,
                         std::size_t client) {
    for (int turn = 0; turn < receives_per_turn; ++turn) {
        const auto outcome = socket.receive(batch_);
        if (!outcome) return;
        for (const transport::ReceivedDatagrams& datagrams : outcome->datagrams) {
            if (direction == Direction::up) {
                const auto found = client_of(datagrams.from);
                if (!found) continue;
                client = *found;
            } else if (datagrams.from != server_) {
                continue;
            }
            for (std::size_t i = 0; i < datagrams.count(); ++i) {
                carry(now, direction, client, datagrams.datagram(i), datagrams.ecn);
            }
        }
        if (!outcome->more) return;
    }
}

std::optional<std::size_t> Relay::client_of(const Address& address) {
    const auto found = std::find_if(clients_.begin(), clients_.end(),
                                    [&](const Client& each) { return each.address == address; });
    if (found != clients_.end()) return static_cast<std::size_t>(found - clients_.begin());
    if (clients_.size() == client_count_max) return std::nullopt;
    auto socket = bind_outward();
    if (socket == nullptr) return std::nullopt;
    clients_.push_back({address, std::move(socket)});
    return clients_.size() - 1;
}

void Relay::carry(Instant now, Direction direction, std::size_t client, Bytes datagram,
                  std::uint8_t ecn) {
    Counters& counters = counters_[index_of(direction)];
    if (now < black_until_[index_of(direction)]) {
        ++counters.blacked_out;
        return;
    }
    arrivals_.clear();
    links_[index_of(direction)].send(now, datagram, ecn, arrivals_);
    for (testing::Link::Arrival& arrival : arrivals_) {
        if (bytes_waiting_ + arrival.bytes.size() > bytes_waiting_max) {
            ++counters.unsent;
            continue;
        }
        bytes_waiting_ += arrival.bytes.size();
        waiting_.push(
            {arrival.at, order_++, client, direction, arrival.ecn, std::move(arrival.bytes)});
    }
}

std::optional<Instant> Relay::next_release() const noexcept {
    if (waiting_.empty()) return std::nullopt;
    return waiting_.top().at;
}

void Relay::release(Instant now) {
    while (!waiting_.empty() && waiting_.top().at <= now) {
        const Waiting& first = waiting_.top();
        Counters& counters = counters_[index_of(first.direction)];
        counters.late_total += now - first.at;
        counters.late_max = std::max(counters.late_max, now - first.at);
        ++counters.delivered;
        bytes_waiting_ -= first.bytes.size();
        append(first);
        waiting_.pop();
    }
    flush();
}

void Relay::append(const Waiting& waiting) {
    const bool fits = !burst_.bytes.empty() && !burst_.is_complete &&
                      burst_.client == waiting.client && burst_.direction == waiting.direction &&
                      burst_.ecn == waiting.ecn && waiting.bytes.size() <= burst_.segment_size &&
                      burst_.bytes.size() + waiting.bytes.size() <= transport::udp_payload_size_max;
    if (!fits) {
        flush();
        burst_.client = waiting.client;
        burst_.direction = waiting.direction;
        burst_.ecn = waiting.ecn;
        burst_.segment_size = waiting.bytes.size();
        burst_.is_complete = false;
    }
    burst_.is_complete = waiting.bytes.size() < burst_.segment_size;
    burst_.bytes.insert(burst_.bytes.end(), waiting.bytes.begin(), waiting.bytes.end());
}

void Relay::flush() {
    if (burst_.bytes.empty()) return;
    const bool is_up = burst_.direction == Direction::up;
    Client& client = clients_[burst_.client];
    transport::UdpSocket& socket = is_up ? *client.outward : inward_;
    transport::Outgoing message{is_up ? server_ : client.address, burst_.bytes, burst_.segment_size,
                                burst_.ecn};
    const auto outcome = socket.send({&message, 1});
    Counters& counters = counters_[index_of(burst_.direction)];
    ++counters.bursts;
    if (!outcome || outcome->would_block) ++counters.unsent;
    burst_.bytes.clear();
}

std::string Relay::statistics() const {
    std::string line;
    for (const Direction direction : {Direction::up, Direction::down}) {
        const testing::LinkCounters& link = links_[index_of(direction)].counters();
        const Counters& own = counters_[index_of(direction)];
        const auto add = [&](std::string_view name, std::uint64_t value) {
            line += ' ';
            line += name;
            line += '=';
            line += std::to_string(value);
        };
        line += direction == Direction::up ? "up:" : "; down:";
        add("offered", link.offered);
        add("lost", link.lost);
        add("overflowed", link.overflowed);
        add("too_large", link.too_large);
        add("duplicated", link.duplicated);
        add("corrupted", link.corrupted);
        add("reordered", link.reordered);
        add("blacked_out", own.blacked_out);
        add("unsent", own.unsent);
        add("delivered", own.delivered);
        add("bursts", own.bursts);
        const auto late = static_cast<std::uint64_t>(own.late_total.count());
        add("late_us_mean", own.delivered == 0 ? 0 : late / own.delivered);
        add("late_us_max", static_cast<std::uint64_t>(own.late_max.count()));
    }
    return line;
}

}  // namespace stt::emulator
