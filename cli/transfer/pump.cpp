#include "pump.hpp"

#include <array>
#include <asio/co_spawn.hpp>
#include <asio/error.hpp>
#include <chrono>
#include <exception>
#include <utility>

namespace stt::cli {
namespace {

// Answers that the peer does not read. Beyond it the pump waits: it is their memory
// against ours. Chosen: 1,024 offers answered with the longest reasons fit.
constexpr std::size_t answers_size_max = 1u << 20;

constexpr std::size_t read_size = 64u * 1024;

// Chosen: several round trips of the slowest paths.
constexpr std::chrono::seconds linger_time{5};

}  // namespace

void Pump::spawn(asio::awaitable<void> coroutine) {
    ++children_;
    asio::co_spawn(executor_, std::move(coroutine), [this](const std::exception_ptr& error) {
        --children_;
        changed_.notify();
        if (error) std::rethrow_exception(error);
    });
}

asio::awaitable<void> Pump::wait_for_children() {
    while (children_ > 0) co_await changed_.wait();
    linger_.cancel();
}

void Pump::linger() {
    linger_.expires_after(linger_time);
    linger_.async_wait([this](std::error_code error) {
        if (!error) link_.abort();
    });
}

void Pump::break_link(std::error_code error) {
    if (!error_) error_ = error;
    broken_ = true;
    changed_.notify();
}

asio::awaitable<TransferEnd> SendPump::run() {
    spawn(read_answers());
    spawn(write_buffers());
    const bool is_complete = co_await produce();
    // A receiver that gave up said why before it closed.
    if (!is_complete && engine_.failure().empty() && !answers_.empty()) {
        TransferBuffer buffer{std::make_unique<std::uint8_t[]>(transfer_buffer_size), 0};
        const std::vector<std::uint8_t> last = std::exchange(answers_, {});
        co_await run_on(worker_, [this, &last, &buffer] {
            engine_.step(last, buffer.all());
            return true;
        });
    }
    if (is_complete) {
        linger();
    } else {
        broken_ = true;
        changed_.notify();
        link_.abort();
    }
    co_await wait_for_children();
    co_return TransferEnd{is_complete, is_complete ? std::error_code() : error_, engine_.failure()};
}

// True when the receiver confirmed everything that it took.
asio::awaitable<bool> SendPump::produce() {
    for (;;) {
        while (!buffers_.has_free() && !broken_) co_await changed_.wait();
        if (broken_) co_return false;
        TransferBuffer buffer = buffers_.take_free();
        const std::vector<std::uint8_t> answers = std::exchange(answers_, {});
        const SendEngine::Step step = co_await run_on(
            worker_, [this, &answers, &buffer] { return engine_.step(answers, buffer.all()); });
        buffer.size = step.size;
        if (step.size > 0) {
            buffers_.put_full(std::move(buffer));
        } else {
            buffers_.put_free(std::move(buffer));
        }
        output_ended_ = step.next == SendEngine::Next::finished;
        changed_.notify();
        if (output_ended_) co_return true;
        if (step.next == SendEngine::Next::failed) co_return false;
        if (step.next == SendEngine::Next::produce) continue;
        while (answers_.empty() && !broken_ && !input_ended_) co_await changed_.wait();
        if (answers_.empty() && input_ended_) {
            error_ = asio::error::eof;
            co_return false;
        }
    }
}

asio::awaitable<void> SendPump::read_answers() {
    std::vector<std::uint8_t> buffer(read_size);
    for (;;) {
        const auto count = co_await link_.read_some(buffer);
        if (!count) {
            input_ended_ = count.error() == asio::error::eof;
            if (!input_ended_) break_link(count.error());
            changed_.notify();
            co_return;
        }
        // Bounded: each of at most outstanding_max entries is answered three times at most.
        answers_.insert(answers_.end(), buffer.begin(),
                        buffer.begin() + static_cast<std::ptrdiff_t>(*count));
        if (answers_.size() > answers_size_max) co_return link_.abort();
        changed_.notify();
    }
}

asio::awaitable<void> SendPump::write_buffers() {
    for (;;) {
        while (!buffers_.has_full() && !output_ended_ && !broken_) co_await changed_.wait();
        if (broken_) co_return;
        if (!buffers_.has_full()) co_return link_.finish();
        TransferBuffer buffer = buffers_.take_full();
        const std::error_code error = co_await link_.write_all(buffer.used());
        if (error) co_return break_link(error);
        buffers_.put_free(std::move(buffer));
        changed_.notify();
    }
}

asio::awaitable<TransferEnd> ReceivePump::run() {
    take_answers(engine_.take_output());
    spawn(read_buffers());
    spawn(write_answers());
    co_await consume();
    // Also when the sender is gone: what is whole gets its name.
    while (co_await run_on(worker_, [this] { return engine_.settle(); })) {
        if (broken_) break;
    }
    take_answers(engine_.take_output());
    output_ended_ = true;
    changed_.notify();
    linger();
    co_await wait_for_children();
    const bool is_complete = engine_.state() == ReceiveEngine::State::complete;
    co_return TransferEnd{is_complete, is_complete ? std::error_code() : error_, engine_.failure()};
}

void ReceivePump::take_answers(std::vector<std::uint8_t> answers) {
    answers_.insert(answers_.end(), answers.begin(), answers.end());
    changed_.notify();
}

// Until the transfer has ended in one way or another.
asio::awaitable<void> ReceivePump::consume() {
    struct Outcome {
        bool more = false;
        std::vector<std::uint8_t> answers{};
    };
    while (engine_.state() == ReceiveEngine::State::open) {
        if (answers_.size() > answers_size_max && !broken_) {
            co_await changed_.wait();
            continue;
        }
        if (buffers_.has_full()) {
            TransferBuffer buffer = buffers_.take_full();
            take_answers(co_await run_on(worker_, [this, &buffer] {
                engine_.consume(buffer.used());
                return engine_.take_output();
            }));
            settled_ = false;
            buffers_.put_free(std::move(buffer));
            changed_.notify();
        } else if (broken_) {
            co_return;
        } else if (!settled_ || input_ended_) {
            const bool is_end = input_ended_ && settled_;
            Outcome outcome = co_await run_on(worker_, [this, is_end] {
                if (is_end) engine_.end();
                const bool more = engine_.settle();
                return Outcome{more, engine_.take_output()};
            });
            settled_ = !outcome.more;
            take_answers(std::move(outcome.answers));
        } else {
            co_await changed_.wait();
        }
    }
}

asio::awaitable<void> ReceivePump::read_buffers() {
    for (;;) {
        while (!buffers_.has_free() && !output_ended_) co_await changed_.wait();
        if (output_ended_ && !buffers_.has_free()) {
            // Failed: what still comes is of no use to anyone.
            buffers_.put_free(buffers_.take_full());
        }
        TransferBuffer buffer = buffers_.take_free();
        const auto count = co_await link_.read_some(buffer.all());
        if (!count) {
            input_ended_ = count.error() == asio::error::eof;
            if (!input_ended_) break_link(count.error());
            changed_.notify();
            co_return;
        }
        buffer.size = *count;
        buffers_.put_full(std::move(buffer));
        changed_.notify();
    }
}

asio::awaitable<void> ReceivePump::write_answers() {
    for (;;) {
        while (answers_.empty() && !output_ended_ && !broken_) co_await changed_.wait();
        if (broken_) co_return;
        if (answers_.empty()) co_return link_.finish();
        const std::vector<std::uint8_t> answers = std::exchange(answers_, {});
        changed_.notify();
        const std::error_code error = co_await link_.write_all(answers);
        if (error) co_return break_link(error);
    }
}

}  // namespace stt::cli
