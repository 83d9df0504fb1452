#include <asio/post.hpp>
#include <cstddef>
#include <exception>
#include <new>
#include <stt/turn.hpp>
#include <typeinfo>
#include <utility>

namespace stt::detail {
namespace {

// In front of a task's storage.
struct alignas(std::max_align_t) Origin {
    Turn* turn;
    std::size_t size;  // with this
};

}  // namespace

asio::execution_context::id Turn::id;

// Made by of() and Opening alone, for an io_context.
Turn::Turn(asio::execution_context& context) noexcept
    : service(context), context_(static_cast<asio::io_context&>(context)) {}

Turn::~Turn() {
    for (auto& pieces : storage_) {
        for (void* const storage : pieces) ::operator delete(storage);
    }
}

void* Turn::Task::operator new(std::size_t size, Turn* turn) {
    const std::size_t needed = size + sizeof(Origin);
    const std::size_t rounded = (needed + storage_piece - 1) / storage_piece * storage_piece;
    void* storage = nullptr;
    if (turn != nullptr && rounded <= storage_size_max && turn->is_here()) {
        auto& pieces = turn->storage_[rounded / storage_piece - 1];
        pieces.reserve(storage_count_max);
        if (!pieces.empty()) {
            storage = pieces.back();
            pieces.pop_back();
        }
    }
    if (storage == nullptr) storage = ::operator new(rounded);
    return ::new (storage) Origin{turn, rounded} + 1;
}

void Turn::Task::operator delete(void* storage, Turn*) noexcept {
    Task::operator delete(storage);
}

void Turn::Task::operator delete(void* storage) noexcept {
    if (storage == nullptr) return;
    Origin* const origin = static_cast<Origin*>(storage) - 1;
    Turn* const turn = origin->turn;
    if (turn != nullptr && origin->size <= storage_size_max && turn->is_here()) {
        auto& pieces = turn->storage_[origin->size / storage_piece - 1];
        if (pieces.size() < pieces.capacity()) return pieces.push_back(origin);
    }
    ::operator delete(origin);
}

Turn* Turn::of(const asio::any_io_executor& executor) {
    using Plain = asio::io_context::executor_type;
    // Asio's target() takes the caller's word for the type.
    if (executor.target_type() != typeid(Plain)) return nullptr;
    return &asio::use_service<Turn>(executor.target<Plain>()->context());
}

void Turn::add(std::unique_ptr<Task> task) {
    tasks_.push_back(std::move(task));
    post_if_left();
}

void Turn::post_if_left() {
    if (tasks_.empty() || is_open_ || std::exchange(is_posted_, true)) return;
    asio::post(context_, [this] {
        is_posted_ = false;
        Opening(context_).run_tasks();
    });
}

Turn::Opening::Opening(asio::io_context& context)
    : context_(context),
      turn_(asio::use_service<Turn>(context)),
      was_open_(std::exchange(turn_.is_open_, true)) {}

Turn::Opening::~Opening() {
    turn_.is_open_ = was_open_;
    turn_.post_if_left();
}

void Turn::Opening::run_tasks() {
    // Two vectors take turns, so that a turn allocates nothing; a turn within this one, of a
    // handler that runs the io_context, finds no spare one and makes its own.
    auto tasks = std::exchange(turn_.tasks_, std::exchange(turn_.spare_, {}));
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
    turn_.spare_ = std::move(tasks);
}

}  // namespace stt::detail
