// Messages kept in the order in which they came, in one block of memory of fixed size: the window
// of a sender. Each lies in one piece; the oldest are dropped first. Nothing is allocated after
// construction.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace tamis::streams {

class MessageRing {
 public:
    // messages: at most so many; bytes: of all of them together. Messages are not cut, so up to
    // half of the bytes can be lost to gaps that are too small.
    MessageRing(std::size_t messages, std::size_t bytes);

    [[nodiscard]] bool has_room(std::size_t bytes) const noexcept;
    // has_room(bytes) must be true. The room of the new last message, to be filled by the caller.
    [[nodiscard]] std::span<std::byte> append(std::size_t bytes) noexcept;
    // There must be one.
    void drop_first() noexcept;

    [[nodiscard]] std::size_t size() const noexcept { return count_; }
    // position: 0 is the oldest.
    [[nodiscard]] std::span<const std::byte> operator[](std::size_t position) const noexcept;

 private:
    struct Place {
        std::size_t begin = 0;
        std::size_t bytes = 0;
    };
    // Messages that lie one behind the other.
    struct Run {
        std::size_t begin = 0;
        std::size_t end = 0;
    };
    static constexpr std::size_t kMostRuns = 8;

    [[nodiscard]] std::optional<std::size_t> begin_of_next(std::size_t bytes) const noexcept;
    [[nodiscard]] bool fits(std::size_t begin, std::size_t bytes) const noexcept;

    std::size_t capacity_;
    std::size_t familiar_;  // bytes from the begin that are used again before others
    // Not touched before use: memory that no message needed costs nothing.
    std::unique_ptr<std::byte[]> block_;
    std::vector<Place> places_;
    std::size_t first_ = 0;  // in places_
    std::size_t count_ = 0;
    std::array<Run, kMostRuns> runs_{};  // the oldest messages' first; disjoint
    std::size_t run_count_ = 0;
};

}  // namespace tamis::streams
