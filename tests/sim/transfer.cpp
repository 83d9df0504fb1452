#include "transfer.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <sstream>
#include <vector>

#include "testing/pattern.hpp"
#include "testing/simulated_network.hpp"

namespace stt::sim {
namespace {

using testing::NodeNumber;
using testing::Pattern;
using testing::SimulatedNetwork;

constexpr NodeNumber client = 0;
// Without a byte delivered for so long something is stuck: it is the time after which a
// session whose peer is silent ends.
constexpr Duration progress_timeout = std::chrono::seconds(300);
constexpr std::uint64_t close_code = 300;
// Copies of SESSION_CLOSE for the frames that can still be under way: the 1st, 2nd, 4th … .
constexpr std::uint64_t close_repeat_count_max = 12;
// With 30 % loss each way one in 200 attempts ends without a RESPONSE.
constexpr unsigned connect_count_max = 4;
// Bytes that an application writes at once.
constexpr std::size_t write_size = 16'384;

// One side's application: writes its pattern to every stream, checks what comes, and lets go.
class Application {
public:
    Application(SimulatedNetwork& network, NodeNumber node, std::uint64_t seed,
                const Conditions& conditions)
        : network_(network), node_(node), seed_(seed), conditions_(conditions) {
        buffer_.resize(std::max<std::size_t>(conditions.read_size_max, write_size));
    }

    void handle_event(const connection::EndpointEvent& event);
    bool is_done() const noexcept { return ended_count_ == conditions_.stream_count; }
    bool is_closed() const noexcept { return closed_.has_value(); }
    const std::optional<connection::Closed>& closed() const noexcept { return closed_; }
    const std::optional<std::string>& failure() const noexcept { return failure_; }
    std::uint64_t bytes_received() const noexcept { return bytes_received_; }
    connection::SessionHandle session() const noexcept { return session_; }
    connection::Connection* connection() const { return network_.find(node_, session_); }
    const connection::DropCounters& last_drops() const noexcept { return drops_; }
    void check_memory();
    void close();

private:
    struct StreamWork {
        std::uint64_t written = 0;
        std::uint64_t received = 0;
        bool is_finished = false;
        bool is_ended = false;
        bool is_acknowledged = false;
    };

    void fail(const std::string& what) {
        if (!failure_) failure_ = "node " + std::to_string(node_) + ": " + what;
    }
    // Both sides' streams are numbered alike: the client opens all of them in order.
    Pattern pattern(NodeNumber writer, stream::StreamKey key) const {
        return Pattern(testing::mixed(seed_ * 2 + writer) + key.id);
    }
    std::uint64_t stream_size(stream::StreamKey key) const {
        const std::uint64_t share = conditions_.bytes_each_way / conditions_.stream_count;
        // The first takes the rest; with it sizes differ.
        return key.id == 1 ? conditions_.bytes_each_way - share * (conditions_.stream_count - 1)
                           : share;
    }
    void handle_stream_event(const stream::StreamEvent& event);
    void start();
    void write(stream::StreamKey key);
    void read(stream::StreamKey key);
    bool read_once(stream::StreamKey key);
    void settle(stream::StreamKey key);

