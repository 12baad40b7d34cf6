// Joins fragments to events by (run, event) and source. An event is closed when every source was
// seen, when a window in time or in bytes ends, or when a source contradicts itself; what cannot be
// used is counted by its reason and nothing is fatal.
//
// Builder and pool belong to one thread; a closed event's slot travels by index to others and comes
// back by release(). No clock: time is an argument. After construction nothing is allocated (the
// pool's buffers grow until they have seen the largest payloads).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "streams/ended_events.hpp"
#include "streams/event_pool.hpp"
#include "streams/event_table.hpp"
#include "streams/event_window.hpp"
#include "streams/fragment.hpp"
#include "streams/fragment_counters.hpp"
#include "streams/fragment_input.hpp"
#include "streams/published_snapshot.hpp"
#include "streams/source_watch.hpp"

namespace tamis::streams {

// What happens to a new event when the pool has no room.
enum class OverloadPolicy : std::uint8_t {
    back_pressure,  // is_ready() turns false; input waits in the link until events are released
    shed,           // the event is opened and closed at once; its later fragments are late
};

// Which runs a builder takes; fragments of others are counted as wrong run.
enum class RunPolicy : std::uint8_t {
    one,  // Config::run, or the first one seen
    any,  // a recording of many runs: events are told apart by run and number
};

class EventBuilder final : public MessageSink {
 public:
    struct Config {
        // Identifiers on the wire, 1 .. 64, all different; their order is the order in an event.
        std::vector<std::uint32_t> sources;
        std::optional<std::uint32_t> run;  // or the first one seen of a known source
        RunPolicy runs = RunPolicy::one;
        std::uint64_t window_ns = 200'000'000;  // since an event's first fragment
        std::uint64_t shortest_window_ns = 0;   // it follows the sources down to here; 0: fixed
        std::size_t window_bytes = std::size_t{128} << 20;  // payload of all open events
        std::size_t event_bytes = std::size_t{16} << 20;    // payload of one event
        std::size_t history_events = 65536;  // closed events remembered to know late fragments
        // Of a longer time between two looks only so much counts: a process that was stopped has
        // yet to read what came meanwhile.
        std::uint64_t longest_step_ns = ~std::uint64_t{0};
        // A source without which so many events in a row were closed is masked: events are complete
        // without it until it speaks again. 0: never.
        std::uint64_t mask_after_events = 0;
        OverloadPolicy overload = OverloadPolicy::back_pressure;
        FragmentLimits limits;
        std::optional<std::uint64_t> hash_seed;  // of the table; random when absent
    };

    // The pool has as many sources, and a budget of at least one message of the largest size.
    EventBuilder(const Config& config, EventPool& pool);

    // One message; it becomes part of an event or one more in a counter. The hold is the event's
    // index while the event is in the pool, even if the fragment came twice or late: its sender
    // must keep it until the event has ended.
    Hold on_message(std::span<const std::byte> message, std::uint64_t arrival_ns) noexcept override;
    // Counted as malformed.
    void on_refused(std::uint64_t arrival_ns) noexcept override;
    // An open event is forgotten, counted as abandoned; if it comes again it is opened again.
    bool on_taken_back(Hold hold) noexcept override;
    // Under back pressure: a slot is free and the largest message fits.
    [[nodiscard]] bool is_ready() const noexcept override;

    // Closes what waited too long; under back pressure, when every slot holds an open event, the
    // oldest one. The window counts only the time in which the builder was ready: what waits in the
    // link meanwhile must not become incomplete. Publishes the counters. Returns events closed.
    std::size_t poll(std::uint64_t now_ns) noexcept;

    // The next closed event in the order of closing, once each; its state is not `open`.
    [[nodiscard]] std::optional<EventIndex> next_closed() noexcept;
    // The caller is done with an event that next_closed() gave.
    void release(EventIndex index) noexcept;

    // The input has ended: closes every open event as incomplete. Returns how many.
    std::size_t close_all() noexcept;
    // The node must stop: forgets every open event, counted as abandoned. Returns how many.
    std::size_t abandon_all() noexcept;
    // An earlier process has ended this event: its fragments are late. Before the first message.
    void recall(const EventKey& decided) noexcept;
    // Another run: no event may be open; the history and the sequence numbers start anew, the
    // counters go on.
    void begin_run(std::optional<std::uint32_t> run) noexcept;

