// Three copies of a large value between one writer and one reader, neither of which ever waits: the
// writer fills one, publishes it, and goes on with the copy the reader does not hold. (For small
// trivially copyable values there is streams::PublishedSnapshot.)
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

namespace tamis::daemon {

template <class T>
class SnapshotExchange {
 public:
    explicit SnapshotExchange(const T& initial) : copies_{initial, initial, initial} {}

    // The writer's thread: its copy, as it was left two publications ago.
    [[nodiscard]] T& draft() noexcept { return copies_[draft_]; }
    void publish() noexcept {
        draft_ = waiting_.exchange(draft_ | kFresh, std::memory_order_acq_rel) & kIndex;
    }

    // The reader's thread: the last published value, valid until the next call.
    [[nodiscard]] const T& latest() noexcept {
        if ((waiting_.load(std::memory_order_relaxed) & kFresh) != 0) {
            read_ = waiting_.exchange(read_, std::memory_order_acq_rel) & kIndex;
        }
        return copies_[read_];
    }

 private:
    static constexpr std::uint32_t kIndex = 3;
    static constexpr std::uint32_t kFresh = 4;

    std::array<T, 3> copies_;
    std::uint32_t draft_ = 0;
    std::atomic<std::uint32_t> waiting_ = 1;
    std::uint32_t read_ = 2;
};

}  // namespace tamis::daemon
