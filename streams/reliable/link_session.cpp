#include "streams/reliable/link_session.hpp"

#include <algorithm>
#include <bit>
#include <gsl/assert>
#include <utility>

namespace tamis::streams {
namespace {

// A sender that starts, or was idle, may send so many before it has been served.
constexpr std::size_t kFirstCredit = 128;
// One message that waits (for a fragment of another source, say) must not stop those behind it: the
// numbers may run ahead of the oldest one so many times the window.
constexpr std::size_t kRunAhead = 8;

}  // namespace

LinkSession::LinkSession(const Window& window)
    : window_(window),
      states_(std::bit_ceil(window.messages * kRunAhead)),
      credit_(std::min(kFirstCredit, window.messages)) {
    Expects(window.messages >= 1 && window.bytes >= 1 && window.target_ns > 0);
}

void LinkSession::begin(std::uint64_t epoch, std::uint64_t first,
                        std::uint64_t first_offset) noexcept {
    epoch_ = epoch;
    levels_ = {first - 1, first - 1, first - 1};
    highest_ = first - 1;
    highest_offset_ = first_offset;
    held_messages_ = 0;
    held_bytes_ = 0;
    missing_messages_ = 0;
    missing_bytes_ = 0;
    credit_ = std::min(kFirstCredit, window_.messages);
    std::ranges::fill(states_, std::uint8_t{0});
}

LinkSession::Arrival LinkSession::arrive(std::uint64_t number, std::uint64_t offset,
                                         std::size_t bytes) noexcept {
    if (number <= levels_.received) {
        return Arrival::duplicate;
    }
    if (number - levels_.durable > states_.size()) {
        return Arrival::beyond;
    }
    if ((state(number) & kReceived) != 0) {
        return Arrival::duplicate;
    }
    state(number) = kReceived;
    ++held_messages_;
    held_bytes_ += bytes;
    if (number > highest_) {
        missing_messages_ += number - highest_ - 1;
        missing_bytes_ += offset > highest_offset_ ? offset - highest_offset_ : 0;
        highest_ = number;
        highest_offset_ = offset + bytes;
    } else {
        --missing_messages_;
        missing_bytes_ -= std::min<std::uint64_t>(bytes, missing_bytes_);
    }
    while (levels_.received < highest_ && (state(levels_.received + 1) & kReceived) != 0) {
        ++levels_.received;
    }
    return Arrival::fresh;
}

void LinkSession::settle(std::uint64_t number, LinkLevel level, std::size_t bytes) noexcept {
    Expects(number > levels_.durable && number <= highest_);
    std::uint8_t& now = state(number);
    Expects((now & kReceived) != 0 && (now & kDurable) == 0);
    now |= kDecided;
    if (level == LinkLevel::durable) {
        now |= kDurable;
        --held_messages_;
        held_bytes_ -= bytes;
        ++settled_;
    }
    while (levels_.decided < levels_.received && (state(levels_.decided + 1) & kDecided) != 0) {
        ++levels_.decided;
    }
    while (levels_.durable < levels_.decided && (state(levels_.durable + 1) & kDurable) != 0) {
        ++levels_.durable;
        state(levels_.durable) = 0;
    }
}

std::uint64_t LinkSession::limit() const noexcept {
    const std::uint64_t taken = held_messages_ + missing_messages_;
    const std::uint64_t free = credit_ > taken ? credit_ - taken : 0;
    return std::min<std::uint64_t>(highest_ + free, levels_.durable + states_.size());
}

std::uint64_t LinkSession::offset_limit() const noexcept {
    const std::uint64_t taken = held_bytes_ + missing_bytes_;
    return highest_offset_ + (window_.bytes > taken ? window_.bytes - taken : 0);
}

std::optional<LinkSession::Gap> LinkSession::first_gap(std::uint64_t from,
                                                       std::uint64_t next) const noexcept {
    const auto has_come = [this](std::uint64_t number) {
        return number <= highest_ && (state(number) & kReceived) != 0;
    };
    std::uint64_t first = std::max(from, levels_.received + 1);
    while (first < next && has_come(first)) {
        ++first;
    }
    if (first >= next) {
        return std::nullopt;
    }
    std::uint64_t last = first;
    while (last + 1 < next && last + 1 <= highest_ && !has_come(last + 1)) {
        ++last;
    }
    return Gap{first, last >= highest_ ? next - 1 : last};
}

void LinkSession::adapt(std::uint64_t now_ns) noexcept {
    const std::uint64_t passed = now_ns - std::exchange(adapted_ns_, now_ns);
    const std::uint64_t served = std::exchange(settled_, 0);
    if (served == 0 || passed == 0 || passed >= window_.target_ns * 100) {
        return;  // idle or just begun: the credit stays
    }
    const double wanted = static_cast<double>(served) * static_cast<double>(window_.target_ns) /
                          static_cast<double>(passed);
    // Up at once, down slowly: a burst must not find the credit of a lull.
    const double slowly = (3.0 * static_cast<double>(credit_) + wanted) / 4.0;
    credit_ = std::clamp(static_cast<std::size_t>(std::max(slowly, wanted)),
                         std::min(kFirstCredit, window_.messages), window_.messages);
}

}  // namespace tamis::streams
