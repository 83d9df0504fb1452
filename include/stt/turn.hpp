// Ends of operations that a node runs before it lets its io_context go on. Not for applications.
#pragma once

#include <array>
#include <asio/any_io_executor.hpp>
#include <asio/execution_context.hpp>
#include <asio/io_context.hpp>
#include <cstddef>
#include <memory>
#include <vector>

namespace stt::detail {

// What ends while an io_context runs is collected here, and run by the next node that does its
// work, within that work: what would be posted would wait for one more look at every descriptor,
// and the answer to it for another; and a node that sends would not know that more is about to be
// written. Where no node has work to do it is run as if it had been posted. Of the thread that runs
// the io_context: elsewhere is_here() is false, nothing may be added, and storage comes from the
// allocator.
class Turn : public asio::execution_context::service {
public:
    using key_type = Turn;
    static asio::execution_context::id id;

    // A handler with what it is to be told. Its storage is the turn's, which uses it again for the
    // next: each operation makes one.
    class Task {
    public:
        virtual ~Task() = default;
        // Ends with `task` gone: a handler may let go of all that it came from.
        virtual void run(std::unique_ptr<Task> task) = 0;

        // `turn` may be null: then the storage is the allocator's.
        static void* operator new(std::size_t size, Turn* turn);
        static void operator delete(void* storage, Turn* turn) noexcept;
        static void operator delete(void* storage) noexcept;
    };

    explicit Turn(asio::execution_context& context) noexcept;
    ~Turn() override;
    // The one of an executor that is an io_context's and nothing more; null for any other: what a
    // strand or another context runs must be posted to it.
    static Turn* of(const asio::any_io_executor& executor);

    // The io_context runs in this thread.
    bool is_here() const noexcept { return context_.get_executor().running_in_this_thread(); }
    // Runs it later, and not in this call.
    void add(std::unique_ptr<Task> task);

    // Opens the turn, unless it is open; what was not run at its end is left to the next.
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
    void post_if_left();

    // Pieces of storage_piece bytes and their multiples, up to storage_size_max; storage_count_max
    // of each size are kept.
    static constexpr std::size_t storage_piece = 128;
    static constexpr std::size_t storage_size_max = 1'024;
    static constexpr std::size_t storage_count_max = 256;

    asio::io_context& context_;
    std::vector<std::unique_ptr<Task>> tasks_;
    std::vector<std::unique_ptr<Task>> spare_;  // empty: storage for tasks_ while others run
    std::array<std::vector<void*>, storage_size_max / storage_piece> storage_;
    bool is_open_ = false;
    bool is_posted_ = false;  // a handler that runs what is left
};

}  // namespace stt::detail
