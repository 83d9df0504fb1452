// Ctrl-C and SIGTERM.
#pragma once

#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>
#include <functional>

#include "exit_code.hpp"

namespace stt::cli {

// Calls a handler for the first signal, so that the command can close what is open. The
// process ends at the second one, or when closing takes longer than a few seconds: files
// are safe at every moment.
class Interrupt {
public:
    explicit Interrupt(asio::io_context& context);
    ~Interrupt();

    void set_handler(std::function<void()> handler) { handler_ = std::move(handler); }
    bool happened() const noexcept { return signal_ != 0; }
    // 130 or 143; only once it happened.
    ExitCode exit_code() const noexcept { return static_cast<ExitCode>(128 + signal_); }
    // Lets the io_context end.
    void cancel() { signals_.cancel(); }

private:
    void wait();

    asio::signal_set signals_;
    std::function<void()> handler_;
    int signal_ = 0;
};

}  // namespace stt::cli
