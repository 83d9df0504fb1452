#include "node/path_keeper.hpp"

#include <algorithm>
#include <utility>

#include "base/earliest.hpp"
#include "node/moment.hpp"

namespace stt::node {
namespace {

// Of a WebSocket that cannot be opened: from one try to the next, doubling.
constexpr Duration dial_pause_first = std::chrono::milliseconds(500);
constexpr Duration dial_pause_max = std::chrono::seconds(30);
// While a WebSocket is in use: from one question whether UDP works to the next, doubling. Chosen: a
// question costs three datagrams, and whoever walked out of a network that blocks UDP is told
// otherwise (network_changed).
constexpr Duration udp_pause_first = std::chrono::seconds(10);
constexpr Duration udp_pause_max = std::chrono::seconds(300);
// A UDP path that lasted less was not worth going back to: the next question comes later.
constexpr Duration udp_worth = std::chrono::seconds(60);
// A WebSocket that is not in use stays open for so long, should it be needed again.
constexpr Duration unused_time = std::chrono::seconds(10);
// Addresses that are asked at once.
constexpr std::size_t udp_count_max = 2;

// True once, when its time has come.
bool take_due(std::optional<Instant>& at, Instant now) {
    if (!at || now < *at) return false;
    at.reset();
    return true;
}

}  // namespace

void PathKeeper::add(Handle session, const Destination& destination) {
    const auto* engine = endpoint_.find(session);
    if (engine == nullptr || destination.websocket.empty()) return;
    Entry& entry = entries_.try_emplace(session, context_).first->second;
    entry.destination = destination;
    entry.dial_pause = dial_pause_first;
    entry.udp_pause = udp_pause_first;
    if (engine->route().is_reliable()) entry.websockets.push_back(engine->route());
    on_path_taken(session, engine->route());
}

void PathKeeper::remove(Handle session) {
    auto found = entries_.extract(session);
    if (found.empty()) return;
    Entry& entry = found.mapped();
    if (entry.dial) websockets_.cancel(*entry.dial);
    // The close of the session may be on its way by the one in use, which the peer closes then.
    close_unused(entry);
}

void PathKeeper::replace(Handle former, Handle successor) {
    const auto found = entries_.find(former);
    const auto* engine = endpoint_.find(successor);
    if (found == entries_.end() || engine == nullptr) return;
    const Destination destination = found->second.destination;
    auto websockets = std::exchange(found->second.websockets, {});
    std::erase(websockets, engine->route());
    remove(former);
    add(successor, destination);
    const auto added = entries_.find(successor);
    if (added == entries_.end()) return;
    auto& kept = added->second.websockets;
    kept.insert(kept.end(), websockets.begin(), websockets.end());
    added->second.close_at = platform::now() + unused_time;
    arm(successor, added->second);
}

void PathKeeper::clear() {
    while (!entries_.empty()) remove(entries_.begin()->first);
}

// ---- what is told

void PathKeeper::on_silent(Handle session) {
    const auto found = entries_.find(session);
    if (found == entries_.end()) return;
    Entry& entry = found->second;
    ask_udp(session, entry);
    dial(session, entry);
    arm(session, entry);
}

void PathKeeper::on_path_taken(Handle session, const Route& route) {
    const auto found = entries_.find(session);
    if (found == entries_.end()) return;
    Entry& entry = found->second;
    const Instant now = platform::now();
    const bool was_udp = entry.udp_since.has_value();
    entry.route = route;
    // UDP that is gone back to may be dead: then what is being opened is of use.
    if (route.is_reliable() || !entry.dial) entry.is_without_path = false;
    entry.dial_pause = dial_pause_first;
    if (!route.is_reliable()) {
        if (!was_udp) entry.udp_since = now;
        entry.ask_udp_at.reset();
    } else {
        if (was_udp) {
            const bool was_worth_it = now - *entry.udp_since >= udp_worth;
            if (was_worth_it) entry.udp_pause = udp_pause_first;
            entry.udp_since.reset();
        }
        entry.ask_udp_at = now + entry.udp_pause;
        entry.udp_pause = std::min(2 * entry.udp_pause, udp_pause_max);
    }
    entry.close_at = now + unused_time;
    arm(session, entry);
}

void PathKeeper::on_route_closed(const Route& route) {
    for (auto& [session, entry] : entries_) {
        if (std::erase(entry.websockets, route) == 0 || entry.route != route) continue;
        const auto* engine = endpoint_.find(session);
        if (engine == nullptr) return;
        // It has gone back to a path that may be dead, or has none.
        entry.is_without_path = true;
        ask_udp(session, entry);
        dial(session, entry);
        arm(session, entry);
        return;
    }
}

void PathKeeper::network_changed() {
    for (auto& [session, entry] : entries_) {
        entry.udp_pause = udp_pause_first;
        entry.ask_udp_at = platform::now();
        arm(session, entry);
    }
}

// ---- what is done

bool PathKeeper::needs_websocket(Handle session, const Entry& entry) {
    const auto* engine = endpoint_.find(session);
    if (engine == nullptr || engine->state() == connection::SessionState::closing) return false;
    return entry.is_without_path || engine->is_silent() || engine->is_unreachable();
}

void PathKeeper::dial(Handle session, Entry& entry) {
    if (entry.dial) return;
    entry.dial_at.reset();
    const auto& targets = entry.destination.websocket;
    const WebSocketAddress& target = targets[entry.next_target++ % targets.size()];
    entry.dial =
        websockets_.open(target, [this, session](std::error_code error, const Route& route) {
            handle_dialed(session, error, route);
        });
}

void PathKeeper::handle_dialed(Handle session, std::error_code error, const Route& route) {
    const auto found = entries_.find(session);
    if (found == entries_.end()) return;
    Entry& entry = found->second;
    entry.dial.reset();
    const bool is_needed = needs_websocket(session, entry);
    if (!error && !is_needed) {
        // The silence is over: it was not the path's end.
        websockets_.close(route, websocket::close_code::normal, "not needed");
    } else if (!error) {
        entry.websockets.push_back(route);
        entry.close_at = platform::now() + unused_time;
        move_to(session, route);
        // Should nothing come of it, the next one.
        entry.dial_at = platform::now() + unused_time;
    } else if (is_needed) {
        ask_udp(session, entry);
        entry.dial_at = platform::now() + entry.dial_pause;
        entry.dial_pause = std::min(2 * entry.dial_pause, dial_pause_max);
    }
    // From now on silence tells.
    if (!entry.route.is_reliable()) entry.is_without_path = false;
    arm(session, entry);
}

void PathKeeper::ask_udp(Handle session, Entry& entry) {
    const auto& targets = entry.destination.udp;
    for (std::size_t i = 0; i < std::min(targets.size(), udp_count_max); ++i) {
        move_to(session, Route(targets[i]));
    }
}

void PathKeeper::move_to(Handle session, const Route& route) {
    endpoint_.move_to(current_moment(), session, route);
    schedule_();
}

void PathKeeper::close_unused(Entry& entry) {
    for (const Route& route : std::exchange(entry.websockets, {})) {
        if (route == entry.route) {
            entry.websockets.push_back(route);
        } else {
            websockets_.close(route, websocket::close_code::normal, "not needed");
        }
    }
}

void PathKeeper::arm(Handle session, Entry& entry) {
    std::optional<Instant> next = entry.dial_at;
    keep_earliest(next, entry.ask_udp_at);
    keep_earliest(next, entry.close_at);
    if (!next) return;
    entry.timer.expires_after(std::max(Duration::zero(), *next - platform::now()));
    entry.timer.async_wait([this, session, watch = lifetime_.watch()](std::error_code error) {
        if (!error && !watch.is_over()) handle_timer(session);
    });
}

void PathKeeper::handle_timer(Handle session) {
    const auto found = entries_.find(session);
    if (found == entries_.end()) return;
    Entry& entry = found->second;
    const Instant now = platform::now();
    const bool is_needed = needs_websocket(session, entry);
    if (take_due(entry.dial_at, now) && is_needed) dial(session, entry);
    if (take_due(entry.ask_udp_at, now)) ask_udp(session, entry);
    if (!entry.ask_udp_at && entry.route.is_reliable()) {
        entry.ask_udp_at = now + entry.udp_pause;
        entry.udp_pause = std::min(2 * entry.udp_pause, udp_pause_max);
    }
    if (take_due(entry.close_at, now)) {
        is_needed ? void(entry.close_at = now + unused_time) : close_unused(entry);
    }
    arm(session, entry);
}

}  // namespace stt::node
