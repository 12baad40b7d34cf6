#include "streams/reliable/link_session.hpp"

#include <algorithm>
#include <bit>
#include <gsl/assert>
#include <utility>

namespace tamis::streams {
namespace {

// One message that waits (for a fragment of another source, say) must not stop those behind it: the
// numbers may run ahead of the oldest one so many times the window.
constexpr std::size_t kRunAhead = 8;

}  // namespace

LinkSession::LinkSession(const Window& window)
    : window_(window), states_(std::bit_ceil(window.messages * kRunAhead)) {
    Expects(window.messages >= 1 && window.bytes >= 1);
}

void LinkSession::set_width(std::uint64_t width) {
    if (width <= width_) {
        return;  // what has been granted stays so
    }
    width_ = width;
    std::vector<std::uint8_t> wider(std::bit_ceil(room() * kRunAhead));
    for (std::uint64_t number = levels_.durable + 1; number <= highest_; ++number) {
        wider[number & (wider.size() - 1)] = state(number);
    }
    states_ = std::move(wider);
}

void LinkSession::begin(std::uint64_t epoch, std::uint64_t first,
                        std::uint64_t first_offset) noexcept {
    epoch_ = epoch;
    levels_ = {first - 1, first - 1, first - 1};
    highest_ = first - 1;
    highest_durable_ = first - 1;
    highest_offset_ = first_offset;
    held_messages_ = 0;
    held_bytes_ = 0;
    missing_messages_ = 0;
    missing_bytes_ = 0;
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
        highest_durable_ = std::max(highest_durable_, number);
        --held_messages_;
        held_bytes_ -= bytes;
    }
    while (levels_.decided < levels_.received && (state(levels_.decided + 1) & kDecided) != 0) {
        ++levels_.decided;
    }
    while (levels_.durable < levels_.decided && (state(levels_.durable + 1) & kDurable) != 0) {
        ++levels_.durable;
        state(levels_.durable) = 0;
    }
}

void LinkSession::encode_settled(std::vector<std::byte>& out) const {
    const std::uint64_t count =
        std::min<std::uint64_t>(highest_durable_ - levels_.durable, kLongestSettled * 8);
    out.assign((count + 7) / 8, std::byte{0});
    for (std::uint64_t i = 0; i < count; ++i) {
        const bool is_durable = (state(levels_.durable + 1 + i) & kDurable) != 0;
        out[i / 8] |= static_cast<std::byte>(is_durable) << (i % 8);
    }
}

std::uint64_t LinkSession::limit() const noexcept {
    const std::uint64_t taken = held_messages_ + missing_messages_;
    const std::uint64_t free = room() > taken ? room() - taken : 0;
    return std::min<std::uint64_t>(highest_ + free, levels_.durable + states_.size());
}

std::uint64_t LinkSession::offset_limit() const noexcept {
    const std::uint64_t taken = held_bytes_ + missing_bytes_;
    const std::uint64_t room = window_.bytes * width_;
    return highest_offset_ + (room > taken ? room - taken : 0);
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

}  // namespace tamis::streams
