// Decides events by a trigger menu, a batch at a time: seeds, then each model once for the events
// that need it, then the paths. A decision depends on the event and the menu alone, not on the
// batch. One object per worker thread; decide() allocates nothing once buffers have grown to the
// largest event seen.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "daemon/trigger_menu.hpp"
#include "models/event_inputs.hpp"
#include "streams/decision.hpp"
#include "streams/event.hpp"

namespace tamis::daemon {

class MenuDecider {
 public:
    // The menu must outlive the decider. max_events: 1 and more, the largest batch.
    MenuDecider(const TriggerMenu& menu, std::size_t max_events,
                const streams::PayloadLimits& limits = {});

    // Writes decisions[i] for events[i]: everything but latency_ns, which is left 0.
    // Decision::paths names the paths whose seed passed; of an event that goes to the debug stream
    // there are none. Explanations are by model, empty but for accepted events.
    void decide(std::span<const streams::Event* const> events,
                std::span<streams::Decision* const> decisions) noexcept;

    // A decision with room for what this menu can say, so that the first event allocates little.
    [[nodiscard]] static streams::Decision make_decision(const TriggerMenu& menu);

 private:
    static constexpr std::uint32_t kNotScored = UINT32_MAX;

    // One event of the batch.
    struct Candidate {
        explicit Candidate(const streams::PayloadLimits& limits) : inputs(limits) {}

        models::EventInputs inputs;
        streams::Decision* decision = nullptr;
        bool open = false;  // not yet decided
        bool vetoed = false;
        std::vector<std::uint8_t> seeded;     // by path: its seed passed
        std::vector<std::uint32_t> position;  // by model: in its scorer's batch, or kNotScored
    };

    struct PathVerdict {
        bool passed = false;  // seed and cut, before prescale and veto
        float score = 0;
        float threshold = 0;
    };

    void open(Candidate& candidate, const streams::Event& event,
              streams::Decision& decision) noexcept;
    void evaluate_seeds(Candidate& candidate) noexcept;
    void score(std::size_t model, std::size_t count) noexcept;
    void decide_paths(Candidate& candidate) noexcept;
    [[nodiscard]] PathVerdict evaluate_cut(const TriggerPath& path,
                                           const Candidate& candidate) const noexcept;
    void find_vetoes(Candidate& candidate) noexcept;
    void explain(Candidate& candidate) noexcept;
    void send_to_debug(Candidate& candidate, streams::Outcome outcome,
                       std::string_view reason) noexcept;
    void send_to_debug(Candidate& candidate, streams::Outcome outcome) noexcept;

    const TriggerMenu& menu_;
    std::vector<std::unique_ptr<models::Scorer>> scorers_;  // by model
    std::vector<std::unique_ptr<Candidate>> candidates_;    // by position in the batch
    std::vector<models::EventInputs*> gathered_;            // the events of one scorer's batch
};

}  // namespace tamis::daemon