    SimulatedNetwork& network_;
    NodeNumber node_;
    std::uint64_t seed_;
    const Conditions& conditions_;
    connection::SessionHandle session_ = 0;
    std::map<stream::StreamKey, StreamWork> streams_;
    unsigned connect_count_ = 0;
    std::size_t ended_count_ = 0;
    std::uint64_t bytes_received_ = 0;
    std::optional<connection::Closed> closed_;
    std::optional<std::string> failure_;
    connection::DropCounters drops_{};
    std::vector<std::uint8_t> buffer_;
};

void Application::handle_event(const connection::EndpointEvent& event) {
    if (const auto* connected = std::get_if<connection::SessionConnected>(&event)) {
        session_ = connected->session;
        start();
    } else if (const auto* accepted = std::get_if<connection::SessionAccepted>(&event)) {
        if (session_ != 0) fail("a second session was accepted");
        session_ = accepted->session;
    } else if (std::holds_alternative<connection::ConnectFailed>(event)) {
        if (++connect_count_ == connect_count_max) return fail("no connection");
        network_.schedule(Duration(0), [this] { network_.connect(node_, 1 - node_); });
    } else if (const auto* of_session = std::get_if<connection::SessionEvent>(&event)) {
        if (const auto* of_stream = std::get_if<stream::StreamEvent>(&of_session->event)) {
            handle_stream_event(*of_stream);
        } else if (const auto* closed = std::get_if<connection::Closed>(&of_session->event)) {
            if (closed_) fail("closed twice");
            closed_ = *closed;
        }
    }
    if (const auto* connection = this->connection()) drops_ = connection->drops();
}

void Application::start() {
    for (std::size_t number = 0; number < conditions_.stream_count; ++number) {
        const auto key = connection()->open_stream("transfer");
        if (!key) return fail("a stream could not be opened");
        streams_[*key];
        write(*key);
    }
    network_.touch(node_, session_);
}

void Application::handle_stream_event(const stream::StreamEvent& event) {
    switch (event.kind) {
        case stream::StreamEvent::Kind::opened:
            if (connection()->streams().endpoint(event.key) != "transfer") fail("wrong endpoint");
            if (!streams_.emplace(event.key, StreamWork{}).second) fail("a stream opened twice");
            return write(event.key);
        case stream::StreamEvent::Kind::writable:
            return write(event.key);
        case stream::StreamEvent::Kind::readable:
            if (conditions_.read_pause.count() == 0) return read(event.key);
            return network_.schedule(conditions_.read_pause,
                                     [this, key = event.key] { read(key); });
        case stream::StreamEvent::Kind::acknowledged:
            streams_.at(event.key).is_acknowledged = true;
            return settle(event.key);
        default:
            return fail("an event that nothing here asked for");
    }
}

void Application::write(stream::StreamKey key) {
    connection::Connection* connection = this->connection();
    if (connection == nullptr) return;
    StreamWork& work = streams_.at(key);
    const std::uint64_t size = stream_size(key);
    while (work.written < size) {
        const std::size_t chunk =
            static_cast<std::size_t>(std::min<std::uint64_t>(size - work.written, write_size));
        const MutableBytes bytes = MutableBytes(buffer_).first(chunk);
        pattern(node_, key).write(work.written, bytes);
        const auto taken = connection->write(key, bytes);
        if (!taken) return fail("write refused");
        work.written += *taken;
        if (*taken < chunk) break;
    }
    if (work.written == size && !work.is_finished) {
        work.is_finished = true;
        connection->finish(key);
        STT_CHECK(connection->wait_acknowledged(key).has_value());
    }
    network_.touch(node_, session_);
}

void Application::read(stream::StreamKey key) {
    if (connection() == nullptr) return;
    if (conditions_.read_pause.count() == 0) {
        while (read_once(key)) continue;
    } else if (read_once(key)) {
        network_.schedule(conditions_.read_pause, [this, key] { read(key); });
    }
    network_.touch(node_, session_);
}

// True when there may be more.
bool Application::read_once(stream::StreamKey key) {
    connection::Connection* connection = this->connection();
    StreamWork& work = streams_.at(key);
    if (connection == nullptr || work.is_ended) return false;
    const MutableBytes room = MutableBytes(buffer_).first(conditions_.read_size_max);
    const auto outcome = connection->read(network_.now(), key, room);
    if (!outcome) {
        fail("read refused");
        return false;
    }
    const Bytes bytes = Bytes(room).first(outcome->size);
    if (!pattern(1 - node_, key).matches(work.received, bytes)) {
        fail("wrong bytes on stream " + std::to_string(key.id) + " from offset " +
             std::to_string(work.received));
    }
    work.received += outcome->size;
    bytes_received_ += outcome->size;
    if (outcome->is_end) {
        work.is_ended = true;
        if (work.received != stream_size(key)) fail("a stream ended at the wrong place");
        settle(key);
        return false;
    }
    return outcome->size > 0;
}

// Lets go of a stream whose directions are both over.
void Application::settle(stream::StreamKey key) {
    const StreamWork& work = streams_.at(key);
    if (!work.is_ended || !work.is_acknowledged) return;
    ++ended_count_;
    connection()->release(network_.now(), key);
    network_.touch(node_, session_);
}

// What is unread stays within the credit that was given. Spec protocol §9.2.
void Application::check_memory() {
    const connection::Connection* connection = this->connection();
    if (connection == nullptr) return;
    if (connection->streams().unread() > conditions_.config.session_window_max) {
        fail("more unread bytes than the session's window");
    }
}

void Application::close() {
    if (connection()->streams().open_count() != 0) fail("a stream stayed open");
    connection()->close(network_.now(), close_code, "done");
    network_.touch(node_, session_);
}

std::uint64_t count(const connection::DropCounters& drops, wire::DropReason reason) {
    return drops[static_cast<std::size_t>(reason)];
}

class Transfer {
public:
    Transfer(std::uint64_t seed, const Conditions& conditions, bool is_traced,
             std::array<trace::Sink*, 2> sinks)
        : conditions_(conditions),
          network_(seed),
          applications_{{network_, 0, seed, conditions}, {network_, 1, seed, conditions}} {
        connection::EndpointConfig config;
        config.connection = conditions.config;
        // One session carries all: a silence in which a node would prepare another is sat out.
        config.reconnect.is_enabled = false;
        for (trace::Sink* const sink : sinks) {
            config.connection.trace = sink;
            network_.add_node(config);
        }
        network_.set_link(0, 1, conditions.links[0]);
        network_.set_link(1, 0, conditions.links[1]);
        network_.set_trace(is_traced);
        network_.on_event = [this](NodeNumber node, const connection::EndpointEvent& event) {
            applications_[node].handle_event(event);
        };
    }