    [[nodiscard]] std::optional<std::uint32_t> run() const noexcept { return run_; }
    [[nodiscard]] std::size_t closed_count() const noexcept { return closed_.count; }
    [[nodiscard]] std::size_t source_count() const noexcept { return config_.sources.size(); }

    // This thread only.
    [[nodiscard]] const FragmentCounters& fragments() const noexcept { return books_.fragments; }
    [[nodiscard]] const BuilderEventCounters& events() const noexcept { return books_.events; }
    [[nodiscard]] const SourceCounters& source(SourceIndex index) const noexcept {
        return sources_.counters(index);
    }

    struct Books {
        FragmentCounters fragments;
        BuilderEventCounters events;
    };
    // Any thread: as of the end of a poll, so that they close.
    [[nodiscard]] Books published_books() const noexcept { return published_books_.read(); }
    [[nodiscard]] SourceCounters published_source(SourceIndex index) const noexcept {
        return published_sources_[index].read();
    }

 private:
    static constexpr EventIndex kNone = ~EventIndex{0};
    enum class Cause : std::uint8_t { window_time, window_bytes, slots, end };

    // Open events in the order of opening, closed ones in the order of closing: slots linked by
    // index.
    struct Queue {
        EventIndex first = kNone;
        EventIndex last = kNone;
        std::size_t count = 0;
    };
    struct Links {
        EventIndex previous = kNone;
        EventIndex next = kNone;
        std::uint64_t opened_at = 0;  // on the window's clock
        std::uint64_t excused = 0;    // sources that were masked when it was opened
        std::uint32_t history = 0;    // place there, once closed
    };

    Hold on_fragment(const Fragment& fragment, std::uint64_t arrival_ns) noexcept;
    Hold on_ended_event(std::uint32_t place, SourceIndex source) noexcept;
    void on_source_seen(EventIndex index, SourceIndex source, const Fragment& fragment) noexcept;
    void add(EventIndex index, SourceIndex source, const Fragment& fragment,
             std::uint64_t arrival_ns) noexcept;
    [[nodiscard]] std::optional<EventIndex> open(const Fragment& fragment,
                                                 std::uint64_t arrival_ns) noexcept;
    void shed(const Fragment& fragment, SourceIndex source) noexcept;
    [[nodiscard]] bool is_whole(EventIndex index) const noexcept;
    void complete(EventIndex index) noexcept;
    void apply_mask() noexcept;
    void close(EventIndex index, EventState state) noexcept;
    void close_oldest(Cause cause) noexcept;
    void leave_open(EventIndex index) noexcept;
    void take_out(EventIndex index) noexcept;
    [[nodiscard]] std::uint32_t remember(const EventKey& key, std::uint64_t seen) noexcept;
    [[nodiscard]] std::uint32_t place_of(std::uint32_t history) const noexcept;
    void forget_slot(EventIndex index) noexcept;
    [[nodiscard]] std::optional<SourceIndex> find_source(std::uint32_t id) const noexcept;
    void append(Queue& queue, EventIndex index) noexcept;
    void remove(Queue& queue, EventIndex index) noexcept;
    void publish() noexcept;

    Config config_;
    EventPool& pool_;
    FragmentDecoder decoder_;
    std::uint64_t all_sources_;
    std::optional<std::uint32_t> run_;

    // Of open events and of closed ones that still have a slot its index; of others that are
    // remembered their place in the history plus the number of slots.
    EventTable table_;
    EndedEvents history_;

    std::vector<Links> links_;  // by slot
    Queue open_;
    Queue closed_;
    std::size_t in_work_ = 0;  // given by next_closed(), not yet released
    std::size_t open_bytes_ = 0;

    bool unpublished_ = false;

    Books books_;
    SourceWatch sources_;
    EventWindow window_;
    std::uint64_t applied_mask_ = 0;  // of silent sources, to the events that were open then
    PublishedSnapshot<Books> published_books_;
    std::vector<PublishedSnapshot<SourceCounters>> published_sources_;
};

}  // namespace tamis::streams
