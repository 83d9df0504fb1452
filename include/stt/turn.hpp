// Ends of operations that a node runs before it lets its io_context go on. Not for applications.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/execution_context.hpp>
#include <asio/io_context.hpp>
#include <memory>
#include <vector>

namespace stt::detail {

// While a node of an io_context does its work, what ends by it is collected here and run at the end
// of that work: what would be posted would wait for one more look at every descriptor, and the
// answer to it for another. Used by the thread that runs the io_context only.
class Turn : public asio::execution_context::service {
public:
    using key_type = Turn;
    static asio::execution_context::id id;

    // A handler with what it is to be told.
    class Task {
    public:
        virtual ~Task() = default;
        // Ends with `task` gone: a handler may let go of all that it came from.
        virtual void run(std::unique_ptr<Task> task) = 0;
    };

    explicit Turn(asio::execution_context& context) noexcept;
    // The one of an executor that is an io_context's and nothing more; null for any other: what a
    // strand or another context runs must be posted to it.
    static Turn* of(const asio::any_io_executor& executor);

    // Somebody is at work, and will run what is added.
    bool is_open() const noexcept { return is_open_; }
    void add(std::unique_ptr<Task> task) { tasks_.push_back(std::move(task)); }

    // Opens the turn, unless it is; at its end what was not run is posted.
    class Opening {
    public:
        explicit Opening(asio::io_context& context);
        ~Opening();
        Opening(const Opening&) = delete;
        Opening& operator=(const Opening&) = delete;

        bool has_tasks() const noexcept { return !turn_.tasks_.empty(); }
        // Runs what was added before, and not what that adds. What a handler throws is thrown from
        // io_context::run(), by a handler of its own.
        void run_tasks();

    private:
        asio::io_context& context_;
        Turn& turn_;
        bool was_open_;
    };

private:
    void shutdown() noexcept override { tasks_.clear(); }

    std::vector<std::unique_ptr<Task>> tasks_;
    bool is_open_ = false;
};

}  // namespace stt::detail
