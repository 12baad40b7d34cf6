#include "streams/event_builder.hpp"

#include <algorithm>
#include <gsl/assert>

namespace tamis::streams {
namespace {

bool is_same(const EventFragment& kept, const Fragment& fragment) noexcept {
    return kept.payload_type == fragment.payload_type &&
           std::ranges::equal(kept.payload, fragment.payload);
}

}  // namespace

EventBuilder::EventBuilder(const Config& config, EventPool& pool)
    : config_(config),
      pool_(pool),
      decoder_(config.limits),
      all_sources_(~std::uint64_t{0} >> (kMaxSources - pool.source_count())),
      run_(config.run),
      table_(pool.slot_count() + config.history_events,
             config.hash_seed.value_or(EventTable::random_seed())),
      history_(config.history_events),
      links_(pool.slot_count()),
      sources_(config.sources.size(), config.mask_after_events),
      window_(config.shortest_window_ns > 0 ? config.shortest_window_ns : config.window_ns,
              config.window_ns, config.longest_step_ns),
      published_sources_(config.sources.size()) {
    Expects(config.sources.size() == pool.source_count());
    Expects(config.history_events >= 1 && config.window_bytes > 0);
    Expects(pool.byte_budget() >= config.limits.message_bytes);
}

Hold EventBuilder::on_message(std::span<const std::byte> message,
                              std::uint64_t arrival_ns) noexcept {
    window_.advance(arrival_ns);
    unpublished_ = true;
    FragmentCounters& counters = books_.fragments;
    ++counters.received;
    counters.received_bytes += message.size();
    const auto fragment = decoder_.decode(message);
    if (!fragment) {
        counters.count(fragment.error());
        return kNoHold;
    }
    return on_fragment(*fragment, arrival_ns);
}

void EventBuilder::on_refused(std::uint64_t arrival_ns) noexcept {
    window_.advance(arrival_ns);
    unpublished_ = true;
    ++books_.fragments.received;
    books_.fragments.count(FragmentFault::malformed);
}

bool EventBuilder::on_taken_back(Hold hold) noexcept {
    if (hold >= pool_.slot_count() || pool_[hold].state != EventState::open) {
        return false;
    }
    take_out(hold);
    ++books_.events.abandoned;
    ++books_.events.taken_back;
    table_.erase({pool_[hold].run, pool_[hold].number});
    pool_.release(hold);
    return true;
}

bool EventBuilder::is_ready() const noexcept {
    return config_.overload == OverloadPolicy::shed ||
           (pool_.free_count() > 0 && pool_.free_bytes() >= config_.limits.message_bytes);
}

Hold EventBuilder::on_fragment(const Fragment& fragment, std::uint64_t arrival_ns) noexcept {
    const std::optional<SourceIndex> source = find_source(fragment.source);
    if (!source) {
        ++books_.fragments.unknown_source;
        return kNoHold;
    }
    if (!run_) {
        run_ = fragment.run;
    }
    if (fragment.run != *run_ && config_.runs == RunPolicy::one) {
        ++books_.fragments.wrong_run;
        return kNoHold;
    }
    sources_.on_fragment(*source, fragment.sequence);
    const std::uint32_t known = table_.find({fragment.run, fragment.event});
    const bool is_in_pool = known < pool_.slot_count();
    if (known != EventTable::kAbsent && (!is_in_pool || pool_[known].state != EventState::open)) {
        return on_ended_event(known, *source);
    }
    if (is_in_pool && pool_[known].has(*source)) {
        on_source_seen(known, *source, fragment);
        return known;
    }
    const std::optional<EventIndex> index = is_in_pool ? known : open(fragment, arrival_ns);
    if (!index) {
        shed(fragment, *source);
        return kNoHold;
    }
    add(*index, *source, fragment, arrival_ns);
    return *index;
}

// The slot may be in another thread's hands: nothing of it is touched.
Hold EventBuilder::on_ended_event(std::uint32_t place, SourceIndex source) noexcept {
    const bool is_in_pool = place < pool_.slot_count();
    EndedEvents::Ended& ended =
        history_[is_in_pool ? links_[place].history
                            : place - static_cast<std::uint32_t>(pool_.slot_count())];
    const std::uint64_t bit = std::uint64_t{1} << source;
    if ((ended.seen & bit) != 0) {
        ++books_.fragments.duplicate_late;
        ++sources_.counters(source).duplicates;
    } else {
        ended.seen |= bit;
        window_.on_late();
        ++books_.fragments.late;
        ++sources_.counters(source).late;
    }
    return is_in_pool ? place : kNoHold;
}

void EventBuilder::on_source_seen(EventIndex index, SourceIndex source,
                                  const Fragment& fragment) noexcept {
    ++sources_.counters(source).duplicates;
    if (is_same(pool_[index].fragments[source], fragment)) {
        ++books_.fragments.duplicate_same;
        return;
    }
    ++books_.fragments.duplicate_different;
    ++books_.events.inconsistent;
    close(index, EventState::inconsistent);
}

std::optional<EventIndex> EventBuilder::open(const Fragment& fragment,
                                             std::uint64_t arrival_ns) noexcept {
    if (pool_.free_bytes() < fragment.payload.size()) {
        return std::nullopt;
    }
    const std::optional<EventIndex> index = pool_.acquire(fragment.payload.size());
    if (!index) {
        return std::nullopt;
    }
    Event& event = pool_[*index];
    event.run = fragment.run;
    event.number = fragment.event;
    event.first_arrival_ns = arrival_ns;
    event.last_arrival_ns = arrival_ns;
    event.sources_masked = 0;
    links_[*index].opened_at = window_.clock_ns();
    links_[*index].excused = sources_.masked();
    append(open_, *index);
    table_.set({event.run, event.number}, *index);
    ++books_.events.opened;
    ++books_.events.open;
    return index;
}

void EventBuilder::add(EventIndex index, SourceIndex source, const Fragment& fragment,
                       std::uint64_t arrival_ns) noexcept {
    if (pool_[index].payload_bytes + fragment.payload.size() > config_.event_bytes ||
        !pool_.store(index, source, fragment)) {
        ++books_.fragments.late;
        ++sources_.counters(source).late;
        ++books_.events.incomplete;
        ++books_.events.incomplete_bytes;
        close(index, EventState::incomplete);
        history_[links_[index].history].seen |= std::uint64_t{1} << source;
        return;
    }
    ++books_.fragments.used;
    books_.fragments.used_bytes += fragment.payload.size();
    Event& event = pool_[index];
    const std::uint64_t delay_ns =
        arrival_ns > event.first_arrival_ns ? arrival_ns - event.first_arrival_ns : 0;
    sources_.on_used(source, delay_ns);
    window_.on_delay(delay_ns);
    event.last_arrival_ns = arrival_ns;
    open_bytes_ += fragment.payload.size();
    if (is_whole(index)) {
        complete(index);
    }
    while (open_bytes_ > config_.window_bytes) {
        close_oldest(Cause::window_bytes);
    }
}

void EventBuilder::shed(const Fragment& fragment, SourceIndex source) noexcept {
    ++books_.events.opened;
    ++books_.events.shed;
    ++books_.fragments.used;
    sources_.on_used(source, 0);
    const EventKey key{fragment.run, fragment.event};
    table_.set(key, place_of(remember(key, std::uint64_t{1} << source)));
}

std::size_t EventBuilder::poll(std::uint64_t now_ns) noexcept {
    window_.advance(now_ns);
    std::size_t closed = 0;
    while (open_.first != kNone && window_.is_over(links_[open_.first].opened_at)) {
        close_oldest(Cause::window_time);
        apply_mask();
        ++closed;
    }
    // With an event closed or in work a slot will come back; without, only this gets on.
    if (!is_ready() && closed_.count == 0 && in_work_ == 0 && open_.first != kNone) {
        close_oldest(Cause::slots);
        ++closed;
    }
    apply_mask();
    window_.set_ready(is_ready());
    if (unpublished_) {
        publish();
    }
    return closed;
}

std::optional<EventIndex> EventBuilder::next_closed() noexcept {
    if (closed_.first == kNone) {
        return std::nullopt;
    }
    const EventIndex index = closed_.first;
    remove(closed_, index);
    ++in_work_;
    return index;
}

void EventBuilder::release(EventIndex index) noexcept {
    Expects(in_work_ > 0 && pool_[index].state != EventState::open);
    --in_work_;
    forget_slot(index);
    pool_.release(index);
}

std::size_t EventBuilder::close_all() noexcept {
    const std::size_t count = open_.count;
    while (open_.first != kNone) {
        close_oldest(Cause::end);
    }
    publish();
    return count;
}

std::size_t EventBuilder::abandon_all() noexcept {
    const std::size_t count = open_.count;
    while (open_.first != kNone) {
        const EventIndex index = open_.first;
        leave_open(index);
        ++books_.events.abandoned;
        forget_slot(index);
        pool_.release(index);
    }
    publish();
    return count;
}

void EventBuilder::recall(const EventKey& decided) noexcept {
    if (table_.find(decided) == EventTable::kAbsent) {
        table_.set(decided, place_of(remember(decided, 0)));
    }
}

void EventBuilder::begin_run(std::optional<std::uint32_t> run) noexcept {
    Expects(open_.count == 0);
    run_ = run;
    table_.clear();
    history_.clear();
    sources_.begin_run();
    publish();
}

void EventBuilder::close_oldest(Cause cause) noexcept {
    ++books_.events.incomplete;
    switch (cause) {
        case Cause::window_time:
            ++books_.events.incomplete_time;
            break;
        case Cause::window_bytes:
            ++books_.events.incomplete_bytes;
            break;
        case Cause::slots:
            ++books_.events.incomplete_slots;
            break;
        case Cause::end:
            ++books_.events.incomplete_end;
            break;
    }
    close(open_.first, EventState::incomplete);
}

bool EventBuilder::is_whole(EventIndex index) const noexcept {
    const std::uint64_t given =
        pool_[index].sources_seen | links_[index].excused | sources_.masked();
    return (given & all_sources_) == all_sources_;
}

void EventBuilder::complete(EventIndex index) noexcept {
    Event& event = pool_[index];
    event.sources_masked = all_sources_ & ~event.sources_seen;
    ++books_.events.complete;
    books_.events.complete_masked += event.sources_masked != 0 ? 1 : 0;
    close(index, EventState::complete);
}

// When a source has just fallen silent, what was open and waited for it alone waits no longer.
void EventBuilder::apply_mask() noexcept {
    if (applied_mask_ == sources_.masked()) {
        return;
    }
    applied_mask_ = sources_.masked();
    for (EventIndex index = open_.first; index != kNone;) {
        const EventIndex next = links_[index].next;
        if (is_whole(index)) {
            complete(index);
        }
        index = next;
    }
}

void EventBuilder::close(EventIndex index, EventState state) noexcept {
    leave_open(index);
    pool_[index].state = state;
    sources_.on_closed(pool_[index].sources_seen, links_[index].excused, state);
    append(closed_, index);
}

void EventBuilder::take_out(EventIndex index) noexcept {
    remove(open_, index);
    open_bytes_ -= pool_[index].payload_bytes;
    --books_.events.open;
    unpublished_ = true;
}

void EventBuilder::leave_open(EventIndex index) noexcept {
    const Event& event = pool_[index];
    take_out(index);
    const EventKey key{event.run, event.number};
    links_[index].history = remember(key, event.sources_seen);
    table_.set(key, index);
}

// What comes for the event from now on waits for nothing.
void EventBuilder::forget_slot(EventIndex index) noexcept {
    const EventKey key{pool_[index].run, pool_[index].number};
    if (table_.find(key) == index) {
        table_.set(key, place_of(links_[index].history));
    }
}

// Returns its place in the history; the caller enters the event in the table.
std::uint32_t EventBuilder::remember(const EventKey& key, std::uint64_t seen) noexcept {
    const EndedEvents::Added added = history_.add(key, seen);
    if (added.forgotten) {
        table_.erase(*added.forgotten);
    }
    return added.place;
}

std::uint32_t EventBuilder::place_of(std::uint32_t history) const noexcept {
    return static_cast<std::uint32_t>(pool_.slot_count()) + history;
}

std::optional<SourceIndex> EventBuilder::find_source(std::uint32_t id) const noexcept {
    for (std::size_t i = 0; i < config_.sources.size(); ++i) {
        if (config_.sources[i] == id) {
            return static_cast<SourceIndex>(i);
        }
    }
    return std::nullopt;
}

void EventBuilder::append(Queue& queue, EventIndex index) noexcept {
    Links& links = links_[index];
    links.previous = queue.last;
    links.next = kNone;
    (queue.last == kNone ? queue.first : links_[queue.last].next) = index;
    queue.last = index;
    ++queue.count;
}

void EventBuilder::remove(Queue& queue, EventIndex index) noexcept {
    const Links& links = links_[index];
    (links.previous == kNone ? queue.first : links_[links.previous].next) = links.next;
    (links.next == kNone ? queue.last : links_[links.next].previous) = links.previous;
    --queue.count;
}

void EventBuilder::publish() noexcept {
    books_.events.window_ns = window_.length_ns();
    published_books_.publish(books_);
    for (std::size_t i = 0; i < sources_.size(); ++i) {
        published_sources_[i].publish(sources_.counters(static_cast<SourceIndex>(i)));
    }
    unpublished_ = false;
}

}  // namespace tamis::streams
