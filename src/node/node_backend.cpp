#include "node/node_backend.hpp"

#include <algorithm>
#include <asio/error.hpp>
#include <asio/post.hpp>

#include "node/moment.hpp"
#include "node/nap.hpp"

namespace stt::detail {
namespace {

// Bursts of up to 64 KiB sent in one turn of the loop before receiving has its turn. Chosen: a few
// hundred microseconds at 10 Gbit/s. More, where they are small, makes them smaller still: sessions
// that wait have more to send at once.
constexpr int bursts_per_turn = 8;
// Times that what the application answers is served in one turn. Chosen: an exchange of a few
// messages needs no more, and what comes in has its turn.
constexpr int passes_per_turn = 4;
constexpr std::size_t send_buffer_size = 65'507;
// Sessions that peers began and nobody has accepted. Chosen: more than a program that
// accepts at all will ever let wait.
constexpr std::size_t accepted_count_max = 1'024;
// A node that is closed waits so long for what stands before its closes in WebSockets, and looks so
// often.
constexpr Duration close_time_max = std::chrono::seconds(1);
constexpr Duration close_look_interval = std::chrono::milliseconds(10);
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

connection::EndpointConfig endpoint_config(const NodeConfig& config, stc::RandomSource& random,
                                           trace::Sink* trace, const node::ShardSeat& seat,
                                           connection::StraySink* strays) {
    connection::EndpointConfig endpoint;
    endpoint.responder.shard = {seat.index, seat.count};
    endpoint.strays = strays;
    endpoint.connection.trace = trace;
    if (config.identity) {
        endpoint.identity = *config.identity;
    } else {
        random.fill(endpoint.identity);
    }
    endpoint.capabilities = {.streaming = true, .udp = true, .websocket = true};
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

class AtWork {
public:
    explicit AtWork(bool& flag) noexcept : flag_(flag) { flag_ = true; }
    ~AtWork() { flag_ = false; }
    AtWork(const AtWork&) = delete;
    AtWork& operator=(const AtWork&) = delete;

private:
    bool& flag_;
};

}  // namespace

NodeBackend::NodeBackend(asio::io_context& context, const NodeConfig& config,
                         const node::ShardSeat& seat)
    : context_(context),
      config_(config),
      trace_(make_trace(config)),
      exchange_(seat.mail == nullptr
                    ? nullptr
                    : std::make_unique<node::ShardExchange>(
                          seat, static_cast<node::TransportOwner&>(*this), endpoint_, websockets_)),
      endpoint_(endpoint_config(config, random_, trace_.get(), seat, exchange_.get()), random_),
      udp_(context, *this, received_),
      websockets_(context, *this, {config.tls_authorities_file, config.tls_verifies}, random_,
                  {seat.first_number(), seat.count}),
      connector_(context, endpoint_, udp_, websockets_, [this] { schedule(); }),
      path_keeper_(context, endpoint_, websockets_, [this] { schedule(); }),
      send_buffer_(send_buffer_size),
      timer_(context),
      close_timer_(context) {}

NodeBackend::~NodeBackend() = default;

std::optional<Instant> NodeBackend::expiry_of(std::optional<Duration> lifetime) {
    if (!lifetime) return std::nullopt;
    return platform::now() + std::clamp(*lifetime, Duration::zero(), time_max);
}

Result<SeedId, std::error_code> NodeBackend::add_seed(const Seed& seed,
                                                      std::optional<Instant> expires_at) {
    if (is_closing_) return Unexpected(make_error_code(Failure::node_closed));
    // Those whose time is over take no room.
    endpoint_.handle_timeout(node::current_moment());
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
    const bool is_removed =
        endpoint_.remove_seed(node::current_moment(), static_cast<handshake::SeedId>(seed));
    schedule();
    return is_removed;
}

void NodeBackend::log(LogLevel level, const std::string& line) const {
    if (config_.log) config_.log(level, line);
}

Result<Address, std::error_code> NodeBackend::listen(const Address& address) {
    if (is_closing_) return Unexpected(make_error_code(Failure::node_closed));
    STT_TRY(const Address bound, udp_.listen(address));
    watch_network();
    return bound;
}

Result<Address, std::error_code> NodeBackend::listen(transport::UdpSocket socket) {
    if (is_closing_) return Unexpected(make_error_code(Failure::node_closed));
    STT_TRY(const Address bound, udp_.listen(std::move(socket)));
    watch_network();
    return bound;
}

Result<Address, std::error_code> NodeBackend::listen_websocket(const Address& address,
                                                               const WebSocketOptions& options,
                                                               platform::PortUse port_use) {
    if (is_closing_) return Unexpected(make_error_code(Failure::node_closed));
    return websockets_.listen(address, options, port_use);
}

node::Cancel NodeBackend::connect(const Destination& destination, const ConnectOptions& options,
                                  Completion<SessionPointer> completion) {
    if (is_closing_) {
        completion(Failure::node_closed, nullptr);
        return [] {};
    }
    watch_network();
    const SeedId seed = options.seed.value_or(seeds_.empty() ? SeedId{} : *seeds_.begin());
    // Handlers are copied about, completions are not.
    const auto shared = std::make_shared<Completion<SessionPointer>>(std::move(completion));
    const auto number =
        connector_.begin({static_cast<handshake::SeedId>(seed), destination, options.peer},
                         [this, shared](std::error_code error, connection::SessionHandle session) {
                             (*shared)(error, error ? nullptr : sessions_.at(session));
                         });
    return [weak = weak_from_this(), number, shared] {
        const auto self = weak.lock();
        if (self == nullptr || !*shared) return;
        self->connector_.cancel(number);
        (*shared)(node::aborted, nullptr);
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
    connector_.fail_all(Failure::node_closed);
}

// Spec protocol §12.3 has a closed session repeat itself for three PTOs; a node that is
// leaving sends its closes once and goes: a peer that misses one times out.
void NodeBackend::finish_close_if_sent() {
    if (closes_.empty() || udp_.is_blocked() || !endpoint_.is_quiet()) return;
    // Behind what was written before, the closes may still stand in a WebSocket.
    if (!close_until_) close_until_ = platform::now() + close_time_max;
    if (!may_shut_down() && platform::now() < *close_until_) {
        close_timer_.expires_after(close_look_interval);
        close_timer_.async_wait([weak = weak_from_this()](std::error_code error) {
            const auto self = weak.lock();
            if (self && !error && !self->is_shut_down_) self->finish_close_if_sent();
        });
        return;
    }
    shut_down();
}

bool NodeBackend::may_shut_down() {
    // Closes of other shards may be on their way to this one's WebSockets.
    const bool is_finished = exchange_ == nullptr || exchange_->finish();
    return is_finished && !websockets_.has_unsent();
}

void NodeBackend::shut_down() {
    if (std::exchange(is_shut_down_, true)) return;
    is_closing_ = true;
    timer_.cancel();
    close_timer_.cancel();
    network_watcher_.reset();
    connector_.fail_all(Failure::node_closed);
    path_keeper_.clear();
    websockets_.shut_down();
    udp_.close();
    for (auto& [handle, session] : std::exchange(sessions_, {})) session->handle_node_closed();
    accepted_.clear();
    if (accept_) std::exchange(accept_, {})(Failure::node_closed, nullptr);
    for (auto& completion : std::exchange(closes_, {})) completion({}, true);
}

void NodeBackend::wake(connection::SessionHandle session) {
    endpoint_.touch(session);
    schedule();
}

// One turn serves all that was asked for until it runs.
void NodeBackend::schedule() {
    if (is_at_work_) {
        is_work_wanted_ = true;
    } else {
        post_turn();
    }
}

void NodeBackend::post_turn() {
    if (std::exchange(is_scheduled_, true)) return;
    asio::post(context_, [weak = weak_from_this()] {
        if (const auto self = weak.lock()) {
            self->is_scheduled_ = false;
            self->run();
        }
    });
}

void NodeBackend::run() {
    if (is_at_work_) is_work_wanted_ = true;
    if (is_shut_down_ || is_at_work_) return;
    auto self = shared_from_this();
    {
        const AtWork at_work(is_at_work_);
        Turn::Opening opening(context_);
        int passes = 0;
        int bursts = 0;
        do {
            // The application is told first: what it answers leaves with the acknowledgement of
            // what it answers, in this turn.
            handle_events();
            opening.run_tasks();
            is_work_wanted_ = false;
            send_pending(opening, bursts);
            handle_events();
            if (exchange_) exchange_->count_sessions();
            finish_close_if_sent();
        } while (!is_shut_down_ && (is_work_wanted_ || opening.has_tasks()) &&
                 ++passes < passes_per_turn && bursts < bursts_per_turn);
    }
    if (!is_shut_down_) {
        if (is_work_wanted_) post_turn();
        arm_timer();
    }
    // A handler may have let go of the node while it stands in the calls that led here.
    if (self.use_count() == 1) asio::post(context_, [self = std::move(self)] {});
}

bool NodeBackend::handle_datagrams(const Route& from, MutableBytes data, std::size_t segment_size,
                                   std::uint8_t ecn) {
    return endpoint_.handle_datagrams(node::current_moment(), from, data, segment_size, ecn);
}

void NodeBackend::handle_route_closed(const Route& route) {
    if (is_shut_down_) return;
    endpoint_.handle_route_closed(node::current_moment(), route);
    if (exchange_) exchange_->handle_closed(route);
    connector_.on_route_closed(route);
    path_keeper_.on_route_closed(route);
    schedule();
}

void NodeBackend::set_route_full(const Route& route, bool is_full) {
    endpoint_.set_route_full(route, is_full);
    if (exchange_) exchange_->handle_full_changed(route);
    if (!is_full) schedule();
}

bool NodeBackend::carries_session(const Route& route) const {
    return endpoint_.carries_session(route);
}

bool NodeBackend::is_polling_busily() const {
    return config_.polls_busily && endpoint_.session_count() > 0;
}

void NodeBackend::take_mail() {
    if (!is_shut_down_) exchange_->take_mail();
}

void NodeBackend::send_pending(const Turn::Opening& opening, int& bursts) {
    while (!udp_.is_blocked()) {
        const auto transmit = endpoint_.poll_transmit(node::current_moment(), send_buffer_);
        if (!transmit) return;
        const Bytes bytes = Bytes(send_buffer_).first(transmit->size);
        if (transmit->size >= node::flow_burst_min) burst_sent_at_ = platform::now();
        if (exchange_ && exchange_->is_elsewhere(transmit->to)) {
            exchange_->send(transmit->to, bytes);
        } else if (transmit->to.is_reliable()) {
            websockets_.send(transmit->to, bytes);
        } else if (!udp_.send(*transmit, bytes)) {
            return;
        }
        // What came in meanwhile has its turn: an acknowledgement may be among it. And so has who
        // is about to write more: what a large burst leaves over fills none, and with more it does.
        const bool is_large = transmit->size >= node::flow_burst_min;
        if (++bursts == bursts_per_turn || (is_large && opening.has_tasks())) {
            is_work_wanted_ = true;
            return;
        }
    }
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
        if (exchange_) exchange_->count_accepted();
        if (is_closing_) return session->close(0, {});
        keep_for_accept(std::move(session));
    } else if (const auto* connected = std::get_if<connection::SessionConnected>(&event)) {
        handle_connected(*connected);
    } else if (const auto* again = std::get_if<connection::SessionReconnected>(&event)) {
        auto successor = add_session(again->new_session, again->handshake);
        log(LogLevel::info, "session with " + successor->peer_address().to_string() +
                                " made anew: the peer had lost it");
        if (is_closing_) successor->close(0, {});
        path_keeper_.replace(again->old_session, again->new_session);
        const auto former = sessions_.find(again->old_session);
        if (former != sessions_.end()) former->second->handle_reconnected(successor, *again);
    } else if (const auto* failed = std::get_if<connection::ConnectFailed>(&event)) {
        connector_.on_failed(failed->attempt, failed->error);
    } else if (const auto* expired = std::get_if<connection::SeedExpired>(&event)) {
        seeds_.erase(SeedId{expired->seed});
        log(LogLevel::info, "a seed has expired");
    } else if (const auto* unused = std::get_if<connection::WebSocketUnused>(&event)) {
        handle_websocket_unused(Route({}, unused->connection));
    } else if (const auto* of_session = std::get_if<connection::SessionEvent>(&event)) {
        handle_session_event(of_session->session, of_session->event);
    }
}

void NodeBackend::handle_websocket_unused(const Route& route) {
    if (exchange_ && exchange_->is_elsewhere(route)) return exchange_->release(route);
    if (exchange_ && exchange_->is_used_elsewhere(route)) return;
    websockets_.close(route, websocket::close_code::normal, "no session");
}

void NodeBackend::handle_connected(const connection::SessionConnected& connected) {
    auto session = add_session(connected.session, connected.handshake);
    log(LogLevel::info, "session with " + session->peer_address().to_string() + " after " +
                            std::to_string(connected.handshake.count()) + " us");
    const auto won = connector_.take(connected.attempt);
    if (!won) return session->close(0, {});
    path_keeper_.add(connected.session, won->destination);
    won->handler({}, connected.session);
}

void NodeBackend::handle_session_event(connection::SessionHandle handle,
                                       const connection::Event& event) {
    const auto found = sessions_.find(handle);
    if (found == sessions_.end()) return;
    const SessionPointer session = found->second;
    if (std::holds_alternative<connection::Silent>(event)) path_keeper_.on_silent(handle);
    if (const auto* taken = std::get_if<connection::PathTaken>(&event)) {
        log(LogLevel::info, "session with " + session->peer_address().to_string() + " goes on by " +
                                (taken->route.is_reliable() ? "a WebSocket of " : "UDP, ") +
                                taken->route.address.to_string());
        path_keeper_.on_path_taken(handle, taken->route);
    }
    session->handle_event(event);
    if (const auto* closed = std::get_if<connection::Closed>(&event)) {
        log(LogLevel::info, "session with " + session->peer_address().to_string() +
                                " ended: " + session->error().message() + " (" +
                                std::string(name_of(static_cast<ErrorCode>(closed->code))) + ") " +
                                closed->reason);
        path_keeper_.remove(handle);
        // Applications may still hold it; the engine ends by itself.
        if (!is_closing_) sessions_.erase(handle);
        // Of what nobody accepted, only what can still be read is worth keeping.
        std::erase_if(accepted_, [](const SessionPointer& each) { return each->is_spent(); });
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

// Not in the constructor: a node that reaches nobody has nothing to watch for.
void NodeBackend::watch_network() {
    if (network_watcher_ != nullptr || !config_.watches_network) return;
    auto watcher = node::NetworkWatcher::start(context_, [this] {
        log(LogLevel::debug, "the network of this machine has changed");
        network_changed();
    });
    if (!watcher) {
        config_.watches_network = false;
        return log(LogLevel::debug, "not watching the network: " + watcher.error().message());
    }
    network_watcher_ = std::move(*watcher);
}

void NodeBackend::network_changed() {
    if (is_shut_down_) return;
    endpoint_.network_changed(node::current_moment());
    path_keeper_.network_changed();
    schedule();
}

void NodeBackend::arm_timer() {
    const auto deadline = endpoint_.poll_timeout();
    if (!deadline) return;
    // A timer that fires early finds nothing due and is set anew: cheaper than moving it
    // with every datagram.
    if (timer_at_ && *timer_at_ <= *deadline) return;
    timer_at_ = *deadline;
    const Instant now = platform::now();
    const Duration wait = *deadline - now;
    const bool is_soon = wait <= node::nap_min && now - burst_sent_at_ <= node::flow_time;
    if (!is_soon && !is_polling_busily()) return set_timer(wait);
    timer_.cancel();
    look_at_clock();
}

void NodeBackend::set_timer(Duration wait) {
    timer_.expires_after(wait);
    timer_.async_wait([weak = weak_from_this()](std::error_code error) {
        const auto self = weak.lock();
        if (self == nullptr || error || self->is_shut_down_) return;
        self->handle_timer();
    });
}

// Instead of a timer, for what is almost due or by a node that does not sleep: setting one, its
// interrupt and what that wakes take longer than a datagram.
void NodeBackend::look_at_clock() {
    if (std::exchange(is_looking_at_clock_, true)) return;
    asio::post(context_, [weak = weak_from_this()] {
        const auto self = weak.lock();
        if (self == nullptr || self->is_shut_down_) return;
        self->is_looking_at_clock_ = false;
        if (!self->timer_at_) return;
        const Duration wait = *self->timer_at_ - platform::now();
        if (wait <= Duration::zero()) return self->handle_timer();
        if (wait <= node::nap_min || self->is_polling_busily()) return self->look_at_clock();
        self->set_timer(wait);
    });
}

void NodeBackend::handle_timer() {
    timer_at_.reset();
    endpoint_.handle_timeout(node::current_moment());
    run();
}

}  // namespace stt::detail
