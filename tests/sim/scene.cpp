#include "scene.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

namespace stt::sim {
namespace {

using testing::NodeNumber;
using testing::Pattern;

constexpr std::size_t chunk_size = 65'536;

}  // namespace

void Download::connect() {
    started_at_ = network_.now();
    network_.connect(client_, server_);
}

void Download::close() {
    if (auto* connection = at_client()) {
        connection->close(network_.local_now(client_), 0, "done");
        network_.touch(client_, session_);
    }
}

void Download::handle_event(NodeNumber node, const connection::EndpointEvent& event) {
    if (const auto* connected = std::get_if<connection::SessionConnected>(&event)) {
        session_ = connected->session;
        handshake_ = connected->handshake;
        request();
    } else if (std::holds_alternative<connection::ConnectFailed>(event)) {
        network_.schedule(Duration(0), [this] { network_.connect(client_, server_); });
    } else if (const auto* of_session = std::get_if<connection::SessionEvent>(&event)) {
        const auto* of_stream = std::get_if<stream::StreamEvent>(&of_session->event);
        // A session without a request is one that the client began while the other was silent.
        if (node == server_ && of_stream != nullptr &&
            of_stream->kind == stream::StreamEvent::Kind::opened) {
            server_session_ = of_session->session;
        }
        const bool is_ours = of_session->session == (node == client_ ? session_ : server_session_);
        if (!is_ours) return;
        if (of_stream != nullptr) {
            handle_stream(node, *of_stream);
        } else if (const auto* closed = std::get_if<connection::Closed>(&of_session->event)) {
            if (!is_done()) failure_ = "the session ended: " + closed->reason;
        } else if (node == server_ &&
                   std::holds_alternative<connection::PathTaken>(of_session->event)) {
            ++paths_taken_;
        }
    }
}

void Download::handle_stream(NodeNumber node, const stream::StreamEvent& event) {
    using Kind = stream::StreamEvent::Kind;
    if (node == client_) {
        if (event.kind == Kind::readable) read(event.key);
        if (event.kind == Kind::limit_raised) request();
        return;
    }
    if (event.kind == Kind::opened) serve(event.key);
    if (event.kind == Kind::writable) write(event.key);
    if (event.kind == Kind::acknowledged) release_at_server(event.key);
}

void Download::request() {
    auto* connection = at_client();
    for (; requested_count_ < files_.size(); ++requested_count_) {
        const auto key = connection->open_stream(std::to_string(files_[requested_count_]) + '/' +
                                                 std::to_string(requested_count_));
        if (!key) break;
        fetching_[*key] = {requested_count_, 0};
        connection->finish(*key);
    }
    network_.touch(client_, session_);
}

void Download::read(stream::StreamKey key) {
    auto* connection = at_client();
    Fetching& fetching = fetching_.at(key);
    std::array<std::uint8_t, chunk_size> buffer;
    while (true) {
        const auto outcome = connection->read(network_.local_now(client_), key, buffer);
        if (!outcome) break;
        const Bytes bytes = Bytes(buffer).first(outcome->size);
        if (!Pattern(fetching.number).matches(fetching.received, bytes)) failure_ = "wrong bytes";
        fetching.received += outcome->size;
        received_ += outcome->size;
        if (outcome->is_end) {
            if (fetching.received != files_[fetching.number]) failure_ = "a file of another size";
            connection->release(network_.local_now(client_), key);
            if (++done_count_ == files_.size()) done_at_ = network_.now();
            break;
        }
        if (outcome->size == 0) break;
    }
    network_.touch(client_, session_);
}

void Download::serve(stream::StreamKey key) {
    auto* connection = at_server();
    unsigned long long size = 0;
    unsigned long long number = 0;
    const std::string name = connection->streams().endpoint(key);
    if (std::sscanf(name.c_str(), "%llu/%llu", &size, &number) != 2) {
        failure_ = "a strange request";
        return;
    }
    sending_[key] = {size, 0, number};
    write(key);
}

void Download::write(stream::StreamKey key) {
    auto* connection = at_server();
    Sending& sending = sending_.at(key);
    std::array<std::uint8_t, chunk_size> buffer;
    while (sending.written < sending.size) {
        const auto size = static_cast<std::size_t>(
            std::min<std::uint64_t>(sending.size - sending.written, chunk_size));
        Pattern(sending.number).write(sending.written, MutableBytes(buffer).first(size));
        const auto taken = connection->write(key, Bytes(buffer).first(size));
        if (!taken) break;
        sending.written += *taken;
        if (*taken < size) break;
    }
    if (sending.written == sending.size) {
        connection->finish(key);
        static_cast<void>(connection->wait_acknowledged(key));
    }
    network_.touch(server_, server_session_);
}

void Download::release_at_server(stream::StreamKey key) {
    at_server()->release(network_.local_now(server_), key);
    network_.touch(server_, server_session_);
    sending_.erase(key);
}

Scene::Scene(std::uint64_t seed, const connection::EndpointConfig& config) : network(seed) {
    network.on_event = [this](NodeNumber node, const connection::EndpointEvent& event) {
        downloads_[node / 2]->handle_event(node, event);
    };
    add_download(config);
}

Download& Scene::add_download(const connection::EndpointConfig& config) {
    const NodeNumber client = network.add_node(config);
    const NodeNumber server = network.add_node(config);
    downloads_.push_back(std::make_unique<Download>(network, client, server));
    return *downloads_.back();
}

void Scene::set_line(Download& download, const testing::BottleneckOptions& line,
                     const testing::LinkOptions& link) {
    for (auto& number : lines_) {
        if (!number) number = network.add_bottleneck(line);
    }
    const NodeNumber client = download.client();
    network.set_links(client, client + 1, link);
    network.set_route(client, client + 1, {*lines_[0]});
    network.set_route(client + 1, client, {*lines_[1]});
}

std::optional<std::string> Scene::failure() const {
    for (const auto& download : downloads_) {
        if (download->failure()) return download->failure();
    }
    return checker.failure();
}

bool Scene::run(Duration limit) {
    network.run_until([this] { return first().is_done() || failure(); }, limit);
    return first().is_done() && !failure();
}

}  // namespace stt::sim
