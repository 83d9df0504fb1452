#include "core/connection/fan_out.hpp"

#include <algorithm>
#include <stt/check.hpp>

namespace stt::connection {
namespace {

// Bytes that are given to a stream at a time.
constexpr std::size_t chunk_size_max = 16'384;
// A message takes a place more than its bytes, so that an empty one has an end of its own.
constexpr std::size_t message_mark_size = 1;

}  // namespace

FanOut::FanOut(Endpoint& endpoint, const FanOutConfig& config)
    : endpoint_(endpoint), config_(config) {
    STT_CHECK(config.buffer_size_max > 0);
    STT_CHECK(config.has_messages || config.laggards != LaggardPolicy::skip);
}

bool FanOut::add(const Moment& moment, const FanOutMember& member) {
    const auto [place, is_new] = members_.emplace(member, State{end_, false});
    if (!is_new) return false;
    by_cursor_.emplace(end_, member);
    unblocked_.insert(member);
    feed(moment, place);
    return true;
}

bool FanOut::remove(const FanOutMember& member) {
    const auto place = members_.find(member);
    if (place == members_.end()) return false;
    by_cursor_.erase({place->second.cursor, member});
    unblocked_.erase(member);
    members_.erase(place);
    advance();
    return true;
}

Result<std::size_t, FanOutError> FanOut::write(const Moment& moment, Bytes data) {
    const std::size_t mark = config_.has_messages ? message_mark_size : 0;
    const std::size_t size = data.size() + mark;
    if (config_.has_messages && size > config_.buffer_size_max) {
        return Unexpected(FanOutError::too_large);
    }
    const std::size_t room = make_room(size);
    const std::size_t taken = std::min(room, data.size());
    if (config_.has_messages ? room < size : taken == 0 && !data.empty()) {
        is_writable_wanted_ = true;
        return Unexpected(FanOutError::would_block);
    }
    ring_.reserve_until(end_ + taken + mark);
    ring_.put(end_, data.first(taken));
    end_ += taken + mark;
    if (config_.has_messages) message_ends_.push_back(end_);
    // Those whose streams have room; feeding may block one, or end it.
    const std::vector<FanOutMember> now(unblocked_.begin(), unblocked_.end());
    for (const FanOutMember& member : now) {
        const auto place = members_.find(member);
        if (place != members_.end()) feed(moment, place);
    }
    advance();
    return taken;
}

bool FanOut::feed(const Moment& moment, Members::iterator member) {
    const FanOutMember name = member->first;
    Connection* const connection = endpoint_.find(name.session);
    bool has_fed = false;
    while (connection != nullptr && member->second.cursor < end_) {
        const auto taken = feed_once(moment, *connection, *member);
        if (!taken) {
            end_member(member, FanOutEvent::Kind::left);
            return false;
        }
        if (*taken == 0) {
            member->second.is_blocked = true;
            unblocked_.erase(name);
            break;
        }
        has_fed = true;
        move_cursor(member, member->second.cursor + *taken);
    }
    if (has_fed) endpoint_.touch(name.session);
    return true;
}

// Gives the stream one message, or some bytes: how many of the buffer's that were; null: the
// stream takes nothing more.
std::optional<std::size_t> FanOut::feed_once(const Moment& moment, Connection& connection,
                                             const Members::value_type& member) {
    const std::uint64_t cursor = member.second.cursor;
    if (!config_.has_messages) {
        const std::uint64_t size = std::min<std::uint64_t>(end_ - cursor, chunk_size_max);
        chunk_.resize(static_cast<std::size_t>(size));
        ring_.get(cursor, chunk_);
        const auto taken = connection.write(member.first.key, chunk_);
        return taken ? std::optional(*taken) : std::nullopt;
    }
    const auto message_end = std::upper_bound(message_ends_.begin(), message_ends_.end(), cursor);
    const auto size = static_cast<std::size_t>(*message_end - cursor);
    chunk_.resize(size - message_mark_size);
    ring_.get(cursor, chunk_);
    const auto sent = connection.send_message(moment.now, member.first.key, chunk_);
    if (sent) return size;
    if (sent.error() == stream::SendError::would_block) return 0;
    return std::nullopt;
}

void FanOut::move_cursor(Members::iterator member, std::uint64_t cursor) {
    by_cursor_.erase({member->second.cursor, member->first});
    member->second.cursor = cursor;
    by_cursor_.emplace(cursor, member->first);
}

void FanOut::end_member(Members::iterator member, FanOutEvent::Kind kind) {
    events_.push_back({kind, member->first});
    by_cursor_.erase({member->second.cursor, member->first});
    unblocked_.erase(member->first);
    members_.erase(member);
    advance();
}

std::size_t FanOut::make_room(std::size_t size) {
    const auto room = [this] { return config_.buffer_size_max - buffered(); };
    advance();
    if (config_.laggards == LaggardPolicy::wait || room() >= size) return room();
    // At most a whole buffer: of bytes that are more, a part is taken.
    const std::uint64_t wanted = std::min<std::uint64_t>(size, config_.buffer_size_max);
    const std::uint64_t needed_begin = end_ + wanted - config_.buffer_size_max;
    while (!by_cursor_.empty() && by_cursor_.begin()->first < needed_begin) {
        overtake(members_.find(by_cursor_.begin()->second), needed_begin);
    }
    advance();
    return room();
}

// A member stands where there must be room.
void FanOut::overtake(Members::iterator member, std::uint64_t needed_begin) {
    if (config_.laggards == LaggardPolicy::skip) {
        auto at =
            std::upper_bound(message_ends_.begin(), message_ends_.end(), member->second.cursor);
        std::uint64_t cursor = member->second.cursor;
        for (; cursor < needed_begin; ++at) {
            cursor = *at;
            ++messages_skipped_;
        }
        move_cursor(member, cursor);
        return;
    }
    const FanOutMember name = member->first;
    if (Connection* const connection = endpoint_.find(name.session)) {
        connection->reset(name.key, config_.drop_code);
        endpoint_.touch(name.session);
    }
    ++members_dropped_;
    end_member(member, FanOutEvent::Kind::dropped);
}

// Lets go of what every member has taken.
void FanOut::advance() {
    const std::uint64_t lowest = by_cursor_.empty() ? end_ : by_cursor_.begin()->first;
    if (lowest == begin_) return;
    begin_ = lowest;
    ring_.advance(begin_, begin_ == end_);
    while (!message_ends_.empty() && message_ends_.front() <= begin_) message_ends_.pop_front();
    if (!std::exchange(is_writable_wanted_, false)) return;
    events_.push_back({FanOutEvent::Kind::writable, {}});
}

bool FanOut::handle_event(const Moment& moment, const EndpointEvent& event) {
    const auto* of_session = std::get_if<SessionEvent>(&event);
    if (of_session == nullptr) return false;
    if (std::holds_alternative<Closed>(of_session->event)) {
        // Every stream of that session; the event is the application's as well.
        for (auto at = members_.lower_bound({of_session->session, {}});
             at != members_.end() && at->first.session == of_session->session;) {
            const auto next = std::next(at);
            end_member(at, FanOutEvent::Kind::left);
            at = next;
        }
        return false;
    }
    const auto* of_stream = std::get_if<stream::StreamEvent>(&of_session->event);
    if (of_stream == nullptr) return false;
    const auto member = members_.find({of_session->session, of_stream->key});
    if (member == members_.end()) return false;
    if (of_stream->kind == stream::StreamEvent::Kind::stopped) {
        end_member(member, FanOutEvent::Kind::left);
        return true;
    }
    if (of_stream->kind != stream::StreamEvent::Kind::writable) return false;
    member->second.is_blocked = false;
    unblocked_.insert(member->first);
    feed(moment, member);
    advance();
    return true;
}

std::optional<FanOutEvent> FanOut::poll_event() {
    if (events_.empty()) return std::nullopt;
    const FanOutEvent event = events_.front();
    events_.pop_front();
    return event;
}

}  // namespace stt::connection
