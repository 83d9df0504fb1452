#include "interrupt.hpp"

#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <system_error>

namespace stt::cli {
namespace {

// Enough for a SESSION_CLOSE to leave and for a sync that is under way on most disks.
constexpr unsigned closing_seconds_max = 5;

}  // namespace

Interrupt::Interrupt(asio::io_context& context) : signals_(context, SIGINT, SIGTERM) {
    wait();
}

Interrupt::~Interrupt() {
    // From here on nobody would listen.
    ::signal(SIGINT, SIG_DFL);
    ::signal(SIGTERM, SIG_DFL);
}

void Interrupt::wait() {
    signals_.async_wait([this](std::error_code error, int signal) {
        if (error) return;
        if (signal_ != 0) std::_Exit(128 + signal);
        signal_ = signal;
        // The kernel ends the process then, whatever it is busy with.
        ::signal(SIGALRM, [](int) { ::_exit(128 + SIGINT); });
        ::alarm(closing_seconds_max);
        wait();
        if (handler_) handler_();
    });
}

}  // namespace stt::cli
