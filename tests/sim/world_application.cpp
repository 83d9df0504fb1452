#include "world_application.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <sstream>

#include "base/byte_order.hpp"

namespace stt::sim {
namespace {

using testing::NodeNumber;
using testing::Pattern;

constexpr std::uint64_t close_code = 300;
constexpr std::uint64_t reset_code = 400;
constexpr std::uint64_t stop_code = 500;
// Bytes that an application writes at once.
constexpr std::size_t write_size = 16'384;
// Sessions of one plan that may end early, and connects that may fail, one after another.
constexpr unsigned attempts_max = 40;

// "3/12/0": the session's plan, the stream's place in it, the attempt.
std::string endpoint_name(std::size_t session, std::size_t stream, unsigned attempt) {
    return std::to_string(session) + '/' + std::to_string(stream) + '/' + std::to_string(attempt);
}

struct EndpointParts {
    std::size_t session = 0;
    std::size_t stream = 0;
    unsigned attempt = 0;
};
std::optional<EndpointParts> parse_endpoint(const std::string& name) {
    unsigned long session = 0;
    unsigned long stream = 0;
    unsigned attempt = 0;
    if (std::sscanf(name.c_str(), "%lu/%lu/%u", &session, &stream, &attempt) != 3) {
        return std::nullopt;
    }
    return EndpointParts{session, stream, attempt};
}

}  // namespace

WorldApplication::WorldApplication(testing::SimulatedNetwork& network,
                                   testing::InvariantChecker& checker, const WorldPlan& plan,
                                   std::uint64_t seed)
    : network_(network),
      checker_(checker),
      plan_(plan),
      seed_(seed),
      undertakings_(plan.sessions.size()) {
    std::size_t read_size_max = 0;
    for (const NodePlan& node : plan.nodes) {
        read_size_max = std::max(read_size_max, node.read_size_max);
    }
    buffer_.resize(std::max(read_size_max, write_size));
}

void WorldApplication::fail(const Work& work, std::string_view what) {
    std::ostringstream text;
    text << "session " << work.session;
    if (work.plan) text << " (plan " << *work.plan << ", attempt " << work.attempt << ')';
    text << ": " << what;
    checker_.fail(work.node, text.str());
}

Pattern WorldApplication::pattern(const Work& work, const StreamWork& stream,
                                  bool is_written) const {
    const std::uint64_t place = (std::uint64_t{*work.plan} << 40) | (stream.index << 16) |
                                (std::uint64_t{work.attempt} << 1) |
                                (stream.is_opener == is_written ? 0u : 1u);
    return Pattern(testing::mixed(seed_) ^ testing::mixed(place));
}

WorldApplication::Work* WorldApplication::find_work(WorkNumber number) {
    const auto found = works_.find(number);
    return found != works_.end() ? &found->second : nullptr;
}

WorldApplication::Work& WorldApplication::add_work(NodeNumber node,
                                                   connection::SessionHandle session) {
    const WorkNumber number = next_work_++;
    by_session_[{node, session}] = number;
    Work& work = works_[number];
    work.node = node;
    work.session = session;
    return work;
}

void WorldApplication::forget(WorkNumber number) {
    const auto found = works_.find(number);
    if (found == works_.end()) return;
    const Work& work = found->second;
    by_session_.erase({work.node, work.session});
    if (work.plan) {
        Undertaking& undertaking = undertakings_[*work.plan];
        if (undertaking.at_client == number) undertaking.at_client.reset();
        if (undertaking.at_server == number) undertaking.at_server.reset();
    }
    // Whoever settled its last stream may still hold it: it goes when nothing is being handled.
    forgotten_.push_back(works_.extract(found));
    network_.schedule(Duration{0}, [this] { forgotten_.clear(); });
}

// ---- sessions

void WorldApplication::start(std::size_t session) {
    connect(session);
}

void WorldApplication::connect(std::size_t session) {
    const SessionPlan& plan = plan_.sessions[session];
    Undertaking& undertaking = undertakings_[session];
    if (!network_.is_running(plan.client) || undertaking.is_done) return;
    std::optional<handshake::NodeId> wanted;
    if (plan.knows_server && network_.is_running(plan.server)) {
        wanted = network_.endpoint(plan.server).node_id();
    }
    undertaking.connecting = network_.connect_to(plan.client, {&reach_[plan.server], 1}, wanted);
}

void WorldApplication::retry(std::size_t session) {
    Undertaking& undertaking = undertakings_[session];
    if (undertaking.is_done) return;
    if (++undertaking.attempt > attempts_max) {
        return checker_.fail(plan_.sessions[session].client, "gave up connecting");
    }
    network_.schedule(std::chrono::milliseconds(100), [this, session] {
        if (!undertakings_[session].at_client && !undertakings_[session].connecting) {
            connect(session);
        }
    });
}

void WorldApplication::handle_connected(NodeNumber node,
                                        const connection::SessionConnected& event) {
    for (std::size_t session = 0; session < undertakings_.size(); ++session) {
        Undertaking& undertaking = undertakings_[session];
        if (plan_.sessions[session].client != node || undertaking.connecting != event.attempt) {
            continue;
        }
        undertaking.connecting.reset();
        return open_streams(begin_work(session, event.session));
    }
    checker_.fail(node, "a session that nobody asked for");
}

WorldApplication::Work& WorldApplication::begin_work(std::size_t session,
                                                     connection::SessionHandle handle) {
    Undertaking& undertaking = undertakings_[session];
    undertaking.at_client = next_work_;
    undertaking.at_server.reset();
    Work& work = add_work(plan_.sessions[session].client, handle);
    work.plan = session;
    work.attempt = undertaking.attempt;
    work.is_client = true;
    return work;
}

void WorldApplication::handle_reconnected(NodeNumber node,
                                          const connection::SessionReconnected& event) {
    const auto found = by_session_.find({node, event.old_session});
    if (found == by_session_.end()) return checker_.fail(node, "an unknown session was replaced");
    Work& old = works_.at(found->second);
    if (!old.is_client || old.is_closing) return fail(old, "replaced, though nobody needs it");
    if (!plan_.may_die(plan_of(old))) fail(old, "replaced before its time");
    check_progress(old, event.streams);
    old.is_replaced = true;
    ++reconnections_;
    ++undertakings_[*old.plan].attempt;
    open_streams(begin_work(*old.plan, event.new_session));
}

// What is told of the streams that were: no more than was written, of each that is not over.
void WorldApplication::check_progress(const Work& work,
                                      const std::vector<stream::StreamProgress>& streams) {
    std::size_t told = 0;
    for (const auto& [key, progress] : streams) {
        const auto found = work.streams.find(key);
        if (found == work.streams.end()) {
            // One that the peer has begun to open.
            if (progress.is_local) fail(work, "progress of a stream that was never opened");
            continue;
        }
        const StreamWork& stream = found->second;
        const bool has_messages = stream::has_messages(progress.kind);
        const std::uint64_t acknowledged =
            has_messages ? progress.messages_acknowledged : progress.bytes_acknowledged;
        if (acknowledged > stream.written) fail(work, "more acknowledged than written");
        if (!stream.is_settled) ++told;
    }
    const auto open = std::count_if(work.streams.begin(), work.streams.end(),
                                    [](const auto& each) { return !each.second.is_settled; });
    if (told != static_cast<std::size_t>(open)) fail(work, "no progress told of a stream");
}

void WorldApplication::handle_connect_failed(NodeNumber node, connection::AttemptId attempt) {
    for (std::size_t session = 0; session < undertakings_.size(); ++session) {
        Undertaking& undertaking = undertakings_[session];
        if (plan_.sessions[session].client != node || undertaking.connecting != attempt) continue;
        undertaking.connecting.reset();
        retry(session);
    }
}

void WorldApplication::handle_closed(WorkNumber number, const connection::Closed& closed) {
    const Work& work = works_.at(number);
    const std::optional<std::size_t> session = work.plan;
    const bool is_client = work.is_client;
    const bool is_early =
        session && !work.is_closing && !work.is_replaced && !undertakings_[*session].is_done;
    // One that a client took another for, or had in hand while it asked the former once more.
    const bool is_given_up =
        !is_client && (!session || work.attempt < undertakings_[*session].attempt);
    if (closed.cause == connection::CloseCause::peer && closed.code != close_code && !is_given_up) {
        fail(work,
             "closed by the peer with code " + std::to_string(closed.code) + ": " + closed.reason);
    }
    // A server whose client came to know of nothing, or left and came again, is no failure.
    if (is_early && is_client && closed.cause != connection::CloseCause::unconfirmed &&
        !plan_.may_die(plan_of(work))) {
        fail(work, "ended before its time");
    }
    forget(number);
    if (is_early && is_client) retry(*session);
}

void WorldApplication::handle_event(NodeNumber node, const connection::EndpointEvent& event) {
    if (const auto* connected = std::get_if<connection::SessionConnected>(&event)) {
        ++progress_;
        return handle_connected(node, *connected);
    }
    if (const auto* accepted = std::get_if<connection::SessionAccepted>(&event)) {
        add_work(node, accepted->session);
        return;
    }
    if (const auto* reconnected = std::get_if<connection::SessionReconnected>(&event)) {
        ++progress_;
        return handle_reconnected(node, *reconnected);
    }
    if (const auto* failed = std::get_if<connection::ConnectFailed>(&event)) {
        ++progress_;
        return handle_connect_failed(node, failed->attempt);
    }
    const auto* of_session = std::get_if<connection::SessionEvent>(&event);
    if (of_session == nullptr) return;
    const auto found = by_session_.find({node, of_session->session});
    if (found == by_session_.end()) {
        return checker_.fail(node, "an event of a session that is unknown");
    }
    const WorkNumber number = found->second;
    const bool is_of_path = std::holds_alternative<connection::Unreachable>(of_session->event) ||
                            std::holds_alternative<connection::Reachable>(of_session->event);
    if (!is_of_path) ++progress_;
    if (const auto* of_stream = std::get_if<stream::StreamEvent>(&of_session->event)) {
        handle_stream_event(number, *of_stream);
    } else if (const auto* closed = std::get_if<connection::Closed>(&of_session->event)) {
        handle_closed(number, *closed);
    }
}

void WorldApplication::handle_crash(NodeNumber node) {
    std::vector<WorkNumber> lost;
    for (const auto& [number, work] : works_) {
        if (work.node == node) lost.push_back(number);
    }
    for (const WorkNumber number : lost) forget(number);
    for (std::size_t session = 0; session < undertakings_.size(); ++session) {
        if (plan_.sessions[session].client == node) undertakings_[session].connecting.reset();
    }
}

void WorldApplication::handle_restart(NodeNumber node) {
    for (std::size_t session = 0; session < undertakings_.size(); ++session) {
        const bool has_started = network_.now().time_since_epoch() >=
                                 plan_.sessions[session].starts + std::chrono::seconds(1);
        if (plan_.sessions[session].client == node && has_started) retry(session);
    }
}

// ---- streams

void WorldApplication::open_streams(Work& work) {
    connection::Connection* connection = find(work);
    if (connection == nullptr) return;
    const auto& streams = plan_of(work).streams;
    std::vector<stream::StreamKey> opened;
    for (; work.next_to_open < streams.size(); ++work.next_to_open) {
        if (streams[work.next_to_open].is_opened_by_client != work.is_client) continue;
        const StreamPlan& plan = streams[work.next_to_open];
        const std::string name = endpoint_name(*work.plan, work.next_to_open, work.attempt);
        const auto key = connection->open_stream({.endpoint = name,
                                                  .kind = plan.kind,
                                                  .priority = plan.priority,
                                                  .deadline = plan.deadline});
        if (!key) {
            if (key.error() != stream::OpenError::stream_limit) fail(work, "open refused");
            break;
        }
        StreamWork& stream = work.streams[*key];
        stream = {};
        stream.index = work.next_to_open;
        stream.is_opener = true;
        opened.push_back(*key);
    }
    for (const stream::StreamKey key : opened) write(work, key);
    network_.touch(work.node, work.session);
}

void WorldApplication::handle_opened(WorkNumber number, stream::StreamKey key) {
    Work& work = works_.at(number);
    const auto parts = parse_endpoint(find(work)->streams().endpoint(key));
    if (!parts || parts->session >= plan_.sessions.size()) return fail(work, "wrong endpoint");
    if (!work.plan) {
        work.plan = parts->session;
        work.attempt = parts->attempt;
        if (plan_of(work).server != work.node) return fail(work, "a session of somebody else");
        Undertaking& undertaking = undertakings_[*work.plan];
        if (undertaking.attempt == work.attempt) undertaking.at_server = number;
    }
    if (work.plan != parts->session || work.attempt != parts->attempt) {
        return fail(work, "a stream of another session");
    }
    StreamWork stream;
    stream.index = parts->stream;
    if (plan_of(work, stream).is_opened_by_client == work.is_client) {
        return fail(work, "a stream that the peer must not open");
    }
    if (find(work)->streams().kind(key) != plan_of(work, stream).kind) {
        return fail(work, "a stream of another kind");
    }
    if (!work.streams.emplace(key, stream).second) return fail(work, "a stream opened twice");
    stop_if_enough(work, key, work.streams.at(key));
    write(work, key);
    if (!work.is_client) open_streams(work);
}

void WorldApplication::handle_stream_event(WorkNumber number, const stream::StreamEvent& event) {
    using Kind = stream::StreamEvent::Kind;
    Work& work = works_.at(number);
    if (event.kind == Kind::opened) return handle_opened(number, event.key);
    if (event.kind == Kind::limit_raised) return open_streams(work);
    const auto found = work.streams.find(event.key);
    if (found == work.streams.end()) return fail(work, "an event of an unknown stream");
    StreamWork& stream = found->second;
    switch (event.kind) {
        case Kind::writable:
            return write(work, event.key);
        case Kind::readable: {
            const Duration pause = plan_.nodes[work.node].read_pause;
            if (pause.count() == 0) return read(number, event.key);
            if (stream.is_read_planned) return;
            stream.is_read_planned = true;
            return network_.schedule(pause, [this, number, key = event.key] { read(number, key); });
        }
        case Kind::acknowledged:
            if (!stream.is_finished) fail(work, "acknowledged, and never finished");
            stream.is_send_over = true;
            return settle(work, event.key);
        case Kind::reset:
            return handle_reset(work, event.key, event.code);
        case Kind::stopped:
            return handle_stopped(work, event.key, event.code);
        default:
            return fail(work, "an event that nothing here asked for");
    }
}

void WorldApplication::handle_reset(Work& work, stream::StreamKey key, std::uint64_t code) {
    StreamWork& stream = work.streams.at(key);
    const StreamPlan& plan = plan_of(work, stream);
    const bool is_expected = !stream.is_opener && ((plan.reset_after && code == reset_code) ||
                                                   (stream.is_stopped_here && code == stop_code));
    if (!is_expected) fail(work, "a stream was reset with code " + std::to_string(code));
    stream.is_receive_over = true;
    settle(work, key);
}

void WorldApplication::handle_stopped(Work& work, stream::StreamKey key, std::uint64_t code) {
    StreamWork& stream = work.streams.at(key);
    if (!stream.is_opener || !plan_of(work, stream).stop_after || code != stop_code) {
        fail(work, "a stream was stopped with code " + std::to_string(code));
    }
    stream.is_send_over = true;
    settle(work, key);
}

void WorldApplication::write(Work& work, stream::StreamKey key) {
    connection::Connection* connection = find(work);
    StreamWork& stream = work.streams.at(key);
    if (connection == nullptr || stream.is_send_over || stream.is_finished) return;
    const StreamPlan& plan = plan_of(work, stream);
    const bool resets = stream.is_opener && plan.reset_after.has_value();
    const std::uint64_t size = resets ? *plan.reset_after : plan.size[stream.is_opener ? 0 : 1];
    const bool has_messages = stream::has_messages(plan.kind);
    while (stream.written < size) {
        const bool goes_on =
            has_messages ? send_message(work, key, stream) : write_some(work, key, stream, size);
        if (!goes_on) break;
    }
    if (stream.written == size) end_writing(work, key, stream);
    network_.touch(work.node, work.session);
}

// False when there is no room for more.
bool WorldApplication::write_some(Work& work, stream::StreamKey key, StreamWork& stream,
                                  std::uint64_t size) {
    const auto chunk =
        static_cast<std::size_t>(std::min<std::uint64_t>(size - stream.written, write_size));
    const MutableBytes bytes = MutableBytes(buffer_).first(chunk);
    pattern(work, stream, true).write(stream.written, bytes);
    const auto taken = find(work)->write(key, bytes);
    if (!taken) {
        // The event that says so may still be on its way to us.
        if (taken.error() != stream::WriteError::stopped) fail(work, "write refused");
        return false;
    }
    stream.written += *taken;
    ++progress_;
    return *taken == chunk;
}

std::size_t WorldApplication::message_size(const StreamPlan& plan, const Pattern& content,
                                           std::uint64_t number) const {
    std::array<std::uint8_t, 8> bytes;
    content.write(number * bytes.size(), bytes);
    const std::uint64_t drawn = load_little_endian<std::uint64_t>(bytes.data());
    return message_size_min +
           static_cast<std::size_t>(drawn % (plan.message_size_max - message_size_min + 1));
}

bool WorldApplication::send_message(Work& work, stream::StreamKey key, StreamWork& stream) {
    const Pattern content = pattern(work, stream, true);
    message_.resize(message_size(plan_of(work, stream), content, stream.written));
    store_little_endian(message_.data(), stream.written);
    content.write(stream.written, MutableBytes(message_).subspan(message_size_min));
    const auto sent = find(work)->send_message(network_.local_now(work.node), key, message_);
    if (!sent) {
        const bool is_expected = sent.error() == stream::SendError::would_block ||
                                 sent.error() == stream::SendError::stopped;
        if (!is_expected) {
            fail(work, "a message was refused: " + std::to_string(static_cast<int>(sent.error())));
        }
        return false;
    }
    ++stream.written;
    ++progress_;
    return true;
}

void WorldApplication::end_writing(Work& work, stream::StreamKey key, StreamWork& stream) {
    connection::Connection* connection = find(work);
    if (stream.is_opener && plan_of(work, stream).reset_after) {
        connection->reset(key, reset_code);
        stream.is_send_over = true;
        return settle(work, key);
    }
    stream.is_finished = true;
    connection->finish(key);
    const auto waits = connection->wait_acknowledged(key);
    if (!waits && waits.error() != stream::WriteError::stopped) fail(work, "cannot wait");
}

void WorldApplication::read(WorkNumber number, stream::StreamKey key) {
    Work* work = find_work(number);
    if (work == nullptr || find(*work) == nullptr) return;
    StreamWork& stream = work->streams.at(key);
    stream.is_read_planned = false;
    const Duration pause = plan_.nodes[work->node].read_pause;
    if (pause.count() == 0) {
        while (read_once(*work, key, stream)) continue;
    } else if (read_once(*work, key, stream)) {
        stream.is_read_planned = true;
        network_.schedule(pause, [this, number, key] { read(number, key); });
    }
    network_.touch(work->node, work->session);
}

// True when there may be more.
bool WorldApplication::read_once(Work& work, stream::StreamKey key, StreamWork& stream) {
    if (stream.is_receive_over) return false;
    const bool has_messages = stream::has_messages(plan_of(work, stream).kind);
    const auto outcome =
        has_messages ? receive_message(work, key, stream) : read_bytes(work, key, stream);
    if (!outcome) return false;
    progress_ += outcome->size;
    if (outcome->is_end) {
        stream.is_receive_over = true;
        check_end(work, stream);
        settle(work, key);
        return false;
    }
    stop_if_enough(work, key, stream);
    return outcome->size > 0 && !stream.is_receive_over;
}

std::optional<stream::ReadOutcome> WorldApplication::read_bytes(Work& work, stream::StreamKey key,
                                                                StreamWork& stream) {
    const MutableBytes room = MutableBytes(buffer_).first(plan_.nodes[work.node].read_size_max);
    const auto outcome = find(work)->read(network_.local_now(work.node), key, room);
    if (!outcome) {
        if (outcome.error() != stream::ReadError::reset) fail(work, "read refused");
        return std::nullopt;
    }
    const Bytes bytes = Bytes(room).first(outcome->size);
    if (!pattern(work, stream, false).matches(stream.received, bytes)) {
        fail(work, "wrong bytes on stream " + std::to_string(key.id) + " from offset " +
                       std::to_string(stream.received));
    }
    stream.received += outcome->size;
    return *outcome;
}

std::optional<stream::ReadOutcome> WorldApplication::receive_message(Work& work,
                                                                     stream::StreamKey key,
                                                                     StreamWork& stream) {
    const auto outcome = find(work)->receive_message(network_.local_now(work.node), key, message_);
    if (!outcome) {
        if (outcome.error() != stream::ReadError::reset) fail(work, "receive refused");
        return std::nullopt;
    }
    if (outcome->has_message) check_message(work, stream);
    return stream::ReadOutcome{outcome->has_message ? message_.size() : 0, outcome->is_end};
}

// Whole, and at most once.
void WorldApplication::check_message(Work& work, StreamWork& stream) {
    const StreamPlan& plan = plan_of(work, stream);
    const Pattern content = pattern(work, stream, false);
    if (message_.size() < message_size_min) return fail(work, "a message was cut");
    const auto number = load_little_endian<std::uint64_t>(message_.data());
    if (number >= plan.size[stream.is_opener ? 1 : 0]) return fail(work, "a message of nobody");
    if (message_.size() != message_size(plan, content, number) ||
        !content.matches(number, Bytes(message_).subspan(message_size_min))) {
        return fail(work, "a message of other content");
    }
    if (stream.has_message.size() <= number) stream.has_message.resize(number + 1);
    if (stream.has_message[number]) return fail(work, "a message came twice");
    stream.has_message[number] = true;
    ++stream.received;
}

void WorldApplication::check_end(Work& work, const StreamWork& stream) {
    const StreamPlan& plan = plan_of(work, stream);
    const std::uint64_t size = plan.size[stream.is_opener ? 1 : 0];
    const bool is_reliable = plan.kind == StreamKind::bytes || plan.kind == StreamKind::messages;
    if (is_reliable && stream.received != size) fail(work, "a stream ended at the wrong place");
    if (!stream.is_opener && plan.reset_after) fail(work, "a stream ended that was given up");
}

void WorldApplication::stop_if_enough(Work& work, stream::StreamKey key, StreamWork& stream) {
    const StreamPlan& plan = plan_of(work, stream);
    if (stream.is_opener || !plan.stop_after || stream.received < *plan.stop_after) return;
    if (stream.is_receive_over) return;
    stream.is_stopped_here = true;
    stream.is_receive_over = true;
    find(work)->stop(network_.local_now(work.node), key, stop_code);
    settle(work, key);
}

// Lets go of a stream whose directions are both over.
void WorldApplication::settle(Work& work, stream::StreamKey key) {
    StreamWork& stream = work.streams.at(key);
    if (stream.is_settled || !stream.is_receive_over || !stream.is_send_over) return;
    stream.is_settled = true;
    ++work.settled_count;
    find(work)->release(network_.local_now(work.node), key);
    network_.touch(work.node, work.session);
    close_if_done(*work.plan);
}

void WorldApplication::close_if_done(std::size_t session) {
    Undertaking& undertaking = undertakings_[session];
    if (!undertaking.at_client || undertaking.is_done) return;
    Work& client = works_.at(*undertaking.at_client);
    const std::size_t count = plan_of(client).streams.size();
    const auto is_settled = [count](const Work* work) {
        return work != nullptr && work->settled_count == count;
    };
    if (!is_settled(&client)) return;
    // No stream at all, or none by which the server could know which session it is.
    if (undertaking.at_server && !is_settled(find_work(*undertaking.at_server))) return;
    if (!undertaking.at_server && count > 0) return;
    undertaking.is_done = true;
    ++done_count_;
    client.is_closing = true;
    find(client)->close(network_.local_now(client.node), close_code, "done");
    network_.touch(client.node, client.session);
}

std::string WorldApplication::state() const {
    std::ostringstream text;
    for (std::size_t session = 0; session < undertakings_.size(); ++session) {
        const Undertaking& undertaking = undertakings_[session];
        if (undertaking.is_done) continue;
        text << "  session plan " << session << ": attempt " << undertaking.attempt
             << (undertaking.connecting ? ", connecting" : "")
             << (undertaking.at_client ? ", client" : "")
             << (undertaking.at_server ? ", server" : "") << '\n';
        for (const auto& [number, work] : works_) {
            if (work.plan != session) continue;
            for (const auto& [key, stream] : work.streams) {
                if (stream.is_settled) continue;
                text << "    node " << work.node << " stream " << key.id << '.' << key.use
                     << ": wrote " << stream.written << (stream.is_send_over ? " (over)" : "")
                     << ", read " << stream.received << (stream.is_receive_over ? " (over)" : "")
                     << '\n';
            }
        }
    }
    return text.str();
}

}  // namespace stt::sim
