// Nodes that fetch files from each other, and how long that takes them.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "testing/invariant_checker.hpp"
#include "testing/pattern.hpp"
#include "testing/simulated_network.hpp"

namespace stt::sim {

// One node fetches from another: a stream for each file, as many at once as the server allows.
class Download {
public:
    Download(testing::SimulatedNetwork& network, testing::NodeNumber client,
             testing::NodeNumber server)
        : network_(network), client_(client), server_(server) {}

    // The next session takes these; sizes in bytes.
    void set_files(std::vector<std::uint64_t> files) { files_ = std::move(files); }
    void connect();
    void handle_event(testing::NodeNumber node, const connection::EndpointEvent& event);

    bool is_connected() const noexcept { return session_ != 0; }
    bool is_done() const noexcept { return is_connected() && done_count_ == files_.size(); }
    // The session ended before all had come; or wrong bytes came.
    const std::optional<std::string>& failure() const noexcept { return failure_; }
    testing::NodeNumber client() const noexcept { return client_; }

    // From the first HELLO until the client may send data, and until the last file had come.
    Duration handshake() const noexcept { return handshake_; }
    Duration took() const noexcept { return done_at_ - started_at_; }
    std::uint64_t received() const noexcept { return received_; }
    // Times that the server went over to another path.
    std::uint64_t paths_taken() const noexcept { return paths_taken_; }
    connection::Connection* at_client() { return network_.find(client_, session_); }
    connection::Connection* at_server() { return network_.find(server_, server_session_); }
    void close();

private:
    struct Sending {
        std::uint64_t size = 0;
        std::uint64_t written = 0;
        std::uint64_t number = 0;
    };
    struct Fetching {
        std::uint64_t number = 0;
        std::uint64_t received = 0;
    };

    void handle_stream(testing::NodeNumber node, const stream::StreamEvent& event);
    void request();
    void read(stream::StreamKey key);
    void serve(stream::StreamKey key);
    void write(stream::StreamKey key);
    void release_at_server(stream::StreamKey key);

    testing::SimulatedNetwork& network_;
    testing::NodeNumber client_;
    testing::NodeNumber server_;
    std::vector<std::uint64_t> files_;
    std::size_t requested_count_ = 0;
    std::size_t done_count_ = 0;
    connection::SessionHandle session_ = 0;
    connection::SessionHandle server_session_ = 0;
    std::map<stream::StreamKey, Fetching> fetching_;
    std::map<stream::StreamKey, Sending> sending_;
    std::optional<std::string> failure_;
    Instant started_at_{};
    Instant done_at_{};
    Duration handshake_{0};
    std::uint64_t received_ = 0;
    std::uint64_t paths_taken_ = 0;
};

// A network with downloads in it. Node 0 fetches from node 1.
class Scene {
public:
    explicit Scene(std::uint64_t seed, const connection::EndpointConfig& config = {});
    Scene(const Scene&) = delete;
    Scene& operator=(const Scene&) = delete;

    testing::SimulatedNetwork network;
    testing::InvariantChecker checker{network};
    Download& first() noexcept { return *downloads_.front(); }
    // Two more nodes: the first of them fetches from the second.
    Download& add_download(const connection::EndpointConfig& config = {});

    // Both directions: what they share, and the path beyond.
    void set_line(Download& download, const testing::BottleneckOptions& line,
                  const testing::LinkOptions& link);

    // Runs until the first download is done; false: not within `limit`, or something failed.
    bool run(Duration limit);
    std::optional<std::string> failure() const;

private:
    std::vector<std::unique_ptr<Download>> downloads_;
    std::optional<testing::BottleneckNumber> lines_[2];
};

}  // namespace stt::sim
