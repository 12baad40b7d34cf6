#include "daemon/commands/stop_signal.hpp"

#include <csignal>

namespace tamis::daemon {

namespace {

volatile std::sig_atomic_t stop_flag = 0;

void on_signal(int /*number*/) { stop_flag = 1; }

}  // namespace

void catch_stop_signals() {
    struct sigaction action {};
    action.sa_handler = on_signal;
    sigaction(SIGINT, &action, nullptr);
    sigaction(SIGTERM, &action, nullptr);
}

bool stop_requested() noexcept { return stop_flag != 0; }

}  // namespace tamis::daemon
