#include "streams/event_window.hpp"

#include <algorithm>
#include <gsl/assert>

namespace tamis::streams {
namespace {

constexpr std::uint64_t kMargin = 4;

}  // namespace

// Before anything is known the window is as long as it may be.
EventWindow::EventWindow(std::uint64_t shortest_ns, std::uint64_t longest_ns,
                         std::uint64_t longest_step_ns)
    : shortest_ns_(shortest_ns),
      longest_ns_(longest_ns),
      longest_step_ns_(longest_step_ns),
      length_ns_(longest_ns),
      delay_before_ns_(longest_ns / kMargin + 1) {
    Expects(shortest_ns > 0 && shortest_ns <= longest_ns);
}

void EventWindow::advance(std::uint64_t now_ns) noexcept {
    if (!last_now_ns_) {
        last_now_ns_ = now_ns;
    }
    if (now_ns <= *last_now_ns_) {
        return;
    }
    if (was_ready_) {
        clock_ns_ += std::min(now_ns - *last_now_ns_, longest_step_ns_);
    }
    last_now_ns_ = now_ns;
}

void EventWindow::on_delay(std::uint64_t delay_ns) noexcept {
    delay_ns_ = std::max(delay_ns_, delay_ns);
    if (++fragments_ == kStretch) {
        measure();
        delay_before_ns_ = delay_ns_;
        delay_ns_ = 0;
        fragments_ = 0;
    }
}

void EventWindow::on_late() noexcept {
    delay_ns_ = std::max(delay_ns_, length_ns_ / kMargin * 2 + 1);
    measure();
}

void EventWindow::measure() noexcept {
    const std::uint64_t delay_ns = std::max(delay_before_ns_, delay_ns_);
    const bool is_beyond = delay_ns >= longest_ns_ / kMargin;
    length_ns_ = is_beyond ? longest_ns_ : std::max(shortest_ns_, kMargin * delay_ns);
}

}  // namespace tamis::streams
