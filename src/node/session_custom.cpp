// Custom frames of a session, both ways.
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/post.hpp>
#include <exception>

#include "node/node_backend.hpp"
#include "node/session_backend.hpp"

namespace stt::detail {
namespace {

void log_custom_thrown(const NodeBackend& node, std::uint8_t type,
                       const std::exception_ptr& thrown) {
    constexpr std::string_view digits = "0123456789abcdef";
    const std::string name{'0', 'x', digits[type >> 4], digits[type & 0x0f]};
    node.log(LogLevel::warning,
             "the handler of custom frames of type " + name + " threw: " + node::text_of(thrown));
}

}  // namespace

node::Cancel SessionBackend::send_custom(CustomFrame frame, Completion<bool> completion) {
    std::error_code error = error_;
    if (frame.type < custom_type_min) {
        error = Failure::custom_type;
    } else if (frame.payload.size() > custom_payload_size_max) {
        error = Failure::custom_payload_size;
    } else if (!error && connection() == nullptr) {
        error = Failure::node_closed;
    }
    if (error) {
        completion(error, false);
        return [] {};
    }
    if (custom_sends_.is_empty() && try_send_custom(frame, completion)) return [] {};
    return decltype(custom_sends_)::join({shared_from_this(), &custom_sends_}, std::move(frame),
                                         std::move(completion));
}

// False: the queue is full now.
bool SessionBackend::try_send_custom(const CustomFrame& frame, Completion<bool>& completion) {
    const auto sent = connection()->send_custom(frame.type, frame.stream_id, frame.payload);
    if (!sent && sent.error() == connection::CustomError::queue_full) return false;
    // The frame was looked at before: what is left is that close() was called.
    completion(sent ? std::error_code() : make_error_code(Failure::session_closed),
               sent.has_value());
    wake();
    return true;
}

void SessionBackend::retry_custom() {
    custom_sends_.retry(
        [this](const auto& frame, auto& completion) { return try_send_custom(frame, completion); });
}

void SessionBackend::handle_custom(std::uint8_t type, CustomHandler handler) {
    STT_CHECK(type >= custom_type_min);
    custom_handlers_.set(type, std::move(handler));
    tell_custom_types();
}

void SessionBackend::remove_custom_handler(std::uint8_t type) {
    custom_handlers_.remove(type);
    tell_custom_types();
}

void SessionBackend::tell_custom_types() {
    if (auto* engine = connection()) engine->set_custom_types(node::types_of(custom_handlers_));
}

node::CustomHandlerTable::Pointer SessionBackend::find_custom_handler(std::uint8_t type) const {
    if (auto own = custom_handlers_.find(type)) return own;
    const auto node = node_.lock();
    return node == nullptr ? nullptr : node->custom_handlers().find(type);
}

void SessionBackend::serve_custom() {
    if (std::exchange(is_serving_custom_, true)) return;
    // Posted: the handlers are the application's, and may do anything to the node.
    asio::post(executor_, [self = shared_from_this()] {
        asio::co_spawn(self->executor_, run_custom(self), asio::detached);
    });
}

// One after the other: what comes meanwhile waits in the engine's queue, which has a bound.
asio::awaitable<void> SessionBackend::run_custom(std::shared_ptr<SessionBackend> self) {
    while (auto frame = self->take_custom()) {
        const std::uint8_t type = frame->type;
        const auto handler = self->find_custom_handler(type);
        if (handler == nullptr) continue;
        std::exception_ptr thrown;
        try {
            co_await (*handler)(Session(self), *std::move(frame));
        } catch (...) {
            thrown = std::current_exception();
        }
        const auto node = self->node_.lock();
        if (thrown && node != nullptr) log_custom_thrown(*node, type, thrown);
    }
    self->is_serving_custom_ = false;
}

std::optional<CustomFrame> SessionBackend::take_custom() {
    auto* engine = connection();
    if (!error_ && engine != nullptr) return engine->receive_custom();
    if (custom_left_.empty() || node_.expired()) return std::nullopt;
    CustomFrame frame = std::move(custom_left_.front());
    custom_left_.pop_front();
    return frame;
}

// What came before the end is handed over, unless its node is what ends.
void SessionBackend::end_custom(std::error_code error) {
    auto* engine = error == Failure::node_closed ? nullptr : connection();
    while (engine != nullptr) {
        auto frame = engine->receive_custom();
        if (!frame) break;
        custom_left_.push_back(*std::move(frame));
    }
    custom_sends_.end(error);
}

}  // namespace stt::detail
