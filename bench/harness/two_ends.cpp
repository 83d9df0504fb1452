#include "bench/harness/two_ends.hpp"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <new>
#include <thread>

namespace stt::bench {
namespace {

constexpr std::chrono::seconds listening_time_max{30};
constexpr std::chrono::milliseconds ending_time_max{500};

void enter_namespace(const std::string& name) {
    const int descriptor = ::open(("/run/netns/" + name).c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0 || ::setns(descriptor, CLONE_NEWNET) != 0) {
        give_up("cannot enter the network namespace " + name);
    }
    ::close(descriptor);
}

void keep_on_core(std::size_t core) {
    cpu_set_t cores;
    CPU_ZERO(&cores);
    CPU_SET(core, &cores);
    ::sched_setaffinity(0, sizeof cores, &cores);
}

double seconds_of(clockid_t clock) {
    timespec time{};
    if (::clock_gettime(clock, &time) != 0) return 0;
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

bool has_ended(pid_t process, std::chrono::milliseconds patience) {
    const auto end = Clock::now() + patience;
    do {
        if (::waitpid(process, nullptr, WNOHANG) == process) return true;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    } while (Clock::now() < end);
    return false;
}

}  // namespace

void give_up(const std::string& what) {
    std::fprintf(stderr, "%s: %s\n", program_invocation_short_name, what.c_str());
    std::_Exit(1);
}

Place Place::of(const Arguments& arguments) {
    return {arguments.text("address", "127.0.0.1"), arguments.text("server-namespace", ""),
            arguments.choice("cores", {"any", "apart"}) == "apart"};
}

TwoEnds::TwoEnds(const Place& place, const std::function<void(Meeting&)>& serve) {
    void* const shared =
        ::mmap(nullptr, sizeof(Meeting), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) give_up("no shared memory");
    meeting_ = new (shared) Meeting;
    server_ = ::fork();
    if (server_ < 0) give_up("cannot fork");
    if (server_ == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (!place.server_namespace.empty()) enter_namespace(place.server_namespace);
        if (place.is_apart) keep_on_core(1);
        serve(*meeting_);
        std::_Exit(0);
    }
    if (place.is_apart) keep_on_core(0);
    ::clock_getcpuclockid(server_, &server_clock_);
    const auto end = Clock::now() + listening_time_max;
    while (meeting_->port() == 0) {
        if (has_ended(server_, std::chrono::milliseconds(1))) give_up("the server ended");
        if (Clock::now() > end) give_up("the server does not listen");
    }
}

TwoEnds::~TwoEnds() {
    if (!has_ended(server_, ending_time_max)) {
        ::kill(server_, SIGKILL);
        ::waitpid(server_, nullptr, 0);
    }
    ::munmap(meeting_, sizeof(Meeting));
}

ProcessorTime TwoEnds::processor_time() const {
    return {seconds_of(CLOCK_PROCESS_CPUTIME_ID), seconds_of(server_clock_)};
}

std::size_t TwoEnds::server_resident_size() const {
    std::ifstream file("/proc/" + std::to_string(server_) + "/statm");
    std::size_t size = 0;
    std::size_t pages = 0;
    file >> size >> pages;
    return pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace stt::bench
