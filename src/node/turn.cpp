#include <asio/post.hpp>
#include <exception>
#include <stt/turn.hpp>
#include <typeinfo>
#include <utility>

namespace stt::detail {

asio::execution_context::id Turn::id;

Turn::Turn(asio::execution_context& context) noexcept : service(context) {}

Turn* Turn::of(const asio::any_io_executor& executor) {
    using Plain = asio::io_context::executor_type;
    // Asio's target() takes the caller's word for the type.
    if (executor.target_type() != typeid(Plain)) return nullptr;
    return &asio::use_service<Turn>(executor.target<Plain>()->context());
}

Turn::Opening::Opening(asio::io_context& context)
    : context_(context),
      turn_(asio::use_service<Turn>(context)),
      was_open_(std::exchange(turn_.is_open_, true)) {}

Turn::Opening::~Opening() {
    turn_.is_open_ = was_open_;
    if (was_open_) return;
    for (auto& task : std::exchange(turn_.tasks_, {})) {
        asio::post(context_, [task = std::move(task)]() mutable {
            Task& posted = *task;
            posted.run(std::move(task));
        });
    }
}

void Turn::Opening::run_tasks() {
    auto tasks = std::exchange(turn_.tasks_, {});
    for (auto& task : tasks) {
        // As io_context::run() would: nothing after stop().
        if (context_.stopped()) {
            turn_.add(std::move(task));
            continue;
        }
        try {
            Task& next = *task;
            next.run(std::move(task));
        } catch (...) {
            asio::post(context_,
                       [thrown = std::current_exception()] { std::rethrow_exception(thrown); });
        }
    }
    tasks.clear();
    // Its storage is used again, so that a turn allocates nothing.
    if (turn_.tasks_.empty()) turn_.tasks_ = std::move(tasks);
}

}  // namespace stt::detail
