#include "tests/support/naive_event_builder.hpp"

#include <algorithm>

namespace tamis::tests {

using streams::EventState;
using streams::OverloadPolicy;

NaiveEventBuilder::NaiveEventBuilder(streams::EventBuilder::Config config, std::size_t slots)
    : config_(std::move(config)), decoder_(config_.limits), free_slots_(slots), run_(config_.run) {}

void NaiveEventBuilder::on_refused(std::uint64_t arrival_ns) {
    advance(arrival_ns);
    ++fragments_.received;
    ++fragments_.malformed;
}

void NaiveEventBuilder::on_message(std::span<const std::byte> message, std::uint64_t arrival_ns) {
    advance(arrival_ns);
    ++fragments_.received;
    fragments_.received_bytes += message.size();
    const auto fragment = decoder_.decode(message);
    if (!fragment) {
        fragments_.count(fragment.error());
        return;
    }
    if (std::ranges::find(config_.sources, fragment->source) == config_.sources.end()) {
        ++fragments_.unknown_source;
        return;
    }
    run_ = run_.value_or(fragment->run);
    if (*run_ != fragment->run) {
        ++fragments_.wrong_run;
        return;
    }
    const Key key{fragment->run, fragment->event};
    if (const auto ended = std::ranges::find(history_, key, &Ended::key); ended != history_.end()) {
        const bool is_new = ended->sources.insert(fragment->source).second;
        ++(is_new ? fragments_.late : fragments_.duplicate_late);
        return;
    }
    const std::string payload(reinterpret_cast<const char*>(fragment->payload.data()),
                              fragment->payload.size());
    std::size_t at = find_open(key);
    if (at < open_.size() && open_[at].parts.contains(fragment->source)) {
        if (open_[at].parts[fragment->source] == std::pair(fragment->payload_type, payload)) {
            ++fragments_.duplicate_same;
        } else {
            ++fragments_.duplicate_different;
            ++events_.inconsistent;
            close(at, EventState::inconsistent);
        }
        return;
    }
    if (at == open_.size()) {
        ++events_.opened;
        if (free_slots_ == 0) {
            ++events_.shed;
            ++fragments_.used;
            remember(key, {fragment->source});
            return;
        }
        --free_slots_;
        ++events_.open;
        open_.push_back({key, clock_ns_, {}});
    }
    if (bytes_of(open_[at]) + payload.size() > config_.event_bytes) {
        ++fragments_.late;
        ++events_.incomplete;
        ++events_.incomplete_bytes;
        close(at, EventState::incomplete);
        history_.back().sources.insert(fragment->source);
        return;
    }
    ++fragments_.used;
    fragments_.used_bytes += payload.size();
    open_[at].parts[fragment->source] = {fragment->payload_type, payload};
    if (open_[at].parts.size() == config_.sources.size()) {
        ++events_.complete;
        close(at, EventState::complete);
    }
    while (open_bytes() > config_.window_bytes) {
        ++events_.incomplete;
        ++events_.incomplete_bytes;
        close(0, EventState::incomplete);
    }
}

bool NaiveEventBuilder::is_ready() const {
    return config_.overload == OverloadPolicy::shed || free_slots_ > 0;
}

void NaiveEventBuilder::poll(std::uint64_t now_ns) {
    advance(now_ns);
    while (!open_.empty() && clock_ns_ - open_.front().opened_at >= config_.window_ns) {
        ++events_.incomplete;
        ++events_.incomplete_time;
        close(0, EventState::incomplete);
    }
    if (!is_ready() && closed_.empty() && in_work_ == 0 && !open_.empty()) {
        ++events_.incomplete;
        ++events_.incomplete_slots;
        close(0, EventState::incomplete);
    }
    was_ready_ = is_ready();
}

std::optional<NaiveEventBuilder::Closed> NaiveEventBuilder::next_closed() {
    if (closed_.empty()) {
        return std::nullopt;
    }
    Closed event = std::move(closed_.front());
    closed_.pop_front();
    ++in_work_;
    return event;
}

void NaiveEventBuilder::release() {
    --in_work_;
    ++free_slots_;
}

void NaiveEventBuilder::close_all() {
    while (!open_.empty()) {
        ++events_.incomplete;
        ++events_.incomplete_end;
        close(0, EventState::incomplete);
    }
}

void NaiveEventBuilder::abandon_all() {
    for (const Open& event : open_) {
        remember(event.key, sources_of(event));
        ++events_.abandoned;
        --events_.open;
        ++free_slots_;
    }
    open_.clear();
}

void NaiveEventBuilder::advance(std::uint64_t now_ns) {
    const std::uint64_t last = last_now_ns_.value_or(now_ns);
    if (now_ns > last && was_ready_) {
        clock_ns_ += now_ns - last;
    }
    last_now_ns_ = std::max(now_ns, last);
}

void NaiveEventBuilder::close(std::size_t position, EventState state) {
    Closed closed{open_[position].key, state, {}};
    for (const auto& [source, part] : open_[position].parts) {
        closed.payloads[source] = part.second;
    }
    closed_.push_back(std::move(closed));
    remember(open_[position].key, sources_of(open_[position]));
    open_.erase(open_.begin() + static_cast<std::ptrdiff_t>(position));
    --events_.open;
}

void NaiveEventBuilder::remember(const Key& key, const std::set<std::uint32_t>& sources) {
    if (history_.size() == config_.history_events) {
        history_.pop_front();
    }
    history_.push_back({key, sources});
}

std::size_t NaiveEventBuilder::find_open(const Key& key) const {
    return static_cast<std::size_t>(std::ranges::find(open_, key, &Open::key) - open_.begin());
}

std::set<std::uint32_t> NaiveEventBuilder::sources_of(const Open& event) {
    std::set<std::uint32_t> sources;
    for (const auto& [source, part] : event.parts) {
        sources.insert(source);
    }
    return sources;
}

std::size_t NaiveEventBuilder::bytes_of(const Open& event) {
    std::size_t bytes = 0;
    for (const auto& [source, part] : event.parts) {
        bytes += part.second.size();
    }
    return bytes;
}

std::size_t NaiveEventBuilder::open_bytes() const {
    std::size_t bytes = 0;
    for (const Open& event : open_) {
        bytes += bytes_of(event);
    }
    return bytes;
}

}  // namespace tamis::tests
