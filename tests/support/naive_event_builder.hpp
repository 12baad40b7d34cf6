// The event builder as one would write it without any thought of speed: maps and strings. What the
// real one does with any sequence of calls must be the same, counter by counter and event by event.
// Of the pool it knows the slots only: give the real one a budget that is never reached.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "streams/event_builder.hpp"

namespace tamis::tests {

class NaiveEventBuilder {
 public:
    using Key = std::pair<std::uint32_t, std::uint64_t>;
    struct Closed {
        Key key;
        streams::EventState state = streams::EventState::open;
        std::map<std::uint32_t, std::string> payloads;  // by source identifier
        friend bool operator==(const Closed&, const Closed&) = default;
    };

    NaiveEventBuilder(streams::EventBuilder::Config config, std::size_t slots);

    void on_message(std::span<const std::byte> message, std::uint64_t arrival_ns);
    void on_refused(std::uint64_t arrival_ns);
    [[nodiscard]] bool is_ready() const;
    void poll(std::uint64_t now_ns);
    [[nodiscard]] std::optional<Closed> next_closed();
    void release();
    void close_all();
    void abandon_all();

    [[nodiscard]] const streams::FragmentCounters& fragments() const { return fragments_; }
    [[nodiscard]] const streams::BuilderEventCounters& events() const { return events_; }

 private:
    struct Open {
        Key key;
        std::uint64_t opened_at = 0;
        std::map<std::uint32_t, std::pair<streams::PayloadType, std::string>> parts;
    };
    void advance(std::uint64_t now_ns);
    void close(std::size_t position, streams::EventState state);
    void remember(const Key& key, const std::set<std::uint32_t>& sources);
    [[nodiscard]] std::size_t find_open(const Key& key) const;
    [[nodiscard]] static std::set<std::uint32_t> sources_of(const Open& event);
    [[nodiscard]] static std::size_t bytes_of(const Open& event);
    [[nodiscard]] std::size_t open_bytes() const;

    streams::EventBuilder::Config config_;
    streams::FragmentDecoder decoder_;
    std::size_t free_slots_;
    std::optional<std::uint32_t> run_;
    std::vector<Open> open_;
    std::deque<Closed> closed_;
    struct Ended {
        Key key;
        std::set<std::uint32_t> sources;  // of which a fragment has come
    };
    std::deque<Ended> history_;
    std::size_t in_work_ = 0;
    std::optional<std::uint64_t> last_now_ns_;
    std::uint64_t clock_ns_ = 0;
    bool was_ready_ = true;
    streams::FragmentCounters fragments_;
    streams::BuilderEventCounters events_;
};

}  // namespace tamis::tests
