// What the nodes of a world do with their sessions, and what they hold against each other.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "testing/invariant_checker.hpp"
#include "testing/pattern.hpp"
#include "testing/simulated_network.hpp"
#include "world_plan.hpp"

namespace stt::sim {

// The applications of all nodes. They know of each other only what tells when a session may be
// closed. A session that dies before its streams are done is begun again from the start, as is one
// that was reconnected.
class WorldApplication {
public:
    WorldApplication(testing::SimulatedNetwork& network, testing::InvariantChecker& checker,
                     const WorldPlan& plan, std::uint64_t seed);

    // Where a node is reached, from outside its translator.
    void set_reach(std::vector<Address> reach) { reach_ = std::move(reach); }
    void start(std::size_t session);
    void handle_event(testing::NodeNumber node, const connection::EndpointEvent& event);
    void handle_crash(testing::NodeNumber node);
    void handle_restart(testing::NodeNumber node);

    // All sessions have done what they had to, and were closed.
    bool is_done() const noexcept { return done_count_ == plan_.sessions.size(); }
    // Rises with everything that is worth waiting for.
    std::uint64_t progress() const noexcept { return progress_; }
    std::uint64_t reconnections() const noexcept { return reconnections_; }
    std::string state() const;

private:
    using WorkNumber = std::uint64_t;

    // A session as its plan sees it.
    struct Undertaking {
        unsigned attempt = 0;  // counts sessions and failed connects
        std::optional<connection::AttemptId> connecting;
        std::optional<WorkNumber> at_client;
        std::optional<WorkNumber> at_server;  // of this attempt
        bool is_done = false;
    };
    // One side of a stream.
    struct StreamWork {
        std::size_t index = 0;  // in the session's plan
        bool is_opener = false;
        std::uint64_t written = 0;      // bytes, or messages
        std::uint64_t received = 0;     // the same
        std::vector<bool> has_message;  // by number, that came
        bool is_finished = false;
        bool is_send_over = false;
        bool is_stopped_here = false;
        bool is_receive_over = false;
        bool is_read_planned = false;
        bool is_settled = false;
    };
    // One side of a session.
    struct Work {
        testing::NodeNumber node = 0;
        connection::SessionHandle session = 0;
        std::optional<std::size_t> plan;  // a server learns it from the first stream
        unsigned attempt = 0;
        bool is_client = false;
        std::size_t next_to_open = 0;
        std::size_t settled_count = 0;
        bool is_closing = false;
        bool is_replaced = false;  // by a session that its node began
        std::map<stream::StreamKey, StreamWork> streams;
    };

    void fail(const Work& work, std::string_view what);
    const SessionPlan& plan_of(const Work& work) const { return plan_.sessions[*work.plan]; }
    const StreamPlan& plan_of(const Work& work, const StreamWork& stream) const {
        return plan_of(work).streams[stream.index];
    }
    testing::Pattern pattern(const Work& work, const StreamWork& stream, bool is_written) const;
    connection::Connection* find(const Work& work) {
        return network_.find(work.node, work.session);
    }
    Work* find_work(WorkNumber number);
    Work& add_work(testing::NodeNumber node, connection::SessionHandle session);

    void connect(std::size_t session);
    void handle_connected(testing::NodeNumber node, const connection::SessionConnected& event);
    void handle_reconnected(testing::NodeNumber node, const connection::SessionReconnected& event);
    void check_progress(const Work& work, const std::vector<stream::StreamProgress>& streams);
    Work& begin_work(std::size_t session, connection::SessionHandle handle);
    void handle_connect_failed(testing::NodeNumber node, connection::AttemptId attempt);
    void handle_closed(WorkNumber number, const connection::Closed& closed);
    void handle_stream_event(WorkNumber number, const stream::StreamEvent& event);
    void handle_opened(WorkNumber number, stream::StreamKey key);
    void handle_reset(Work& work, stream::StreamKey key, std::uint64_t code);
    void handle_stopped(Work& work, stream::StreamKey key, std::uint64_t code);
    void open_streams(Work& work);
    void write(Work& work, stream::StreamKey key);
    bool write_some(Work& work, stream::StreamKey key, StreamWork& stream, std::uint64_t size);
    bool send_message(Work& work, stream::StreamKey key, StreamWork& stream);
    void end_writing(Work& work, stream::StreamKey key, StreamWork& stream);
    void read(WorkNumber number, stream::StreamKey key);
    bool read_once(Work& work, stream::StreamKey key, StreamWork& stream);
    std::optional<stream::ReadOutcome> read_bytes(Work& work, stream::StreamKey key,
                                                  StreamWork& stream);
    std::optional<stream::ReadOutcome> receive_message(Work& work, stream::StreamKey key,
                                                       StreamWork& stream);
    void check_message(Work& work, StreamWork& stream);
    std::size_t message_size(const StreamPlan& plan, const testing::Pattern& content,
                             std::uint64_t number) const;
    void check_end(Work& work, const StreamWork& stream);
    void stop_if_enough(Work& work, stream::StreamKey key, StreamWork& stream);
    void settle(Work& work, stream::StreamKey key);
    void close_if_done(std::size_t session);
    void forget(WorkNumber number);
    void retry(std::size_t session);

    testing::SimulatedNetwork& network_;
    testing::InvariantChecker& checker_;
    const WorldPlan& plan_;
    std::uint64_t seed_;
    std::vector<Address> reach_;
    std::vector<Undertaking> undertakings_;
    std::map<WorkNumber, Work> works_;
    std::vector<std::map<WorkNumber, Work>::node_type> forgotten_;
    std::map<std::pair<testing::NodeNumber, connection::SessionHandle>, WorkNumber> by_session_;
    WorkNumber next_work_ = 1;
    std::size_t done_count_ = 0;
    std::uint64_t progress_ = 0;
    std::uint64_t reconnections_ = 0;
    std::vector<std::uint8_t> buffer_;
    std::vector<std::uint8_t> message_;
};

}  // namespace stt::sim
