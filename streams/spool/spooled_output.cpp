#include "streams/spool/spooled_output.hpp"

#include <algorithm>
#include <utility>

namespace tamis::streams {
namespace {

constexpr std::size_t kDrainedPerPoll = 256;

}  // namespace

tl::expected<std::unique_ptr<SpooledOutput>, std::string> SpooledOutput::make(
    LinkContext& context, const Config& config) {
    std::unique_ptr<SpooledOutput> output(new SpooledOutput(context, config));
    // What the link holds when its receiver goes away must find room in the spool.
    std::size_t& window = output->config_.sender.window_bytes;
    window = std::min<std::size_t>(window, config.spool.bytes / 2);
    auto spool = SpoolFiles::open(config.spool);
    if (!spool) {
        return tl::unexpected(spool.error());
    }
    output->spool_ = *std::move(spool);
    auto link = output->connect();
    if (!link) {
        return tl::unexpected(link.error());
    }
    output->link_ = *std::move(link);
    output->is_draining_ = !output->spool_->is_empty();
    return output;
}

tl::expected<std::unique_ptr<ReliableOutput>, std::string> SpooledOutput::connect() {
    return ReliableOutput::make(context_, config_.link, config_.sender);
}

void SpooledOutput::note(Way way) noexcept {
    if (rows_.empty() || rows_.back().way != way) {
        rows_.push_back({.way = way, .count = 0});
    }
    ++rows_.back().count;
}

SendResult SpooledOutput::send(std::span<const std::byte> message, StreamMask streams,
                               std::uint64_t now_ns) noexcept {
    if (moved_ != 0) {
        return SendResult::full;  // what came before is on its way to the disk
    }
    const Way way = is_away_ || is_draining_ ? Way::spool : Way::link;
    const SendResult result =
        way == Way::spool ? spool_->write(message) : link_->send(message, streams, now_ns);
    if (result == SendResult::delivered) {
        note(way);
    }
    return result;
}

void SpooledOutput::count_durable() noexcept {
    if (is_draining_) {
        const std::uint64_t arrived = link_->durable_count() - link_counted_;
        link_counted_ += arrived;
        spool_->forget(arrived);
    }
    while (!rows_.empty()) {
        Row& row = rows_.front();
        std::uint64_t& counted = row.way == Way::link ? link_counted_ : spool_counted_;
        const std::uint64_t known =
            row.way == Way::link ? link_->durable_count() : spool_->durable_count();
        const std::uint64_t count = std::min(row.count, known - counted);
        counted += count;
        durable_ += count;
        row.count -= count;
        if (row.count > 0) {
            return;
        }
        rows_.pop_front();
    }
}

// All that the link holds and the receiver has not acknowledged, or nothing where the spool has no
// room for it; a disk that takes nothing in the middle is asked again.
bool SpooledOutput::move_to_spool() noexcept {
    const LinkSender& sender = link_->sender();
    std::uint64_t number = std::max(moved_, sender.levels().durable) + 1;
    std::uint64_t bytes = 0;
    for (std::uint64_t each = number; each <= sender.offered(); ++each) {
        bytes += sender.payload(each).size() + SpoolFiles::kRecordBytes;
    }
    if (moved_ == 0 && !spool_->has_room(bytes)) {
        return false;
    }
    for (; number <= sender.offered(); ++number) {
        if (spool_->write(sender.payload(number)) != SendResult::delivered) {
            return false;
        }
        moved_ = number;
    }
    return true;
}

// The receiver is away: what it has not acknowledged goes to disk before what comes now, and the
// link begins anew with nothing.
void SpooledOutput::spool_what_the_link_holds() noexcept {
    if (!is_draining_ && !move_to_spool()) {
        return;
    }
    auto fresh = connect();
    if (!fresh) {
        return;  // no more sockets: at the next poll
    }
    link_ = *std::move(fresh);
    link_counted_ = 0;
    moved_ = 0;
    waiting_.clear();
    spool_->rewind();
    for (Row& row : rows_) {
        row.way = Way::spool;
    }
    is_draining_ = true;
    is_away_ = true;
}

void SpooledOutput::watch_link(std::uint64_t now_ns) noexcept {
    if (link_->is_connected()) {
        away_since_ns_ = 0;
        is_away_ = false;
        return;
    }
    if (away_since_ns_ == 0) {
        away_since_ns_ = now_ns;
    }
    const bool has_something = link_->sender().unacknowledged() > 0;
    if (now_ns < away_since_ns_ + config_.patience_ns) {
        return;
    }
    if (has_something) {
        spool_what_the_link_holds();
    } else {
        is_away_ = true;
    }
}

// Messages from disk into the link, as it has room.
std::size_t SpooledOutput::drain(std::uint64_t now_ns) noexcept {
    std::size_t drained = 0;
    for (; link_->is_open() && drained < kDrainedPerPoll; ++drained) {
        if (waiting_.empty()) {
            const auto message = spool_->next();
            waiting_.assign(message.begin(), message.end());
        }
        if (waiting_.empty() || link_->send(waiting_, 0, now_ns) != SendResult::delivered) {
            break;
        }
        waiting_.clear();
    }
    return drained;
}

std::size_t SpooledOutput::poll(std::uint64_t now_ns) noexcept {
    std::size_t work = spool_->poll();
    if (moved_ != 0) {
        spool_what_the_link_holds();  // the rest; the link says nothing meanwhile
        return work;
    }
    work += link_->poll(now_ns);
    count_durable();
    watch_link(now_ns);
    is_draining_ = is_draining_ || !spool_->is_empty();
    if (is_draining_ && !is_away_) {
        work += drain(now_ns);
        if (spool_->is_empty() && waiting_.empty() && link_->sender().unacknowledged() == 0) {
            is_draining_ = false;
        }
    }
    return work;
}

}  // namespace tamis::streams
