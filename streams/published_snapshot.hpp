// A value with one writer that other threads can read whole: a sequence lock over relaxed words.
// The writer counts in its own plain struct and publishes a copy once a cycle, so books that close
// when they are published close for every reader. The writer never waits.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace tamis::streams {

template <class T>
class PublishedSnapshot {
    static_assert(std::is_trivially_copyable_v<T> && sizeof(T) % sizeof(std::uint64_t) == 0);
    static constexpr std::size_t kWords = sizeof(T) / sizeof(std::uint64_t);

 public:
    PublishedSnapshot() { publish(T{}); }

    // The writer's thread only.
    void publish(const T& value) noexcept {
        std::array<std::uint64_t, kWords> words;
        std::memcpy(words.data(), &value, sizeof(T));
        const std::uint64_t sequence = sequence_.load(std::memory_order_relaxed);
        sequence_.store(sequence + 1, std::memory_order_relaxed);
        // Each word releases the odd number above: who reads a new word knows that it is torn.
        // (Orders on the words instead of fences, which ThreadSanitizer does not understand.)
        for (std::size_t i = 0; i < kWords; ++i) {
            words_[i].store(words[i], std::memory_order_release);
        }
        sequence_.store(sequence + 2, std::memory_order_release);
    }

    // Any thread; tries again while the writer is writing (tens of nanoseconds a cycle).
    [[nodiscard]] T read() const noexcept {
        std::array<std::uint64_t, kWords> words;
        std::uint64_t before = 0;
        std::uint64_t after = 0;
        do {
            before = sequence_.load(std::memory_order_acquire);
            for (std::size_t i = 0; i < kWords; ++i) {
                words[i] = words_[i].load(std::memory_order_acquire);
            }
            after = sequence_.load(std::memory_order_relaxed);
        } while (before != after || (before & 1U) != 0);
        T value;
        std::memcpy(static_cast<void*>(&value), words.data(), sizeof(T));
        return value;
    }

 private:
    std::atomic<std::uint64_t> sequence_ = 0;
    std::array<std::atomic<std::uint64_t>, kWords> words_{};
};

}  // namespace tamis::streams
