// What the event builder knows of each source: its books, which of its sequence numbers have come,
// how long after an event's first fragment its own comes, and whether it has fallen silent. The
// builder's thread; nothing is allocated after construction.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "streams/event.hpp"
#include "streams/fragment_counters.hpp"

namespace tamis::streams {

// Which numbers of the last kWindow have come.
class SequenceWindow {
 public:
    // A number this far below the highest one counts as one that came again.
    static constexpr std::uint64_t kWindow = 65536;

    SequenceWindow() : words_(kWindow / 64) {}
    // 0: the source does not count.
    void count(std::uint64_t sequence, SourceCounters& counters) noexcept;

 private:
    void clear(std::uint64_t first, std::uint64_t count) noexcept;
    [[nodiscard]] std::uint64_t& word(std::uint64_t sequence) noexcept {
        return words_[sequence % kWindow / 64];
    }
    static std::uint64_t bit(std::uint64_t sequence) noexcept {
        return std::uint64_t{1} << sequence % 64;
    }

    std::vector<std::uint64_t> words_;
};

class SourceWatch {
 public:
    // mask_after_events: a source is masked when so many events in a row were closed without it;
    // 0: never.
    SourceWatch(std::size_t sources, std::uint64_t mask_after_events);

    // A fragment of the source came, whatever becomes of it: the source is not silent.
    void on_fragment(SourceIndex source, std::uint64_t sequence) noexcept;
    void on_used(SourceIndex source, std::uint64_t delay_ns) noexcept;
    // An event was closed with the fragments of these sources, complete or not. excused: sources
    // that were masked when it was opened; that they are not in it says nothing new of them.
    void on_closed(std::uint64_t seen, std::uint64_t excused, EventState state) noexcept;
    void begin_run() noexcept;

    // Bit i: source index i has fallen silent.
    [[nodiscard]] std::uint64_t masked() const noexcept { return masked_; }
    [[nodiscard]] std::size_t size() const noexcept { return counters_.size(); }
    [[nodiscard]] SourceCounters& counters(SourceIndex source) noexcept {
        return counters_[source];
    }
    [[nodiscard]] const SourceCounters& counters(SourceIndex source) const noexcept {
        return counters_[source];
    }

 private:
    std::uint64_t mask_after_events_;
    std::uint64_t masked_ = 0;
    std::vector<SourceCounters> counters_;
    std::vector<SequenceWindow> sequences_;
    std::vector<std::uint64_t> absences_;  // in a row
};

}  // namespace tamis::streams
