#include "node/shard_exchange.hpp"

#include <utility>

#include "node/moment.hpp"

namespace stt::node {
namespace {

Record record_of(ShardRecord kind, const Route& route, std::uint8_t ecn = 0) noexcept {
    return {static_cast<std::uint8_t>(kind), ecn, route};
}

void add_one(std::atomic<std::uint64_t>& counter) noexcept {
    counter.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace

void ShardExchange::take_stray(std::size_t shard, const Route& from, Bytes frames,
                               std::uint8_t ecn) {
    if (waiting_[shard].empty() && send_frames(shard, from, frames, ecn)) return;
    // TCP loses nothing, and what is lost behind it looks like a bridge: Spec protocol §10.5 (b).
    // So a peer's WebSocket waits; of others, and of strangers, there is no end.
    if (!websockets_.is_authenticated(from)) {
        return add_one(seat_.mail->counters(seat_.index).drops_full);
    }
    waiting_[shard].push_back({from, {frames.begin(), frames.end()}});
    websockets_.hold_reading(from);
}

bool ShardExchange::send_frames(std::size_t shard, const Route& from, Bytes frames,
                                std::uint8_t ecn) {
    const ShardMail::Way way{seat_.index, shard};
    const bool is_sent = !seat_.mail->is_full_for_frames(way) &&
                         seat_.mail->send(way, record_of(ShardRecord::frames, from, ecn), frames);
    if (is_sent) add_one(seat_.mail->counters(seat_.index).datagrams_forwarded);
    return is_sent;
}

// A shard that has room again wakes this one.
void ShardExchange::send_waiting() {
    std::set<Route> held;
    for (std::size_t shard = 0; shard < waiting_.size(); ++shard) {
        auto& waiting = waiting_[shard];
        while (!waiting.empty() &&
               send_frames(shard, waiting.front().from, waiting.front().frames, 0)) {
            held.insert(waiting.front().from);
            waiting.pop_front();
        }
    }
    // Of those whose frames all went.
    for (const auto& waiting : waiting_) {
        for (const Waiting& each : waiting) held.erase(each.from);
    }
    for (const Route& route : held) websockets_.resume_reading(route);
}

void ShardExchange::take_mail() {
    drain();
    owner_.run();
}

void ShardExchange::drain() {
    seat_.mail->take_all(
        seat_.index, [this](std::size_t from, const Record& record, MutableBytes payload) {
            const auto kind = static_cast<ShardRecord>(record.kind);
            switch (kind) {
                case ShardRecord::frames:
                    return handle_frames(record.route, payload, record.ecn);
                case ShardRecord::message:
                    return websockets_.send(record.route, payload);
                case ShardRecord::in_use:
                case ShardRecord::unused:
                    return handle_use(from, record.route, kind == ShardRecord::in_use);
                case ShardRecord::has_room:
                case ShardRecord::has_no_room:
                case ShardRecord::has_closed:
                    return handle_state(record.route, kind);
            }
        });
    send_waiting();
    tell_again();
    find_room();
}

// ---- sessions of this shard

void ShardExchange::handle_frames(const Route& from, MutableBytes frames, std::uint8_t ecn) {
    owner_.handle_datagrams(from, frames, frames.size(), ecn);
    if (!is_elsewhere(from) || !endpoint_.carries_session(from)) return;
    if (carriers_.insert(from.connection).second) tell_use(from);
}

void ShardExchange::send(const Route& route, Bytes message) {
    const ShardMail::Way way{seat_.index, seat_.shard_of(route)};
    const bool is_sent = seat_.mail->send(way, record_of(ShardRecord::message, route), message);
    auto& counters = seat_.mail->counters(seat_.index);
    add_one(is_sent ? counters.messages_forwarded : counters.drops_full);
    if (seat_.mail->is_full(way)) set_full_by_mail(way.to);
}

// All at once: each that learnt of it by a burst of its own would want that much room.
void ShardExchange::set_full_by_mail(std::size_t shard) {
    for (const Connection connection : carriers_) {
        const Route route({}, connection);
        if (seat_.shard_of(route) != shard) continue;
        Full full = full_[connection];
        if (std::exchange(full.by_mail, true)) continue;
        set_full(route, full);
    }
}

void ShardExchange::release(const Route& route) {
    // Another session may have come to it since.
    if (endpoint_.carries_session(route) || carriers_.erase(route.connection) == 0) return;
    full_.erase(route.connection);
    endpoint_.set_route_full(route, false);
    tell_use(route);
}

void ShardExchange::handle_state(const Route& route, ShardRecord state) {
    // It may have been let go while that was on its way.
    if (!carriers_.contains(route.connection)) return;
    if (state == ShardRecord::has_closed) {
        carriers_.erase(route.connection);
        full_.erase(route.connection);
        return owner_.handle_route_closed(route);
    }
    const auto found = full_.find(route.connection);
    Full full = found == full_.end() ? Full{} : found->second;
    full.by_socket = state == ShardRecord::has_no_room;
    set_full(route, full);
}

void ShardExchange::set_full(const Route& route, Full full) {
    const bool is_full = full.by_socket || full.by_mail;
    if (is_full) {
        full_[route.connection] = full;
    } else {
        full_.erase(route.connection);
    }
    owner_.set_route_full(route, is_full);
}

// Those that were full by the way to their shard alone.
void ShardExchange::find_room() {
    for (auto place = full_.begin(); place != full_.end();) {
        const Route route({}, place->first);
        Full full = place->second;
        ++place;  // set_full() may erase what it stood at
        if (!full.by_mail || seat_.mail->is_full({seat_.index, seat_.shard_of(route)})) continue;
        full.by_mail = false;
        set_full(route, full);
    }
}

// ---- WebSockets of this shard

void ShardExchange::handle_use(std::size_t user, const Route& route, bool is_used) {
    if (is_used) {
        if (!websockets_.has(route)) return tell_state(user, route);
        users_[route.connection].insert(user);
        websockets_.set_authenticated(route);
        if (websockets_.is_full(route)) tell_state(user, route);
        return;
    }
    const auto found = users_.find(route.connection);
    if (found == users_.end()) return;
    found->second.erase(user);
    if (!found->second.empty()) return;
    users_.erase(found);
    if (endpoint_.carries_session(route)) return;
    websockets_.close(route, websocket::close_code::normal, "no session");
}

void ShardExchange::handle_closed(const Route& route) {
    const auto users = users_.extract(route.connection);
    if (users.empty()) return;
    for (const std::size_t user : users.mapped()) tell_state(user, route);
}

void ShardExchange::handle_full_changed(const Route& route) {
    const auto users = users_.find(route.connection);
    if (users == users_.end()) return;
    for (const std::size_t user : users->second) tell_state(user, route);
}

// ---- what is told

void ShardExchange::tell_use(const Route& route) {
    const bool is_used = carriers_.contains(route.connection);
    tell(seat_.shard_of(route), is_used ? ShardRecord::in_use : ShardRecord::unused, route);
}

void ShardExchange::tell_state(std::size_t user, const Route& route) {
    if (!websockets_.has(route)) return tell(user, ShardRecord::has_closed, route);
    tell(user, websockets_.is_full(route) ? ShardRecord::has_no_room : ShardRecord::has_room,
         route);
}

void ShardExchange::tell(std::size_t to, ShardRecord kind, const Route& route) {
    // Behind what waits: a WebSocket has closed after what it brought.
    if (!waiting_[to].empty() || !seat_.mail->send({seat_.index, to}, record_of(kind, route), {})) {
        untold_[{to, route.connection}] = route;
    }
}

// A shard that has room again wakes this one.
void ShardExchange::tell_again() {
    for (const auto& [to, route] : std::exchange(untold_, {})) {
        is_elsewhere(route) ? tell_use(route) : tell_state(to.first, route);
    }
}

void ShardExchange::count_accepted() noexcept {
    add_one(seat_.mail->counters(seat_.index).sessions_accepted);
}

void ShardExchange::count_sessions() noexcept {
    seat_.mail->counters(seat_.index)
        .sessions.store(endpoint_.session_count(), std::memory_order_relaxed);
}

bool ShardExchange::finish() {
    if (!std::exchange(is_finished_, true)) seat_.mail->set_finished();
    if (!seat_.mail->are_all_finished()) return false;
    drain();  // what they sent last
    return true;
}

}  // namespace stt::node
