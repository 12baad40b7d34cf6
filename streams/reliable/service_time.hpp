// How long one of a farm's nodes takes for a message, as its acknowledgements tell: for whoever
// deals out work by the shortest expected wait. No clock.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tamis::streams {

class ServiceTime {
 public:
    // It has ended `count` messages (at least 1) since the last call; `left` more wait for it.
    void on_served(std::size_t count, std::size_t left, std::uint64_t now_ns) noexcept;
    // Until it would have ended one more, with `waiting` before that. Where no node has more than
    // it can do, the one with the fewest has the shortest.
    [[nodiscard]] double expected_wait_ns(std::size_t waiting) const noexcept;

 private:
    double each_ns_ = 0;  // a message; 0: it has never had more than it could do
    std::uint64_t served_ns_ = 0;
    bool has_backlog_ = false;  // since then
};

}  // namespace tamis::streams
