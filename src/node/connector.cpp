#include "node/connector.hpp"

#include <asio/error.hpp>
#include <stt/failure.hpp>
#include <utility>

#include "node/moment.hpp"

namespace stt::node {
namespace {

// RFC 8305 §5, as between addresses.
constexpr Duration attempt_delay = std::chrono::milliseconds(250);
constexpr std::size_t websocket_count_max = 64;

std::error_code failure_of(connection::ConnectError error) {
    switch (error) {
        case connection::ConnectError::wrong_peer:
            return Failure::wrong_peer;
        case connection::ConnectError::incompatible:
            return Failure::incompatible_peer;
        case connection::ConnectError::no_address:
        case connection::ConnectError::too_many_addresses:
            return Failure::no_address;
        case connection::ConnectError::seed_unknown:
        case connection::ConnectError::seed_removed:
            return Failure::unknown_seed;
        case connection::ConnectError::too_many_sessions:
            return Failure::session_limit;
        default:
            return Failure::handshake_timeout;
    }
}

// Of several, the one that says most: what was authentic, then what one can do something about.
int weight_of(std::error_code error) {
    if (error == Failure::wrong_peer || error == Failure::incompatible_peer) return 4;
    if (error == Failure::certificate_refused || error == Failure::not_a_node) return 3;
    if (error == Failure::handshake_timeout) return 1;
    return error ? 2 : 0;
}

}  // namespace

Connector::Race* Connector::find(Number number) {
    const auto found = races_.find(number);
    return found == races_.end() ? nullptr : &found->second;
}

Connector::Number Connector::begin(Request request, Handler handler) {
    const Number number = next_number_++;
    const Destination& destination = request.destination;
    const bool is_none = destination.udp.empty() && destination.websocket.empty();
    if (is_none || destination.websocket.size() > websocket_count_max) {
        handler(Failure::no_address, {});
        return number;
    }
    Race& race = races_.try_emplace(number, context_).first->second;
    race.request = std::move(request);
    race.handler = std::move(handler);
    const bool has_udp = begin_udp(number, race);
    wait_for_next(number, race, has_udp ? attempt_delay : Duration::zero());
    fail_if_over(number);
    return number;
}

// False: there is nothing to wait for.
bool Connector::begin_udp(Number number, Race& race) {
    std::vector<Route> routes;
    for (const Address& address : race.request.destination.udp) {
        const auto reached = udp_.reach(address);
        if (reached) {
            routes.emplace_back(address);
        } else {
            note(race, reached.error());
        }
    }
    if (routes.empty()) return false;
    const auto attempt =
        endpoint_.connect(current_moment(), race.request.seed, routes, race.request.peer);
    race.attempts[attempt] = Route();
    by_attempt_[attempt] = number;
    schedule_();
    return true;
}

void Connector::wait_for_next(Number number, Race& race, Duration delay) {
    if (race.next_websocket >= race.request.destination.websocket.size()) return;
    race.timer.expires_after(delay);
    race.timer.async_wait([this, number, watch = lifetime_.watch()](std::error_code error) {
        if (!error && !watch.is_over()) begin_websocket(number);
    });
}

void Connector::begin_websocket(Number number) {
    Race* const race = find(number);
    if (race == nullptr) return;
    const auto& targets = race->request.destination.websocket;
    if (race->next_websocket >= targets.size()) return;
    const WebSocketAddress& target = targets[race->next_websocket++];
    const auto dial = std::make_shared<WebSocketPorts::DialNumber>();
    const auto handle = [this, number, dial](std::error_code error, const Route& route) {
        Race* const opened = find(number);
        if (opened == nullptr) return;
        opened->dials.erase(*dial);
        if (error) {
            note(*opened, error);
            wait_for_next(number, *opened, Duration::zero());
            return fail_if_over(number);
        }
        const auto attempt = endpoint_.connect(current_moment(), opened->request.seed, {&route, 1},
                                               opened->request.peer);
        opened->attempts[attempt] = route;
        by_attempt_[attempt] = number;
        schedule_();
    };
    *dial = websockets_.open(target, handle);
    race->dials.insert(*dial);
    wait_for_next(number, *race, attempt_delay);
}

void Connector::note(Race& race, std::error_code error) {
    if (weight_of(error) > weight_of(race.error)) race.error = error;
}

void Connector::fail_if_over(Number number) {
    Race* const race = find(number);
    if (race == nullptr || !race->attempts.empty() || !race->dials.empty()) return;
    if (race->next_websocket < race->request.destination.websocket.size()) return;
    const Handler handler = std::move(race->handler);
    const std::error_code error = race->error;
    races_.erase(number);
    handler(error, {});
}

// What is under way leads nowhere any more.
void Connector::end(Race& race) {
    for (const auto dial : race.dials) websockets_.cancel(dial);
    for (const auto& [attempt, route] : race.attempts) {
        by_attempt_.erase(attempt);
        endpoint_.cancel(attempt);
        if (route.is_reliable()) {
            websockets_.close(route, websocket::close_code::normal, "not needed");
        }
    }
}

void Connector::cancel(Number number) {
    auto race = races_.extract(number);
    if (!race.empty()) end(race.mapped());
}

void Connector::fail_all(std::error_code error) {
    for (auto& [number, race] : std::exchange(races_, {})) {
        end(race);
        race.handler(error, {});
    }
}

std::optional<Connector::Won> Connector::take(connection::AttemptId attempt) {
    const auto owner = by_attempt_.extract(attempt);
    if (owner.empty()) return std::nullopt;
    auto race = races_.extract(owner.mapped());
    race.mapped().attempts.erase(attempt);
    end(race.mapped());
    return Won{std::move(race.mapped().handler), std::move(race.mapped().request.destination)};
}

void Connector::on_failed(connection::AttemptId attempt, connection::ConnectError error) {
    const auto owner = by_attempt_.extract(attempt);
    if (owner.empty()) return;
    Race& race = *find(owner.mapped());
    const auto ended = race.attempts.extract(attempt);
    note(race, failure_of(error));
    if (ended.mapped().is_reliable()) {
        websockets_.close(ended.mapped(), websocket::close_code::normal, "no answer");
    } else if (race.dials.empty()) {
        // UDP's head start is over.
        race.timer.cancel();
        wait_for_next(owner.mapped(), race, Duration::zero());
    }
    fail_if_over(owner.mapped());
}

// One that answered by no handshake, and does not wait as long as this node would.
void Connector::on_route_closed(const Route& route) {
    for (auto& [number, race] : races_) {
        for (const auto& [attempt, tried] : race.attempts) {
            if (tried != route || !tried.is_reliable()) continue;
            endpoint_.cancel(attempt);
            return on_failed(attempt, connection::ConnectError::timeout);
        }
    }
}

}  // namespace stt::node
