#include "streams/reliable/message_ring.hpp"

#include <algorithm>
#include <gsl/assert>

namespace tamis::streams {
namespace {

// Memory that was used a moment ago is in the cache, and the system need not find it: with a window
// of 64 MiB gone through from end to end every message waited for two or three page faults.
constexpr std::size_t kFamiliarBytes = std::size_t{128} << 10;

}  // namespace

MessageRing::MessageRing(std::size_t messages, std::size_t bytes)
    : capacity_(bytes),
      familiar_(std::min(kFamiliarBytes, bytes / 4)),
      block_(std::make_unique_for_overwrite<std::byte[]>(bytes)),
      places_(messages) {
    Expects(messages >= 1 && bytes >= 1);
}

bool MessageRing::fits(std::size_t begin, std::size_t bytes) const noexcept {
    const auto is_apart = [&](const Run& run) {
        return begin + bytes <= run.begin || run.end <= begin;
    };
    return bytes <= capacity_ && begin <= capacity_ - bytes &&
           std::all_of(runs_.begin(), runs_.begin() + static_cast<std::ptrdiff_t>(run_count_),
                       is_apart);
}

// Behind the last message, but at the begin as soon as there is room again; else in any gap.
std::optional<std::size_t> MessageRing::begin_of_next(std::size_t bytes) const noexcept {
    const std::size_t behind = run_count_ == 0 ? 0 : runs_[run_count_ - 1].end;
    const bool may_begin_run = run_count_ < kMostRuns;
    if (behind >= familiar_ && may_begin_run && fits(0, std::max(bytes, familiar_ / 2))) {
        return 0;
    }
    if (fits(behind, bytes)) {
        return behind;
    }
    if (may_begin_run && fits(0, bytes)) {
        return 0;
    }
    for (std::size_t i = 0; i < run_count_ && may_begin_run; ++i) {
        if (fits(runs_[i].end, bytes)) {
            return runs_[i].end;
        }
    }
    return std::nullopt;
}

bool MessageRing::has_room(std::size_t bytes) const noexcept {
    Expects(bytes >= 1);
    return count_ < places_.size() && begin_of_next(bytes).has_value();
}

std::span<std::byte> MessageRing::append(std::size_t bytes) noexcept {
    Expects(has_room(bytes));
    const Place place{*begin_of_next(bytes), bytes};
    places_[(first_ + count_) % places_.size()] = place;
    ++count_;
    if (run_count_ == 0 || runs_[run_count_ - 1].end != place.begin) {
        runs_[run_count_++] = {place.begin, place.begin};
    }
    runs_[run_count_ - 1].end += bytes;
    return {block_.get() + place.begin, place.bytes};
}

void MessageRing::drop_first() noexcept {
    Expects(count_ > 0);
    Run& oldest = runs_.front();
    oldest.begin += places_[first_].bytes;
    if (oldest.begin == oldest.end) {
        std::shift_left(runs_.begin(), runs_.end(), 1);
        --run_count_;
    }
    first_ = (first_ + 1) % places_.size();
    --count_;
}

std::span<const std::byte> MessageRing::operator[](std::size_t position) const noexcept {
    Expects(position < count_);
    const Place& place = places_[(first_ + position) % places_.size()];
    return {block_.get() + place.begin, place.bytes};
}

}  // namespace tamis::streams
