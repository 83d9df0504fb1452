// Carries bytes between an engine on its worker thread and the network.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/steady_timer.hpp>
#include <asio/thread_pool.hpp>
#include <cstdint>
#include <string>
#include <system_error>
#include <vector>

#include "../async.hpp"
#include "buffer_pool.hpp"
#include "byte_link.hpp"
#include "receive_engine.hpp"
#include "send_engine.hpp"

namespace stt::cli {

// How a transfer ended.
struct TransferEnd {
    bool is_complete = false;  // to its end; single files may have failed: see Counters
    std::error_code error;     // of the link, when that ended it
    std::string failure;       // of the protocol or the disk, when that ended it
};

// What both directions share: two coroutines beside run(), and how they end.
class Pump {
public:
    Pump(const Pump&) = delete;
    Pump& operator=(const Pump&) = delete;

protected:
    Pump(ByteLink& link, asio::thread_pool& worker, const asio::any_io_executor& executor)
        : link_(link),
          worker_(worker),
          executor_(executor),
          changed_(executor),
          linger_(executor) {}
    ~Pump() = default;

    void spawn(asio::awaitable<void> coroutine);
    asio::awaitable<void> wait_for_children();
    // A peer that does not end its side is left after this time.
    void linger();
    void break_link(std::error_code error);

    ByteLink& link_;
    asio::thread_pool& worker_;
    asio::any_io_executor executor_;
    Notifier changed_;
    asio::steady_timer linger_;
    BufferPool buffers_;
    unsigned children_ = 0;
    bool input_ended_ = false;   // the peer finished
    bool output_ended_ = false;  // nothing more will be written
    bool broken_ = false;
    std::error_code error_;
};

class SendPump : Pump {
public:
    // All must outlive run().
    SendPump(ByteLink& link, SendEngine& engine, asio::thread_pool& worker,
             const asio::any_io_executor& executor)
        : Pump(link, worker, executor), engine_(engine) {}

    asio::awaitable<TransferEnd> run();

private:
    asio::awaitable<bool> produce();
    asio::awaitable<void> read_answers();
    asio::awaitable<void> write_buffers();

    SendEngine& engine_;
    std::vector<std::uint8_t> answers_;
};

class ReceivePump : Pump {
public:
    ReceivePump(ByteLink& link, ReceiveEngine& engine, asio::thread_pool& worker,
                const asio::any_io_executor& executor)
        : Pump(link, worker, executor), engine_(engine) {}

    asio::awaitable<TransferEnd> run();

private:
    asio::awaitable<void> consume();
    asio::awaitable<void> read_buffers();
    asio::awaitable<void> write_answers();
    void take_answers(std::vector<std::uint8_t> answers);

    ReceiveEngine& engine_;
    std::vector<std::uint8_t> answers_;
    bool settled_ = true;
};

}  // namespace stt::cli
