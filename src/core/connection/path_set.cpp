#include "core/connection/path_set.hpp"

#include <algorithm>
#include <stt/check.hpp>
#include <utility>

#include "base/earliest.hpp"

namespace stt::connection {

PathSet::PathSet(recovery::LossDetection& loss, const recovery::PathConfig& config,
                 const Start& start, Instant now)
    : loss_(&loss), config_(config) {
    Path path;
    path.route = start.route;
    path.number = new_number();
    path.is_validated = start.is_validated;
    path.bytes_received = start.bytes_received;
    path.bytes_sent = start.bytes_sent;
    loss_->add_path(path.number, config_of(path.route));
    loss_->take_path(now, path.number);
    if (!path.is_validated) challenge(path, now);
    paths_.push_back(path);
}

recovery::PathConfig PathSet::config_of(const Route& route) const noexcept {
    recovery::PathConfig config = config_;
    config.is_reliable = route.is_reliable();
    // The larger header of IPv6 leaves 20 bytes less. Spec protocol §13.1.
    const bool is_default = config.datagram_size_ceiling == recovery::datagram_size_ceiling_ipv4;
    if (is_default && route.address.family() == Address::Family::ipv6) {
        config.datagram_size_ceiling = recovery::datagram_size_ceiling_ipv6;
    }
    return config;
}

// Not one of those that are there, however often numbers have gone round.
recovery::PathNumber PathSet::new_number() noexcept {
    while (loss_->has_path(next_number_)) ++next_number_;
    return next_number_++;
}

std::size_t PathSet::limit_of(const Path& path) noexcept {
    if (path.is_closed) return 0;
    if (path.is_validated) return std::numeric_limits<std::size_t>::max();
    const std::uint64_t most = amplification_max * path.bytes_received;
    return most > path.bytes_sent ? static_cast<std::size_t>(most - path.bytes_sent) : 0;
}

const PathSet::Path* PathSet::find(const Route& route) const noexcept {
    for (const Path& path : paths_) {
        // Most ask for the route that one of them is.
        const bool is_this = &path.route == &route || path.route == route;
        if (is_this && !path.is_closed) return &path;
    }
    return nullptr;
}

bool PathSet::has_websocket(std::uint64_t connection) const noexcept {
    return std::any_of(paths_.begin(), paths_.end(), [connection](const Path& path) {
        return path.route.connection == connection && !path.is_closed;
    });
}

PathSet::Path* PathSet::find(const Route& route) noexcept {
    return const_cast<Path*>(std::as_const(*this).find(route));
}

std::optional<std::size_t> PathSet::send_limit(const Route& route) const noexcept {
    const Path* const path = find(route);
    if (path == nullptr) return std::nullopt;
    const bool is_kept = path != &paths_.front() && !path->is_validated && !path->is_candidate;
    if (is_kept) return std::nullopt;
    return limit_of(*path);
}

void PathSet::on_sent(const Route& route, std::size_t size) noexcept {
    if (Path* const path = find(route)) path->bytes_sent += size;
}

std::optional<recovery::PathNumber> PathSet::number_of(const Route& route) const noexcept {
    const Path* const path = find(route);
    if (path == nullptr) return std::nullopt;
    return path->number;
}

// ---- challenges

// A path of which nothing is known may be slower than the one in use, or as slow as is assumed
// before the first sample.
Duration PathSet::challenge_interval() const noexcept {
    const Duration initial = recovery::RttEstimator().probe_timeout();
    return std::max(initial, loss_->path(number()).rtt().probe_timeout());
}

void PathSet::challenge(Path& path, Instant now) noexcept {
    if (path.challenge_at) return;
    path.challenge_turns = 0;
    path.token_count = 0;
    path.challenge_at = now;
}

void PathSet::end_challenge(Path& path) noexcept {
    path.challenge_at.reset();
    path.token_count = 0;
}

std::optional<Route> PathSet::challenge_due(Instant now, std::size_t size) {
    for (Path& path : paths_) {
        const bool is_due = path.challenge_at && now >= *path.challenge_at &&
                            path.challenge_turns < challenge_count_max && !path.is_closed;
        if (!is_due) continue;
        if (path.is_chosen || limit_of(path) >= size) return path.route;
        // What came from there pays for no more: this turn passes without one.
        ++path.challenge_turns;
        path.challenge_at = now + challenge_interval();
    }
    return std::nullopt;
}

void PathSet::on_challenge_sent(Instant now, const Route& route, const wire::Token& token) {
    Path* const path = find(route);
    STT_CHECK(path != nullptr && path->token_count < challenge_count_max);
    path->tokens[path->token_count++] = token;
    ++path->challenge_turns;
    path->challenge_at = now + challenge_interval();
}

PathSet::Response PathSet::on_response(Instant now, const Route& from, const wire::Token& token) {
    Path* const path = find(from);
    if (path == nullptr || !path->challenge_at) return {};
    const auto end = path->tokens.begin() + path->token_count;
    if (std::find(path->tokens.begin(), end, token) == end) return {};
    end_challenge(*path);
    path->is_validated = true;
    if (!path->is_candidate) {
        path->is_chosen = false;
        return {true, false};
    }
    path->is_candidate = false;
    // The peer may have moved on, or back, while the answer was under way.
    const Path& used = paths_.front();
    const bool is_overtaken = used.is_validated && used.newest_sequence > path->newest_sequence;
    if (is_overtaken && !path->is_chosen) {
        path->former_until = now + 3 * challenge_interval();
        make_room(now, false, former_count_max + 1);
        return {true, false};
    }
    take(now, static_cast<std::size_t>(path - paths_.data()));
    paths_.front().is_chosen = false;
    return {true, true};
}

// ---- what happened

bool PathSet::on_frame(Instant now, const Route& from, const Frame& frame) {
    Path* const path = find(from);
    if (path == nullptr) {
        return frame.is_moving && add_candidate(now, from, frame);
    }
    path->bytes_received += frame.size;
    if (!frame.is_moving) return false;
    path->newest_sequence = frame.sequence;
    if (path == &paths_.front()) {
        // The last challenges were in vain, but somebody is there.
        if (!path->is_validated) challenge(*path, now);
        return false;
    }
    if (path->is_validated) {
        // Sent before the peer saw this side's choice.
        if (path->is_left) return false;
        take(now, static_cast<std::size_t>(path - paths_.data()));
        return true;
    }
    if (!path->is_candidate) {
        // Kept for when a WebSocket closes, and no longer trusted.
        path->is_candidate = true;
        path->bytes_received = frame.size;
        path->bytes_sent = 0;
        challenge(*path, now);
        challenge(paths_.front(), now);
    }
    return false;
}

bool PathSet::add_candidate(Instant now, const Route& from, const Frame& frame) {
    if (find(from) != nullptr) return false;
    make_room(now, true, candidate_count_max);
    Path path;
    path.route = from;
    path.number = new_number();
    path.is_candidate = true;
    path.newest_sequence = frame.sequence;
    path.bytes_received = frame.size;
    challenge(path, now);
    loss_->add_path(path.number, config_of(from));
    const bool is_stranded = paths_.front().is_closed;
    if (!is_stranded) challenge(paths_.front(), now);
    paths_.push_back(path);
    // Spec protocol §11.2 (a): with the old path closed, data goes to the candidate.
    if (is_stranded) take(now, paths_.size() - 1);
    return is_stranded;
}

bool PathSet::choose(Instant now, const Route& route) {
    if (this->route() == route && !paths_.front().is_closed) {
        // Taken when there was no other, and asked in vain so far.
        if (!paths_.front().is_validated) {
            paths_.front().is_chosen = true;
            challenge(paths_.front(), now);
        }
        return false;
    }
    if (find(route) == nullptr) add_candidate(now, route, {});
    Path& chosen = *find(route);
    chosen.is_chosen = true;
    if (&chosen == &paths_.front()) return true;  // the former one had closed
    if (chosen.is_validated) {
        take(now, static_cast<std::size_t>(&chosen - paths_.data()));
        paths_.front().is_chosen = false;
        return true;
    }
    chosen.is_candidate = true;
    challenge(chosen, now);
    return false;
}

bool PathSet::is_chosen(const Route& route) const noexcept {
    const Path* const path = find(route);
    return path != nullptr && path->is_chosen;
}

void PathSet::take(Instant now, std::size_t index) {
    const Route former_route = paths_.front().route;
    Path& former = paths_.front();
    Path& taken = paths_[index];
    const bool is_same_path = !former_route.is_reliable() && !taken.route.is_reliable() &&
                              former_route.address.is_same_host(taken.route.address);
    if (taken.number == former.number) {
        // A former path whose port alone differs.
    } else if (is_same_path && !former.is_closed) {
        // What was challenged there is lost, and nothing else: the state is the former's.
        const recovery::PathNumber number = taken.number;
        taken.number = former.number;
        if (std::none_of(paths_.begin(), paths_.end(),
                         [number](const Path& path) { return path.number == number; })) {
            loss_->remove_path(now, number);
        }
    } else {
        loss_->take_path(now, taken.number);
    }
    taken.is_candidate = false;
    taken.former_until.reset();
    end_challenge(former);
    former.is_left = taken.is_chosen;
    Duration kept = 3 * loss_->path(former.number).rtt().probe_timeout();
    if (taken.is_chosen) kept = std::max(kept, choice_hold_min);
    former.former_until = now + kept;
    taken.is_left = false;
    // The one in use first; the former one last, as the newest of them.
    const Path moved = paths_[index];
    const Path left = paths_.front();
    paths_.erase(paths_.begin() + static_cast<std::ptrdiff_t>(index));
    paths_.front() = moved;
    paths_.push_back(left);
    if (!left.is_validated || left.is_closed) remove(now, paths_.size() - 1);
    make_room(now, false, former_count_max + 1);
    if (route().is_reliable()) return;
    // Kept for when a WebSocket closes: that is over.
    for (std::size_t i = paths_.size(); i-- > 1;) {
        if (!paths_[i].is_validated && !paths_[i].is_candidate) remove(now, i);
    }
}

// Removes the oldest of a kind until there are fewer than count_max.
void PathSet::make_room(Instant now, bool is_candidate, std::size_t count_max) {
    const auto is_alike = [&](const Path& path) {
        return &path != &paths_.front() && path.is_candidate == is_candidate;
    };
    while (static_cast<std::size_t>(std::count_if(paths_.begin(), paths_.end(), is_alike)) >=
           count_max) {
        const auto oldest = std::find_if(paths_.begin(), paths_.end(), is_alike);
        remove(now, static_cast<std::size_t>(oldest - paths_.begin()));
    }
}

void PathSet::remove(Instant now, std::size_t index) {
    const recovery::PathNumber number = paths_[index].number;
    paths_.erase(paths_.begin() + static_cast<std::ptrdiff_t>(index));
    const bool is_shared = std::any_of(
        paths_.begin(), paths_.end(), [number](const Path& path) { return path.number == number; });
    if (!is_shared) loss_->remove_path(now, number);
}

bool PathSet::on_closed(Instant now, const Route& route) {
    Path* const path = find(route);
    if (path == nullptr) return false;
    if (path != &paths_.front()) {
        remove(now, static_cast<std::size_t>(path - paths_.data()));
        return false;
    }
    path->is_closed = true;
    // The path that was left last; else one that is not validated, the newest. Spec protocol
    // §11.3 (c), §11.2 (a).
    std::size_t next = 0;
    for (std::size_t i = 1; i < paths_.size(); ++i) {
        const bool is_better = next == 0 || !paths_[i].is_candidate || paths_[next].is_candidate;
        if (is_better) next = i;
    }
    if (next != 0) {
        if (!paths_[next].is_candidate) paths_[next].is_validated = true;
        take(now, next);
        challenge(paths_.front(), now);
        return true;
    }
    // Nothing is left: what was under way is lost, and what comes next shows a path.
    const recovery::PathNumber number = path->number;
    path->number = new_number();
    loss_->add_path(path->number, config_);
    loss_->take_path(now, path->number);
    loss_->remove_path(now, number);
    end_challenge(*path);
    return false;
}

void PathSet::on_network_changed(Instant now) {
    Path& used = paths_.front();
    if (used.route.is_reliable() || used.is_closed) return;
    if (retired_) loss_->remove_path(now, retired_->number);
    const recovery::PathNumber number = used.number;
    retired_ = Retired{number, now + loss_->path(number).rtt().probe_timeout()};
    const recovery::PathNumber renewed = new_number();
    loss_->add_path(renewed, config_of(used.route));
    loss_->take_path(now, renewed);
    for (Path& path : paths_) {
        if (path.number == number) path.number = renewed;
    }
}

void PathSet::on_timeout(Instant now) {
    if (retired_ && now >= retired_->until) {
        loss_->remove_path(now, retired_->number);
        retired_.reset();
    }
    for (std::size_t i = paths_.size(); i-- > 0;) {
        Path& path = paths_[i];
        const bool is_unanswered = path.challenge_at && now >= *path.challenge_at &&
                                   path.challenge_turns >= challenge_count_max;
        if (is_unanswered) end_challenge(path);
        if (i == 0) continue;
        const bool is_over = path.former_until && now >= *path.former_until;
        if (is_unanswered && path.is_candidate) {
            remove(now, i);
        } else if (is_over) {
            // A WebSocket may close at any time: the path before it is remembered.
            const bool is_newest =
                std::none_of(paths_.begin() + static_cast<std::ptrdiff_t>(i) + 1, paths_.end(),
                             [](const Path& later) { return !later.is_candidate; });
            path.former_until.reset();
            path.is_validated = false;
            if (!route().is_reliable() || !is_newest) remove(now, i);
        }
    }
}

std::optional<Instant> PathSet::deadline() const noexcept {
    std::optional<Instant> earliest;
    for (const Path& path : paths_) {
        keep_earliest(earliest, path.challenge_at);
        keep_earliest(earliest, path.former_until);
    }
    if (retired_) keep_earliest(earliest, retired_->until);
    return earliest;
}

}  // namespace stt::connection
