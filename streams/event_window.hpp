// How long an event waits for its last fragment: a clock that stands still while the builder has no
// room, and a length that follows the sources between two bounds. One thread; nothing is allocated.
#pragma once

#include <cstdint>
#include <optional>

namespace tamis::streams {

class EventWindow {
 public:
    // 0 < shortest_ns <= longest_ns; with equal ones the length is fixed.
    EventWindow(std::uint64_t shortest_ns, std::uint64_t longest_ns,
                std::uint64_t longest_step_ns = ~std::uint64_t{0});

    // Time has come to now_ns; it counts if the builder was ready when it was last asked, and at
    // most longest_step_ns of it.
    void advance(std::uint64_t now_ns) noexcept;
    void set_ready(bool is_ready) noexcept { was_ready_ = is_ready; }

    [[nodiscard]] std::uint64_t clock_ns() const noexcept { return clock_ns_; }
    // Of an event that was opened at that reading of the clock.
    [[nodiscard]] bool is_over(std::uint64_t opened_at) const noexcept {
        return clock_ns_ - opened_at >= length_ns_;
    }

    // A fragment came so long after its event's first. The length is four times the longest delay
    // of the last one to two stretches of kStretch fragments.
    void on_delay(std::uint64_t delay_ns) noexcept;
    // A fragment came after its event was closed without it: delays beyond the window are not seen
    // otherwise. Twice the length, at once.
    void on_late() noexcept;

    [[nodiscard]] std::uint64_t length_ns() const noexcept { return length_ns_; }

    static constexpr std::uint32_t kStretch = 8192;

 private:
    void measure() noexcept;

    std::uint64_t shortest_ns_;
    std::uint64_t longest_ns_;
    std::uint64_t longest_step_ns_;
    std::uint64_t length_ns_;
    std::uint64_t delay_before_ns_;  // the longest of the stretch before
    std::uint64_t delay_ns_ = 0;     // of this one so far
    std::uint32_t fragments_ = 0;    // of this stretch

    std::uint64_t clock_ns_ = 0;
    std::optional<std::uint64_t> last_now_ns_;
    bool was_ready_ = true;
};

}  // namespace tamis::streams
