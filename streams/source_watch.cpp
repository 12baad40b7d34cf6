#include "streams/source_watch.hpp"

#include <algorithm>

namespace tamis::streams {
namespace {

std::size_t bucket_of(std::uint64_t delay_ns) noexcept {
    std::size_t bucket = 0;
    for (std::uint64_t bound = 1000; bucket + 1 < SourceCounters::kDelayBuckets && delay_ns > bound;
         bound *= 4) {
        ++bucket;
    }
    return bucket;
}

}  // namespace

// Of these numbers, at most a whole window, none has come.
void SequenceWindow::clear(std::uint64_t first, std::uint64_t count) noexcept {
    while (count > 0) {
        const bool is_word = first % 64 == 0 && count >= 64;
        const std::uint64_t step = is_word ? 64 : 1;
        word(first) &= is_word ? 0 : ~bit(first);
        first += step;
        count -= step;
    }
}

void SequenceWindow::count(std::uint64_t sequence, SourceCounters& counters) noexcept {
    if (sequence == 0) {
        return;
    }
    if (counters.sequence_last == 0) {
        std::fill(words_.begin(), words_.end(), 0);
        counters.sequence_first = sequence;
        counters.sequence_last = sequence;
        word(sequence) |= bit(sequence);
        return;
    }
    const std::uint64_t last = counters.sequence_last;
    if (sequence > last) {
        const std::uint64_t jumped = sequence - last - 1;
        if (jumped > 0) {
            counters.sequence_missing += jumped;
            ++counters.gaps;
            counters.longest_gap = std::max(counters.longest_gap, jumped);
        }
        const std::uint64_t news = std::min(jumped + 1, kWindow);
        clear(sequence - news + 1, news);
        counters.sequence_last = sequence;
        word(sequence) |= bit(sequence);
        return;
    }
    if (last - sequence >= kWindow || (word(sequence) & bit(sequence)) != 0) {
        ++counters.sequence_repeated;
        return;
    }
    word(sequence) |= bit(sequence);
    ++counters.sequence_reordered;
    if (sequence < counters.sequence_first) {
        counters.sequence_missing += counters.sequence_first - sequence;
        counters.sequence_first = sequence;
    }
}

SourceWatch::SourceWatch(std::size_t sources, std::uint64_t mask_after_events)
    : mask_after_events_(mask_after_events),
      counters_(sources),
      sequences_(sources),
      absences_(sources) {}

void SourceWatch::on_fragment(SourceIndex source, std::uint64_t sequence) noexcept {
    SourceCounters& counters = counters_[source];
    ++counters.received;
    sequences_[source].count(sequence, counters);
    absences_[source] = 0;
    if (counters.is_masked != 0) {
        counters.is_masked = 0;
        masked_ &= ~(std::uint64_t{1} << source);
    }
}

void SourceWatch::on_used(SourceIndex source, std::uint64_t delay_ns) noexcept {
    SourceCounters& counters = counters_[source];
    ++counters.used;
    ++counters.delays[bucket_of(delay_ns)];
    counters.delay_sum_ns += delay_ns;
    counters.delay_max_ns = std::max(counters.delay_max_ns, delay_ns);
}

void SourceWatch::on_closed(std::uint64_t seen, std::uint64_t excused, EventState state) noexcept {
    if (state == EventState::inconsistent) {
        return;  // closed before the others had their time
    }
    for (std::size_t source = 0; source < counters_.size(); ++source) {
        const std::uint64_t bit = std::uint64_t{1} << source;
        if ((seen & bit) != 0) {
            continue;
        }
        SourceCounters& counters = counters_[source];
        ++(state == EventState::complete ? counters.excused : counters.absent);
        if ((excused & bit) == 0 && ++absences_[source] == mask_after_events_) {
            ++counters.masked;
            counters.is_masked = 1;
            masked_ |= bit;
        }
    }
}

void SourceWatch::begin_run() noexcept {
    for (SourceCounters& counters : counters_) {
        counters.sequence_first = 0;
        counters.sequence_last = 0;
        counters.is_masked = 0;
    }
    std::fill(absences_.begin(), absences_.end(), 0);
    masked_ = 0;
}

}  // namespace tamis::streams
