#include "tests/support/builder_comparison.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "tests/support/fragment_maker.hpp"
#include "tests/support/naive_event_builder.hpp"

namespace tamis::tests {
namespace {

using namespace streams;

constexpr std::array<std::uint32_t, 3> kSources{7, 0, 0xffffffffU};

class Choices {
 public:
    explicit Choices(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}
    [[nodiscard]] bool is_empty() const { return bytes_.empty(); }
    std::uint32_t below(std::uint32_t limit) {
        if (bytes_.empty()) {
            return 0;
        }
        const std::uint8_t byte = bytes_.front();
        bytes_ = bytes_.subspan(1);
        return byte % limit;
    }

 private:
    std::span<const std::uint8_t> bytes_;
};

EventBuilder::Config make_config(Choices& choices) {
    EventBuilder::Config config;
    config.sources.assign(kSources.begin(), kSources.end());
    config.run = choices.below(2) == 0 ? std::optional<std::uint32_t>(1) : std::nullopt;
    config.window_ns = 1 + choices.below(200);
    config.window_bytes = 1 + 2 * choices.below(64);
    config.event_bytes = 1 + choices.below(128);
    config.history_events = 1 + choices.below(16);
    config.overload = choices.below(2) == 0 ? OverloadPolicy::back_pressure : OverloadPolicy::shed;
    config.limits.message_bytes = 100;
    config.hash_seed = choices.below(256);
    return config;
}

// Both builders and what has been taken from them.
class Pair {
 public:
    Pair(const EventBuilder::Config& config, std::size_t slots)
        : pool_({slots, kSources.size(), std::size_t{1} << 20}),
          real_(config, pool_),
          naive_(config, slots) {}

    void step(Choices& choices) {
        now_ += choices.below(32);
        switch (choices.below(16)) {
            case 0:
            case 1:
                real_.poll(now_);
                naive_.poll(now_);
                return;
            case 2:
            case 3:
                take();
                return;
            case 4:
                release(choices);
                return;
            case 5:
                real_.on_refused(now_);
                naive_.on_refused(now_);
                return;
            case 6:
                end(choices);
                return;
            default:
                send(choices);
        }
    }

    [[nodiscard]] std::string difference() const {
        if (!difference_.empty()) {
            return difference_;
        }
        const FragmentCounters& a = real_.fragments();
        const FragmentCounters& b = naive_.fragments();
        if (a.imbalance() != 0 || real_.events().imbalance() != 0) {
            return "the books do not close";
        }
        if (a.received != b.received || a.used != b.used || a.late != b.late ||
            a.duplicate_same != b.duplicate_same || a.duplicate_late != b.duplicate_late ||
            a.malformed != b.malformed || a.duplicate_different != b.duplicate_different ||
            a.oversize != b.oversize || a.bad_checksum != b.bad_checksum ||
            a.unknown_source != b.unknown_source || a.wrong_run != b.wrong_run ||
            a.received_bytes != b.received_bytes || a.used_bytes != b.used_bytes) {
            return "counters of fragments";
        }
        const BuilderEventCounters& c = real_.events();
        const BuilderEventCounters& d = naive_.events();
        if (c.opened != d.opened || c.complete != d.complete || c.incomplete != d.incomplete ||
            c.inconsistent != d.inconsistent || c.shed != d.shed || c.open != d.open ||
            c.abandoned != d.abandoned || c.incomplete_time != d.incomplete_time ||
            c.incomplete_bytes != d.incomplete_bytes || c.incomplete_end != d.incomplete_end ||
            c.incomplete_slots != d.incomplete_slots) {
            return "counters of events";
        }
        return real_.is_ready() == naive_.is_ready() ? "" : "is_ready";
    }

 private:
    void send(Choices& choices) {
        Fragment fragment;
        fragment.run = choices.below(8) == 0 ? 2 : 1;
        fragment.event = choices.below(24);
        fragment.source = choices.below(16) == 0 ? 99 : kSources[choices.below(kSources.size())];
        fragment.payload_type = PayloadType{choices.below(8) == 0 ? 1U : 0U};
        const std::string payload(choices.below(16) == 0 ? 99 : choices.below(4), 'p');
        fragment.payload = as_bytes(payload);
        std::string message = make_message(fragment);
        if (const std::uint32_t damage = choices.below(16); damage < 2 && !message.empty()) {
            message[choices.below(static_cast<std::uint32_t>(message.size()))] ^= 0x10;
        }
        real_.on_message(as_bytes(message), now_);
        naive_.on_message(as_bytes(message), now_);
    }

    void take() {
        const auto index = real_.next_closed();
        const auto expected = naive_.next_closed();
        if (index.has_value() != expected.has_value()) {
            difference_ = "number of closed events";
            return;
        }
        if (!index) {
            return;
        }
        const Event& event = pool_[*index];
        NaiveEventBuilder::Closed closed{{event.run, event.number}, event.state, {}};
        for (SourceIndex source = 0; source < kSources.size(); ++source) {
            if (event.has(source)) {
                const auto& payload = event.fragments[source].payload;
                closed.payloads[event.fragments[source].source] = {
                    reinterpret_cast<const char*>(payload.data()), payload.size()};
            }
        }
        if (closed != *expected) {
            difference_ = "a closed event";
        }
        taken_.push_back(*index);
    }

    void release(Choices& choices) {
        if (taken_.empty()) {
            return;
        }
        const auto which =
            taken_.begin() + choices.below(static_cast<std::uint32_t>(taken_.size()));
        real_.release(*which);
        naive_.release();
        taken_.erase(which);
    }

    void end(Choices& choices) {
        switch (choices.below(8)) {
            case 0:
                real_.close_all();
                naive_.close_all();
                return;
            case 1:
                real_.abandon_all();
                naive_.abandon_all();
                return;
            default:
                return;
        }
    }

    EventPool pool_;
    EventBuilder real_;
    NaiveEventBuilder naive_;
    std::vector<EventIndex> taken_;
    std::uint64_t now_ = 1000;
    std::string difference_;
};

}  // namespace

std::string compare_builders(std::span<const std::uint8_t> bytes) {
    Choices choices(bytes);
    const EventBuilder::Config config = make_config(choices);
    const std::size_t slots = 1 + choices.below(8);
    Pair pair(config, slots);
    for (std::size_t step = 0; !choices.is_empty(); ++step) {
        pair.step(choices);
        if (std::string difference = pair.difference(); !difference.empty()) {
            return difference + " after step " + std::to_string(step);
        }
    }
    return {};
}

}  // namespace tamis::tests