    std::optional<std::string> run();
    const SimulatedNetwork& network() const noexcept { return network_; }

private:
    std::optional<std::string> failure() const;
    bool run_until(const std::function<bool()>& is_done);
    std::optional<std::string> check_drops();

    const Conditions& conditions_;
    SimulatedNetwork network_;
    Application applications_[2];
};

std::optional<std::string> Transfer::failure() const {
    for (const Application& application : applications_) {
        if (application.failure()) return application.failure();
    }
    return std::nullopt;
}

// Goes on as long as bytes arrive.
bool Transfer::run_until(const std::function<bool()>& is_done) {
    while (true) {
        const auto bytes = [this] {
            return applications_[0].bytes_received() + applications_[1].bytes_received();
        };
        const std::uint64_t before = bytes();
        std::uint64_t steps = 0;
        const auto stops = [&] {
            if (++steps % 64 == 0) {
                for (Application& application : applications_) application.check_memory();
            }
            return is_done() || failure().has_value();
        };
        if (network_.run_until(stops, progress_timeout)) return !failure();
        if (bytes() == before) return false;
    }
}

std::optional<std::string> Transfer::run() {
    network_.connect(0, 1);
    const bool is_delivered = run_until([this] {
        return (applications_[0].is_done() && applications_[1].is_done()) ||
               applications_[0].is_closed() || applications_[1].is_closed();
    });
    if (failure()) return failure();
    if (!is_delivered) {
        std::ostringstream text;
        text << "stuck: " << applications_[0].bytes_received() << " and "
             << applications_[1].bytes_received() << " bytes arrived";
        return text.str();
    }
    for (const Application& application : applications_) {
        if (application.is_closed()) return "the session ended: " + application.closed()->reason;
    }
    applications_[client].close();
    // SESSION_CLOSE is sent once and again only when the peer speaks: a peer that has nothing
    // to say and did not get it ends by its idle timeout.
    network_.run_until(
        [this] {
            return network_.endpoint(0).session_count() + network_.endpoint(1).session_count() == 0;
        },
        3 * progress_timeout);
    if (network_.endpoint(0).session_count() != 0) return "the closing side never ended";
    if (network_.endpoint(1).session_count() != 0) return "the closed side never ended";
    if (failure()) return failure();
    return check_drops();
}

// Every discarded datagram has a cause that the network gave it.
std::optional<std::string> Transfer::check_drops() {
    for (NodeNumber node = 0; node < 2; ++node) {
        connection::DropCounters drops = network_.endpoint(node).drops();
        const auto& of_session = applications_[node].last_drops();
        for (std::size_t i = 0; i < drops.size(); ++i) drops[i] += of_session[i];
        const auto& link = network_.link(1 - node, node).counters();
        const std::uint64_t damaged = count(drops, wire::DropReason::not_authentic) +
                                      count(drops, wire::DropReason::frame_malformed) +
                                      count(drops, wire::DropReason::frame_refused) +
                                      count(drops, wire::DropReason::epoch_unknown);
        if (link.corrupted == 0 && conditions_.links[1 - node].reorder == 0 && damaged != 0) {
            return "frames were taken for damaged on a link that does not damage";
        }
        // But for SESSION_CLOSE, which is repeated as it was. Spec protocol §12.3.
        if (link.duplicated == 0 && link.corrupted == 0 &&
            count(drops, wire::DropReason::sequence_repeated) > close_repeat_count_max) {
            return "frames were taken for repeated on a link that does not repeat";
        }
        const std::uint64_t all = std::accumulate(drops.begin(), drops.end(), std::uint64_t{0});
        if (link.duplicated == 0 && link.corrupted == 0 && link.reordered == 0 && all > 40) {
            return "a link that does no harm, and yet much was dropped";
        }
    }
    return std::nullopt;
}

}  // namespace

TransferOutcome run_transfer(std::uint64_t seed, const Conditions& conditions, bool is_traced,
                             std::array<trace::Sink*, 2> sinks) {
    Transfer transfer(seed, conditions, is_traced, sinks);
    const Instant started = transfer.network().now();
    TransferOutcome outcome;
    outcome.failure = transfer.run();
    outcome.trace_hash = transfer.network().trace_hash();
    outcome.virtual_time = transfer.network().now() - started;
    outcome.datagrams = transfer.network().datagrams_sent();
    return outcome;
}

}  // namespace stt::sim
