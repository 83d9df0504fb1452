#include "node/node_backend.hpp"

#include <algorithm>
#include <asio/error.hpp>
#include <asio/post.hpp>

#include "platform/clock.hpp"

namespace stt::detail {
namespace {

// Bursts of up to 64 KiB sent in one turn of the loop, and receives of up to 512 KiB,
// before the other has its turn. Chosen: a few hundred microseconds at 10 Gbit/s.
constexpr int bursts_per_turn = 8;
constexpr int receives_per_turn = 4;
constexpr std::size_t send_buffer_size = 65'507;
// Sessions that peers began and nobody has accepted. Chosen: more than a program that
// accepts at all will ever let wait.
constexpr std::size_t accepted_count_max = 1'024;
// Addresses and routes of one change come one after the other. Chosen: less than a person notices.
constexpr Duration network_settle_time = std::chrono::milliseconds(200);
// Longer times mean never; they must not overflow when added to the present.
constexpr Duration time_max = std::chrono::hours(24 * 365);

std::unique_ptr<trace::QlogWriter> make_trace(const NodeConfig& config) {
    if (!config.trace) return nullptr;
    trace::QlogOptions options;
    options.reference = platform::now();
    options.reference_unix_ms = platform::unix_milliseconds();
    options.has_groups = true;
    options.has_peers = config.trace_has_peers;
    options.has_texts = config.trace_has_texts;
    return std::make_unique<trace::QlogWriter>(options, config.trace);
}

std::error_code failure_of(connection::ConnectError error) {
    switch (error) {
        case connection::ConnectError::wrong_peer:
            return Failure::wrong_peer;
        case connection::ConnectError::incompatible:
            return Failure::incompatible_peer;
        case connection::ConnectError::no_address:
        case connection::ConnectError::too_many_addresses:
            return Failure::no_address;
        case connection::ConnectError::seed_unknown:
        case connection::ConnectError::seed_removed:
            return Failure::unknown_seed;
        case connection::ConnectError::too_many_sessions:
            return Failure::session_limit;
        default:
            return Failure::handshake_timeout;
    }
}

connection::EndpointConfig endpoint_config(const NodeConfig& config, stc::RandomSource& random,
                                           trace::Sink* trace) {
    connection::EndpointConfig endpoint;
    endpoint.connection.trace = trace;
    if (config.identity) {
        endpoint.identity = *config.identity;
    } else {
        random.fill(endpoint.identity);
    }
    endpoint.session_count_max = config.session_count_max;
    endpoint.seed_count_max = config.seed_count_max;
    endpoint.reconnect.is_enabled = config.reconnects;
    endpoint.responder.half_open_count_max = config.half_open_count_max;
    endpoint.responder.nonce_count_max = config.nonce_count_max;
    endpoint.responder.rate.total = {config.handshake_rate.per_second, config.handshake_rate.burst};
    endpoint.responder.rate.source = {config.handshake_rate_of_source.per_second,
                                      config.handshake_rate_of_source.burst};
    connection::ConnectionConfig& connection = endpoint.connection;
    connection.idle_timeout = std::min(config.idle_timeout, time_max);
    connection.unreachable_after = std::min(config.unreachable_after, time_max);
    connection.resume_timeout = std::min(config.resume_timeout, time_max);
    connection.keep_alive = std::min(config.keep_alive, time_max);
    connection.handshake_timeout = std::min(config.handshake_timeout, time_max);
    connection.datagram_size_max = std::clamp(
        config.datagram_size_max, recovery::datagram_size_base, connection::datagram_size_limit);
    // Peers have the initial credit from the beginning: less cannot be promised.
    connection.stream_window_max =
        std::max<std::uint64_t>(config.stream_window_max, stream::stream_credit_initial);
    connection.session_window_max =
        std::max<std::uint64_t>(config.session_window_max, stream::session_credit_initial);
    connection.padding = config.padding;
    connection.congestion = config.congestion;
    connection.send_buffer_max = config.send_buffer_max;
    connection.peer_stream_limit = config.peer_stream_limit;
    return endpoint;
}

}  // namespace

NodeBackend::Socket::Socket(asio::io_context& context, transport::UdpSocket socket_given)
    : socket(std::move(socket_given)), descriptor(context, socket.native_handle()) {}

NodeBackend::Socket::~Socket() {
    descriptor.release();
}

bool NodeBackend::Socket::serves(const Address& address) const noexcept {
    const auto family = socket.local_address().family();
    // A socket on "[::]" takes both families.
    const bool is_dual = socket.local_address().with_port(0) == Address::ipv6({}, 0);
    return family == address.family() || is_dual;
}

NodeBackend::NodeBackend(asio::io_context& context, const NodeConfig& config)
    : context_(context),
      config_(config),
      trace_(make_trace(config)),
      endpoint_(endpoint_config(config, random_, trace_.get()), random_),
      send_buffer_(send_buffer_size),
      timer_(context) {}

NodeBackend::~NodeBackend() = default;

Result<SeedId, std::error_code> NodeBackend::add_seed(const Seed& seed,
                                                      std::optional<Duration> lifetime) {
    if (is_closing_) return Unexpected(make_error_code(Failure::node_closed));
    std::optional<Instant> expires_at;
    if (lifetime) {
        expires_at = platform::now() + std::clamp(*lifetime, Duration::zero(), time_max);
    }
    const auto added = endpoint_.add_seed(seed.bytes(), expires_at);
    if (!added) {
        return Unexpected(make_error_code(added.error() == connection::AddSeedError::too_many
                                              ? Failure::seed_limit
                                              : Failure::seed_size));
    }
    seeds_.insert(SeedId{*added});
    schedule();
    return SeedId{*added};
}

bool NodeBackend::remove_seed(SeedId seed) {
    seeds_.erase(seed);
    const bool is_removed = endpoint_.remove_seed(moment(), static_cast<handshake::SeedId>(seed));
    schedule();
    return is_removed;
}

connection::Moment NodeBackend::moment() const noexcept {
    return {platform::now(), platform::unix_milliseconds()};
}

void NodeBackend::log(LogLevel level, const std::string& line) const {
    if (config_.log) config_.log(level, line);
}

Result<NodeBackend::Socket*, std::error_code> NodeBackend::bind(const Address& address) {
    STT_TRY(transport::UdpSocket socket, transport::UdpSocket::bind(address));
    sockets_.push_back(std::make_unique<Socket>(context_, std::move(socket)));
    Socket& bound = *sockets_.back();
    const auto buffers = bound.socket.buffers();
    log(LogLevel::debug, "bound " + bound.socket.local_address().to_string() + ", receive buffer " +
                             std::to_string(buffers.receive_size) + " bytes, offload " +
                             (bound.socket.has_segmentation_offload() ? "GSO " : "no GSO ") +
                             (bound.socket.has_receive_offload() ? "GRO" : "no GRO"));
    wait_readable(bound);
    watch_network();
    return &bound;
}

Result<Address, std::error_code> NodeBackend::listen(const Address& address) {
    if (is_closing_) return Unexpected(make_error_code(Failure::node_closed));
    // Which of two sockets of one family a peer spoke to would be lost on the way back.
    if (socket_for(address) != nullptr) {
        return Unexpected(make_error_code(Failure::already_listening));
    }
    STT_TRY(const Socket* socket, bind(address));
    return socket->socket.local_address();
}

NodeBackend::Socket* NodeBackend::socket_for(const Address& address) noexcept {
    for (const auto& socket : sockets_) {
        if (socket->serves(address)) return socket.get();
    }
    return nullptr;
}

node::Cancel NodeBackend::connect(const std::vector<Address>& addresses,
                                  const ConnectOptions& options,
                                  Completion<SessionPointer> completion) {
    if (is_closing_) {
        completion(Failure::node_closed, nullptr);
        return [] {};
    }
    std::vector<Route> reachable;
    std::error_code last_error = asio::error::address_family_not_supported;
    for (const Address& address : addresses) {
        if (socket_for(address) == nullptr) {
            const bool is_ipv6 = address.family() == Address::Family::ipv6;
            const auto bound = bind(is_ipv6 ? Address::ipv6({}, 0) : Address::ipv4({}, 0));
            if (!bound) {
                last_error = bound.error();
                continue;
            }
        }
        reachable.emplace_back(address);
    }
    if (reachable.empty()) {
        completion(last_error, nullptr);
        return [] {};
    }
    const SeedId seed = options.seed.value_or(seeds_.empty() ? SeedId{} : *seeds_.begin());
    const auto attempt =
        endpoint_.connect(moment(), static_cast<handshake::SeedId>(seed), reachable, options.peer);
    connects_[attempt] = std::move(completion);
    schedule();
    return [weak = weak_from_this(), attempt] {
        const auto self = weak.lock();
        if (self == nullptr) return;
        auto pending = self->connects_.extract(attempt);
        if (pending.empty()) return;
        self->endpoint_.cancel(attempt);
        pending.mapped()(node::aborted, nullptr);
    };
}

node::Cancel NodeBackend::accept(Completion<SessionPointer> completion) {
    STT_CHECK(!accept_);
    if (!accepted_.empty()) {
        auto session = std::move(accepted_.front());
        accepted_.pop_front();
        completion({}, std::move(session));
        return [] {};
    }
    if (is_closing_) {
        completion(Failure::node_closed, nullptr);
        return [] {};
    }
    accept_ = std::move(completion);
    return [weak = weak_from_this()] {
        const auto self = weak.lock();
        if (self == nullptr || !self->accept_) return;
        std::exchange(self->accept_, {})(node::aborted, nullptr);
    };
}

void NodeBackend::close(Completion<bool> completion) {
    if (is_shut_down_) return completion({}, true);
    closes_.push_back(std::move(completion));
    schedule();
    if (std::exchange(is_closing_, true)) return;
    for (const auto& [handle, session] : sessions_) session->close(0, {});
    for (auto& [attempt, pending] : std::exchange(connects_, {})) {
        endpoint_.cancel(attempt);
        pending(Failure::node_closed, nullptr);
    }
}

// Spec protocol §12.3 has a closed session repeat itself for three PTOs; a node that is
// leaving sends its closes once and goes: a peer that misses one times out.
void NodeBackend::finish_close_if_sent() {
    if (closes_.empty() || blocked_ || !endpoint_.is_quiet()) return;
    shut_down();
}

void NodeBackend::shut_down() {
    if (std::exchange(is_shut_down_, true)) return;
    is_closing_ = true;
    timer_.cancel();
    watch_.reset();
    sockets_.clear();
    for (auto& [handle, session] : std::exchange(sessions_, {})) session->handle_node_closed();
    accepted_.clear();
    if (accept_) std::exchange(accept_, {})(Failure::node_closed, nullptr);
    for (auto& [attempt, completion] : std::exchange(connects_, {})) {
        completion(Failure::node_closed, nullptr);
    }
    for (auto& completion : std::exchange(closes_, {})) completion({}, true);
}

void NodeBackend::wake(connection::SessionHandle session) {
    endpoint_.touch(session);
    schedule();
}

// One turn of the loop serves all that was asked for until it runs.
void NodeBackend::schedule() {
    if (std::exchange(is_scheduled_, true)) return;
    asio::post(context_, [weak = weak_from_this()] {
        if (const auto self = weak.lock()) {
            self->is_scheduled_ = false;
            self->run();
        }
    });
}

void NodeBackend::run() {
    if (is_shut_down_) return;
    send_pending();
    handle_events();
    arm_timer();
    finish_close_if_sent();
}

void NodeBackend::wait_readable(Socket& socket) {
    socket.descriptor.async_wait(asio::posix::stream_descriptor::wait_read,
                                 [weak = weak_from_this(), &socket](std::error_code error) {
                                     const auto self = weak.lock();
                                     if (self == nullptr || error || self->is_shut_down_) return;
                                     self->receive(socket);
                                 });
}

void NodeBackend::receive(Socket& socket) {
    bool more = true;
    for (int turn = 0; more && turn < receives_per_turn; ++turn) {
        const auto outcome = socket.socket.receive(received_);
        if (!outcome) {
            log(LogLevel::warning, "receiving failed: " + outcome.error().message());
            break;
        }
        const connection::Moment at = moment();
        for (const auto& datagrams : outcome->datagrams) {
            endpoint_.handle_datagrams(at, datagrams.from, datagrams.data, datagrams.segment_size,
                                       datagrams.ecn);
        }
        more = outcome->more;
    }
    run();
    if (!is_shut_down_) wait_readable(socket);
}

void NodeBackend::send_pending() {
    for (int burst = 0; !blocked_; ++burst) {
        const auto transmit = endpoint_.poll_transmit(moment(), send_buffer_);
        if (!transmit) return;
        if (!send(*transmit)) return;
        // What came in meanwhile has its turn: an acknowledgement may be among it.
        if (burst + 1 == bursts_per_turn) return schedule();
    }
}

// False when the socket has no room now.
bool NodeBackend::send(const connection::Transmit& transmit) {
    Socket* socket = socket_for(transmit.to.address);
    if (socket == nullptr) return true;
    transport::Outgoing message{transmit.to.address, Bytes(send_buffer_).first(transmit.size),
                                transmit.segment_size, transmit.ecn};
    const auto outcome = socket->socket.send({&message, 1});
    if (!outcome) {
        log(LogLevel::warning, "sending failed: " + outcome.error().message());
        return true;
    }
    if (!outcome->would_block) return true;
    blocked_ = Blocked{};
    blocked_->socket = socket;
    blocked_->bytes.assign(message.data.begin(), message.data.end());
    blocked_->message = message;
    blocked_->message.data = blocked_->bytes;
    wait_writable(*socket);
    return false;
}

void NodeBackend::wait_writable(Socket& socket) {
    socket.descriptor.async_wait(
        asio::posix::stream_descriptor::wait_write,
        [weak = weak_from_this(), &socket](std::error_code error) {
            const auto self = weak.lock();
            if (self == nullptr || error || self->is_shut_down_ || !self->blocked_) return;
            const auto outcome = socket.socket.send({&self->blocked_->message, 1});
            if (outcome && outcome->would_block) return self->wait_writable(socket);
            self->blocked_.reset();
            self->run();
        });
}

void NodeBackend::handle_events() {
    while (const auto event = endpoint_.poll_event()) handle_event(*event);
}

NodeBackend::SessionPointer NodeBackend::add_session(connection::SessionHandle handle,
                                                     Duration handshake) {
    auto session =
        std::make_shared<SessionBackend>(weak_from_this(), executor(), handle, handshake);
    sessions_[handle] = session;
    return session;
}

void NodeBackend::handle_event(const connection::EndpointEvent& event) {
    if (const auto* accepted = std::get_if<connection::SessionAccepted>(&event)) {
        auto session = add_session(accepted->session, {});
        log(LogLevel::info, "session from " + session->peer_address().to_string());
        if (is_closing_) return session->close(0, {});
        keep_for_accept(std::move(session));
    } else if (const auto* connected = std::get_if<connection::SessionConnected>(&event)) {
        auto session = add_session(connected->session, connected->handshake);
        log(LogLevel::info, "session with " + session->peer_address().to_string() + " after " +
                                std::to_string(connected->handshake.count()) + " us");
        auto pending = connects_.extract(connected->attempt);
        if (!pending.empty()) return pending.mapped()({}, std::move(session));
        session->close(0, {});
    } else if (const auto* again = std::get_if<connection::SessionReconnected>(&event)) {
        auto successor = add_session(again->new_session, again->handshake);
        log(LogLevel::info, "session with " + successor->peer_address().to_string() +
                                " made anew: the peer had lost it");
        if (is_closing_) successor->close(0, {});
        const auto former = sessions_.find(again->old_session);
        if (former != sessions_.end()) former->second->handle_reconnected(successor, *again);
    } else if (const auto* failed = std::get_if<connection::ConnectFailed>(&event)) {
        auto pending = connects_.extract(failed->attempt);
        if (!pending.empty()) pending.mapped()(failure_of(failed->error), nullptr);
    } else if (const auto* expired = std::get_if<connection::SeedExpired>(&event)) {
        seeds_.erase(SeedId{expired->seed});
        log(LogLevel::info, "a seed has expired");
    } else if (const auto* of_session = std::get_if<connection::SessionEvent>(&event)) {
        const auto found = sessions_.find(of_session->session);
        if (found == sessions_.end()) return;
        const SessionPointer session = found->second;
        session->handle_event(of_session->event);
        if (const auto* closed = std::get_if<connection::Closed>(&of_session->event)) {
            log(LogLevel::info, "session with " + session->peer_address().to_string() +
                                    " ended: " + session->error().message() + " (" +
                                    std::string(name_of(static_cast<ErrorCode>(closed->code))) +
                                    ") " + closed->reason);
            // Applications may still hold it; the engine ends by itself.
            if (!is_closing_) sessions_.erase(of_session->session);
            // Of what nobody accepted, only what can still be read is worth keeping.
            std::erase_if(accepted_, [](const SessionPointer& each) { return each->is_spent(); });
        }
    }
}

void NodeBackend::keep_for_accept(SessionPointer session) {
    if (accept_) return std::exchange(accept_, {})({}, std::move(session));
    if (accepted_.size() >= accepted_count_max) {
        if (handlers_.is_empty() && custom_handlers_.is_empty()) {
            return session->close(static_cast<std::uint64_t>(ErrorCode::refused), "nobody accepts");
        }
        accepted_.pop_front();  // it goes on being served
    }
    accepted_.push_back(std::move(session));
}

void NodeBackend::handle_endpoint(std::string endpoint, node::Handler handler) {
    handlers_.set(endpoint, std::move(handler));
    for (const auto& [handle, session] : sessions_) session->serve_waiting(endpoint);
}

void NodeBackend::handle_custom(std::uint8_t type, CustomHandler handler) {
    STT_CHECK(type >= custom_type_min);
    custom_handlers_.set(type, std::move(handler));
    endpoint_.set_custom_types(node::types_of(custom_handlers_));
}

void NodeBackend::remove_custom_handler(std::uint8_t type) {
    custom_handlers_.remove(type);
    endpoint_.set_custom_types(node::types_of(custom_handlers_));
}

NodeBackend::Watch::Watch(asio::io_context& context, platform::NetworkWatch watch_given)
    : watch(std::move(watch_given)), descriptor(context, watch.native_handle()), settle(context) {}

NodeBackend::Watch::~Watch() {
    descriptor.release();
}

// Not in the constructor: nothing holds this object weakly before it has ended.
void NodeBackend::watch_network() {
    if (watch_ != nullptr || !config_.watches_network) return;
    auto watch = platform::NetworkWatch::open();
    if (!watch) {
        config_.watches_network = false;
        return log(LogLevel::debug, "not watching the network: " + watch.error().message());
    }
    watch_ = std::make_unique<Watch>(context_, std::move(*watch));
    wait_network();
}

void NodeBackend::wait_network() {
    watch_->descriptor.async_wait(
        asio::posix::stream_descriptor::wait_read,
        [weak = weak_from_this()](std::error_code error) {
            const auto self = weak.lock();
            if (self == nullptr || error || self->watch_ == nullptr) return;
            self->watch_->settle.expires_after(network_settle_time);
            self->watch_->settle.async_wait([weak](std::error_code stopped) {
                const auto alive = weak.lock();
                if (alive == nullptr || stopped || alive->watch_ == nullptr) return;
                if (alive->watch_->watch.take_change()) {
                    alive->log(LogLevel::debug, "the network of this machine has changed");
                    alive->network_changed();
                }
                alive->wait_network();
            });
        });
}

void NodeBackend::network_changed() {
    if (is_shut_down_) return;
    endpoint_.network_changed(moment());
    schedule();
}

void NodeBackend::arm_timer() {
    const auto deadline = endpoint_.poll_timeout();
    if (!deadline) return;
    // A timer that fires early finds nothing due and is set anew: cheaper than moving it
    // with every datagram.
    if (timer_at_ && *timer_at_ <= *deadline) return;
    timer_at_ = *deadline;
    timer_.expires_after(std::max(Duration::zero(), *deadline - platform::now()));
    timer_.async_wait([weak = weak_from_this()](std::error_code error) {
        const auto self = weak.lock();
        if (self == nullptr || error || self->is_shut_down_) return;
        self->timer_at_.reset();
        self->endpoint_.handle_timeout(self->moment());
        self->run();
    });
}

}  // namespace stt::detail
