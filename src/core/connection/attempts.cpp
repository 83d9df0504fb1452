#include "core/connection/attempts.hpp"

#include <algorithm>
#include <stt/check.hpp>

namespace stt::connection {

std::string_view name_of(ConnectError error) noexcept {
    switch (error) {
        case ConnectError::timeout:
            return "timeout";
        case ConnectError::wrong_peer:
            return "wrong_peer";
        case ConnectError::incompatible:
            return "incompatible";
        case ConnectError::no_address:
            return "no_address";
        case ConnectError::too_many_addresses:
            return "too_many_addresses";
        case ConnectError::seed_unknown:
            return "seed_unknown";
        case ConnectError::seed_removed:
            return "seed_removed";
        case ConnectError::too_many_sessions:
            return "too_many_sessions";
        case ConnectError::count_:
            break;
    }
    return "unknown";
}

std::vector<Route> interleaved(std::span<const Route> addresses) {
    std::vector<Route> ordered;
    if (addresses.empty()) return ordered;
    const auto family = addresses.front().address.family();
    std::vector<Route> others;
    for (const Route& each : addresses) {
        if (std::find(ordered.begin(), ordered.end(), each) != ordered.end()) continue;
        if (std::find(others.begin(), others.end(), each) != others.end()) continue;
        (each.address.family() == family ? ordered : others).push_back(each);
    }
    // One of the others behind each of the first family, as long as there are both.
    for (std::size_t i = 0; i < others.size(); ++i) {
        const std::size_t place = std::min(2 * i + 1, ordered.size());
        ordered.insert(ordered.begin() + static_cast<std::ptrdiff_t>(place), others[i]);
    }
    return ordered;
}

AttemptId Attempts::begin(const Time& time, const Request& request, Outbox& outbox) {
    STT_CHECK(!request.addresses.empty());
    STT_CHECK(request.addresses.size() <= config_.address_count_max);
    const AttemptId id = next_id_++;
    Attempt& attempt = attempts_[id];
    attempt.seed = request.seed;
    attempt.context = request.context;
    attempt.wanted = request.wanted;
    attempt.addresses = interleaved(request.addresses);
    attempt.started_at = time.now;
    begin_try(time, id, attempt, outbox);
    return id;
}

// The HELLO to the next address; with no delay, to all that are left.
void Attempts::begin_try(const Time& time, AttemptId id, Attempt& attempt, Outbox& outbox) {
    do {
        const Place place{id, attempt.tries.size()};
        const handshake::InitiatorConfig config{node_id_, capabilities_, attempt.wanted};
        Try& one = attempt.tries.emplace_back();
        one.initiator = std::make_unique<handshake::Initiator>(*attempt.context, config,
                                                               time.unix_ms, *random_);
        one.started_at = time.now;
        one.interval = config_.resend_first;
        ++attempt.open_count;
        by_handshake_id_[one.initiator->handshake_id()] = place;
        send_hello(time.now, place, one, attempt.addresses[place.index], outbox);
    } while (config_.address_delay <= Duration::zero() &&
             attempt.tries.size() < attempt.addresses.size());
    attempt.next_at.reset();
    if (attempt.tries.size() == attempt.addresses.size()) return;
    attempt.next_at = time.now + config_.address_delay;
    timers_.insert({*attempt.next_at, {id, begin_next}});
}

// The same bytes after 250 ms, then doubling to 2 s, for 10 s. Spec protocol §4.3 (a).
void Attempts::send_hello(Instant now, const Place& place, Try& one, const Route& to,
                          Outbox& outbox) {
    // A full outbox is a loss like any other on the way.
    (void)outbox.push(to, one.initiator->hello_frame());
    ++one.sent_count;
    // A WebSocket loses nothing, but for one that leads to a bridge. Spec protocol §4.3 (b).
    if (to.is_reliable()) one.interval = config_.resend_max;
    one.due_at = std::min(now + one.interval, one.started_at + config_.timeout);
    one.interval = std::min(2 * one.interval, config_.resend_max);
    timers_.insert({one.due_at, place});
}

void Attempts::end_try(const Place& place, Attempt& attempt) {
    Try& one = attempt.tries[place.index];
    if (one.initiator == nullptr) return;
    timers_.erase({one.due_at, place});
    by_handshake_id_.erase(one.initiator->handshake_id());
    one.initiator.reset();
    --attempt.open_count;
}

void Attempts::cancel(AttemptId id) {
    const auto found = attempts_.find(id);
    if (found == attempts_.end()) return;
    Attempt& attempt = found->second;
    for (std::size_t i = 0; i < attempt.tries.size(); ++i) end_try({id, i}, attempt);
    if (attempt.next_at) timers_.erase({*attempt.next_at, {id, begin_next}});
    attempts_.erase(found);
}

std::vector<AttemptId> Attempts::cancel_all_of(handshake::SeedId seed) {
    std::vector<AttemptId> ended;
    for (const auto& [id, attempt] : attempts_) {
        if (attempt.seed == seed) ended.push_back(id);
    }
    for (const AttemptId id : ended) cancel(id);
    return ended;
}

// What an authentic answer that cannot be used says about why the attempt fails.
void Attempts::note(Attempt& attempt, wire::DropReason reason) noexcept {
    using wire::DropReason;
    if (reason == DropReason::handshake_wrong_peer) {
        attempt.error = ConnectError::wrong_peer;
    } else if (attempt.error == ConnectError::timeout &&
               (reason == DropReason::handshake_version ||
                reason == DropReason::handshake_malformed ||
                reason == DropReason::handshake_commitment)) {
        attempt.error = ConnectError::incompatible;
    }
}

Result<Attempts::Won, wire::DropReason> Attempts::handle_response(
    const Time& time, const Route& from, const wire::FrameView& frame,
    handshake::SessionIdInUse is_in_use) {
    const Place place = by_handshake_id_.at(frame.session_id);
    Attempt& attempt = attempts_.at(place.attempt);
    Try& one = attempt.tries[place.index];
    if (from != attempt.addresses[place.index]) {
        return Unexpected(wire::DropReason::handshake_wrong_address);
    }
    const auto handled = one.initiator->handle_response(frame, time.unix_ms, is_in_use);
    if (!handled) {
        // Only a frame that a holder of the seed has sealed comes past its size.
        if (frame.size == handshake::padded_frame_size) note(attempt, handled.error());
        return Unexpected(handled.error());
    }
    Won won;
    won.attempt = place.attempt;
    won.route = attempt.addresses[place.index];
    won.seed = attempt.seed;
    won.started_at = attempt.started_at;
    if (one.sent_count == 1) won.round_trip = time.now - one.started_at;
    // Out of its place first: cancel() lets go of all that are left.
    std::unique_ptr<handshake::Initiator> initiator = std::move(one.initiator);
    timers_.erase({one.due_at, place});
    by_handshake_id_.erase(initiator->handshake_id());
    won.initiator = std::move(initiator);
    won.addresses = std::move(attempt.addresses);
    cancel(place.attempt);
    return won;
}

void Attempts::handle_route_closed(const Route& route) {
    for (auto at = attempts_.begin(); at != attempts_.end();) {
        Attempt& attempt = at->second;
        bool has_ended = false;
        for (std::size_t i = 0; i < attempt.tries.size(); ++i) {
            if (attempt.addresses[i] != route || attempt.tries[i].initiator == nullptr) continue;
            end_try({at->first, i}, attempt);
            has_ended = true;
        }
        if (!has_ended || attempt.open_count > 0 || attempt.next_at) {
            ++at;
            continue;
        }
        failed_.push_back({at->first, attempt.error});
        at = attempts_.erase(at);
    }
}

void Attempts::handle_timeout(const Time& time, Outbox& outbox) {
    while (!timers_.empty() && timers_.begin()->first <= time.now) {
        const Place place = timers_.begin()->second;
        timers_.erase(timers_.begin());
        Attempt& attempt = attempts_.at(place.attempt);
        if (place.index == begin_next) {
            begin_try(time, place.attempt, attempt, outbox);
            continue;
        }
        Try& one = attempt.tries[place.index];
        if (time.now < one.started_at + config_.timeout) {
            send_hello(time.now, place, one, attempt.addresses[place.index], outbox);
            continue;
        }
        end_try(place, attempt);
        if (attempt.open_count > 0 || attempt.next_at) continue;
        failed_.push_back({place.attempt, attempt.error});
        attempts_.erase(place.attempt);
    }
}

std::optional<Attempts::Failed> Attempts::poll_failed() {
    if (failed_.empty()) return std::nullopt;
    const Failed failed = failed_.front();
    failed_.pop_front();
    return failed;
}

std::optional<Instant> Attempts::poll_timeout() const noexcept {
    if (timers_.empty()) return std::nullopt;
    return timers_.begin()->first;
}

}  // namespace stt::connection
