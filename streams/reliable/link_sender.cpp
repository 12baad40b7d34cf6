#include "streams/reliable/link_sender.hpp"

#include <algorithm>
#include <cstring>
#include <gsl/assert>

namespace tamis::streams {
namespace {

// Gaps asked for and not yet filled; more are merged.
constexpr std::size_t kRanges = 64;
// An unanswered open is repeated so often, faster than a ping.
constexpr std::uint64_t kOpenAgainNs = 20'000'000;

std::uint64_t offset_of(std::span<const std::byte> data_message) noexcept {
    std::uint64_t offset = 0;
    std::memcpy(&offset, data_message.data() + 16, sizeof offset);
    return offset;
}

}  // namespace

struct LinkSender::Reader {
    LinkSender& sender;

    void operator()(const GrantMessage& grant) const noexcept { sender.on(grant); }
    void operator()(const ResendMessage& resend) const noexcept { sender.on(resend); }
    void operator()(const UnknownPeerMessage& unknown) const noexcept { sender.on(unknown); }
    void operator()(const RefusedMessage& refused) const noexcept { sender.on(refused); }
    template <class Other>
    void operator()(const Other& /*what a sender says*/) const noexcept {
        ++sender.counters_.violated;
    }
};

LinkSender::LinkSender(const Config& config)
    : config_(config), kept_(config.window_messages, config.window_bytes) {
    Expects(!config.name.empty() && config.name.size() <= kLongestSenderName);
    Expects(config.epoch > 0);
    again_.reserve(kRanges);
    open_.reserve(128);
}

bool LinkSender::offer(std::span<const std::byte> payload) noexcept {
    if (!has_room(payload.size())) {
        return false;
    }
    const std::uint64_t number = ++counters_.offered;
    write_data_message({.number = number, .offset = next_offset_, .payload = payload},
                       kept_.append(kDataHeaderBytes + payload.size()));
    next_offset_ += payload.size();
    return true;
}

void LinkSender::on_message(std::span<const std::byte> message, std::uint64_t now_ns) noexcept {
    const auto decoded = decode_link_message(message);
    if (!decoded) {
        ++counters_.damaged;
        return;
    }
    heard_ns_ = now_ns;
    std::visit(Reader{*this}, *decoded);
}

void LinkSender::on(const GrantMessage& grant) noexcept {
    if (grant.sender_epoch != config_.epoch || grant.levels.received > sent_once_) {
        ++counters_.violated;
        return;
    }
    if (receiver_epoch_ != grant.receiver_epoch) {
        // Another incarnation: it has nothing of what the one before had not made durable.
        receiver_epoch_ = grant.receiver_epoch;
        next_fresh_ = std::max(first_kept(), grant.levels.received + 1);
        again_.clear();
        limit_ = 0;
        offset_limit_ = 0;
    }
    is_open_ = true;
    levels_.received = std::max(levels_.received, grant.levels.received);
    levels_.decided = std::max(levels_.decided, grant.levels.decided);
    next_fresh_ = std::max(next_fresh_, grant.levels.received + 1);
    limit_ = grant.limit;
    offset_limit_ = grant.offset_limit;
    if (config_.reassigns) {
        settled_after_ = grant.levels.durable;
        settled_.assign(grant.settled.begin(), grant.settled.end());
    }
    forget_durable(grant.levels.durable);
}

void LinkSender::on(const ResendMessage& resend) noexcept {
    if (resend.sender_epoch != config_.epoch || resend.to > sent_once_) {
        ++counters_.violated;
        return;
    }
    const Range range{std::max(resend.from, first_kept()), resend.to};
    if (range.from > range.to) {
        return;  // durable meanwhile
    }
    const auto known = std::ranges::find_if(again_, [&](const Range& other) {
        return other.from <= range.to && range.from <= other.to;
    });
    if (known == again_.end() && again_.size() < kRanges) {
        again_.push_back(range);
        return;
    }
    Range& target = known == again_.end() ? again_.back() : *known;
    target = {std::min(target.from, range.from), std::max(target.to, range.to)};
}

void LinkSender::on(const UnknownPeerMessage& /*unknown*/) noexcept { reopen(); }

void LinkSender::on(const RefusedMessage& refused) noexcept {
    is_refused_ = is_refused_ || refused.later_epoch > config_.epoch;
}

void LinkSender::reopen() noexcept {
    counters_.reopened += is_open_ ? 1 : 0;
    is_open_ = false;
    open_is_due_ = true;
}

void LinkSender::on_reconnect(std::uint64_t now_ns) noexcept {
    heard_ns_ = now_ns;
    reopen();
}

bool LinkSender::is_silent(std::uint64_t now_ns) const noexcept {
    return !is_refused_ && now_ns > heard_ns_ + config_.silence_ns;
}

void LinkSender::forget_durable(std::uint64_t durable) noexcept {
    while (levels_.durable < durable) {
        kept_.drop_first();
        ++levels_.durable;
    }
    next_fresh_ = std::max(next_fresh_, first_kept());
}

bool LinkSender::may_send(std::uint64_t number) const noexcept {
    if (number > limit_ || number > counters_.offered) {
        return false;
    }
    const auto message = kept(number);
    return offset_of(message) + message.size() - kDataHeaderBytes <= offset_limit_;
}

std::span<const std::byte> LinkSender::kept(std::uint64_t number) const noexcept {
    return kept_[number - first_kept()];
}

std::span<const std::byte> LinkSender::payload(std::uint64_t number) const noexcept {
    return kept(number).subspan(kDataHeaderBytes);
}

std::span<const std::byte> LinkSender::next(std::uint64_t now_ns) noexcept {
    offered_ = Offered::nothing;
    if (is_refused_) {
        return {};
    }
    const std::uint64_t pause = is_open_ ? config_.ping_ns : kOpenAgainNs;
    if (open_is_due_ || now_ns >= opened_ns_ + pause) {
        encode_link_message(
            OpenMessage{.epoch = config_.epoch,
                        .first = first_kept(),
                        .first_offset = kept_.size() == 0 ? next_offset_ : offset_of(kept_[0]),
                        .next = next_fresh_,
                        .width = width_,
                        .reassigns = config_.reassigns,
                        .name = config_.name},
            open_);
        offered_ = Offered::open;
        return open_;
    }
    if (!is_open_) {
        return {};
    }
    while (!again_.empty() && again_.front().to < first_kept()) {
        again_.erase(again_.begin());
    }
    if (!again_.empty()) {
        again_.front().from = std::max(again_.front().from, first_kept());
        offered_ = Offered::again;
        return kept(again_.front().from);
    }
    if (!may_send(next_fresh_)) {
        return {};
    }
    offered_ = Offered::fresh;
    return kept(next_fresh_);
}

void LinkSender::on_taken(std::uint64_t now_ns) noexcept {
    switch (offered_) {
        case Offered::nothing:
            break;
        case Offered::open:
            open_is_due_ = false;
            opened_ns_ = now_ns;
            break;
        case Offered::again:
            ++counters_.resent;
            if (++again_.front().from > again_.front().to) {
                again_.erase(again_.begin());
            }
            break;
        case Offered::fresh:
            (next_fresh_ > sent_once_ ? counters_.sent : counters_.resent) += 1;
            sent_once_ = std::max(sent_once_, next_fresh_);
            ++next_fresh_;
            break;
    }
    offered_ = Offered::nothing;
}

void LinkSender::encode_close(std::vector<std::byte>& out) const {
    encode_link_message(CloseMessage{config_.epoch}, out);
}

}  // namespace tamis::streams
