#include "daemon/menu_decider.hpp"

#include <algorithm>
#include <gsl/assert>

namespace tamis::daemon {
namespace {

using config::PathKind;
using models::ScoreStatus;
using streams::Outcome;

bool is_broken(ScoreStatus status) noexcept {
    return status == ScoreStatus::malformed_input || status == ScoreStatus::non_finite_input;
}

}  // namespace

MenuDecider::MenuDecider(const TriggerMenu& menu, std::size_t max_events,
                         const streams::PayloadLimits& limits)
    : menu_(menu) {
    Expects(max_events > 0);
    for (const models::Model* model : menu.models()) {
        scorers_.push_back(model->make_scorer(max_events));
    }
    for (std::size_t i = 0; i < max_events; ++i) {
        auto& candidate = *candidates_.emplace_back(std::make_unique<Candidate>(limits));
        candidate.seeded.resize(menu.paths().size());
        candidate.position.resize(menu.models().size());
    }
    gathered_.reserve(max_events);
}

streams::Decision MenuDecider::make_decision(const TriggerMenu& menu) {
    streams::Decision decision;
    decision.paths.reserve(menu.paths().size());
    decision.explanations.resize(menu.models().size());
    decision.reasons.reserve(menu.paths().size() + 2);
    return decision;
}

void MenuDecider::decide(std::span<const streams::Event* const> events,
                         std::span<streams::Decision* const> decisions) noexcept {
    Expects(events.size() == decisions.size() && events.size() <= candidates_.size());
    for (std::size_t i = 0; i < events.size(); ++i) {
        open(*candidates_[i], *events[i], *decisions[i]);
        evaluate_seeds(*candidates_[i]);
    }
    for (std::size_t model = 0; model < scorers_.size(); ++model) {
        score(model, events.size());
    }
    for (std::size_t i = 0; i < events.size(); ++i) {
        decide_paths(*candidates_[i]);
        explain(*candidates_[i]);
    }
}

void MenuDecider::open(Candidate& candidate, const streams::Event& event,
                       streams::Decision& decision) noexcept {
    decision.run = event.run;
    decision.event = event.number;
    decision.outcome = Outcome::unspecified;
    decision.is_incomplete = event.state == streams::EventState::incomplete;
    decision.streams = 0;
    decision.latency_ns = 0;
    decision.paths.clear();
    decision.reasons.clear();
    decision.explanations.resize(scorers_.size());
    candidate.decision = &decision;
    candidate.open = true;
    candidate.vetoed = false;
    candidate.inputs.attach(event);
    std::fill(candidate.position.begin(), candidate.position.end(), kNotScored);
    if (event.sources_masked != 0) {
        decision.reasons.emplace_back("decided without a source that had fallen silent");
    }
    if (decision.is_incomplete) {
        decision.reasons.emplace_back("incomplete");
    } else if (event.state == streams::EventState::inconsistent) {
        send_to_debug(candidate, Outcome::debug_malformed, "a source sent two different fragments");
    }
}

void MenuDecider::evaluate_seeds(Candidate& candidate) noexcept {
    const auto paths = menu_.paths();
    for (std::size_t i = 0; candidate.open && i < paths.size(); ++i) {
        candidate.seeded[i] = 0;
        const bool is_switched_off = paths[i].prescale.factor() == 0;
        if (is_switched_off || (candidate.decision->is_incomplete && !paths[i].takes_incomplete)) {
            continue;
        }
        const SeedVerdict verdict = evaluate_seed(paths[i].seed, candidate.inputs);
        if (verdict.broken_payload) {
            send_to_debug(candidate, Outcome::debug_malformed,
                          streams::to_string(*verdict.broken_payload));
        }
        candidate.seeded[i] = verdict.passed ? 1 : 0;
    }
}

// Scores the open events that a path with this model was seeded for.
void MenuDecider::score(std::size_t model, std::size_t count) noexcept {
    const auto paths = menu_.paths();
    const auto needs_model = [&](const Candidate& candidate) {
        for (std::size_t i = 0; i < paths.size(); ++i) {
            if (candidate.seeded[i] != 0 && paths[i].cut && paths[i].cut->model == model) {
                return true;
            }
        }
        return false;
    };
    gathered_.clear();
    for (std::size_t i = 0; i < count; ++i) {
        Candidate& candidate = *candidates_[i];
        if (candidate.open && needs_model(candidate)) {
            candidate.position[model] = static_cast<std::uint32_t>(gathered_.size());
            gathered_.push_back(&candidate.inputs);
        }
    }
    if (gathered_.empty()) {
        return;
    }
    scorers_[model]->score(gathered_);
    for (std::size_t i = 0; i < count; ++i) {
        Candidate& candidate = *candidates_[i];
        if (candidate.position[model] == kNotScored) {
            continue;
        }
        const ScoreStatus status = scorers_[model]->status(candidate.position[model]);
        if (is_broken(status)) {
            send_to_debug(candidate, Outcome::debug_malformed, models::to_string(status));
        }
    }
}

MenuDecider::PathVerdict MenuDecider::evaluate_cut(const TriggerPath& path,
                                                   const Candidate& candidate) const noexcept {
    if (!path.cut) {
        return {.passed = true};
    }
    const std::uint32_t position = candidate.position[path.cut->model];
    const models::Scorer& scorer = *scorers_[path.cut->model];
    if (scorer.status(position) != ScoreStatus::scored) {
        return {.passed = false, .score = 0, .threshold = path.cut->threshold};
    }
    if (path.cut->working_point) {
        const models::Cut cut = scorer.cut(position, *path.cut->working_point);
        return {.passed = cut.passed, .score = cut.score, .threshold = cut.threshold};
    }
    const float score = scorer.score_of(position);
    return {
        .passed = score > path.cut->threshold, .score = score, .threshold = path.cut->threshold};
}

void MenuDecider::find_vetoes(Candidate& candidate) noexcept {
    const auto paths = menu_.paths();
    for (std::size_t i = 0; i < paths.size(); ++i) {
        if (paths[i].kind == PathKind::veto && candidate.seeded[i] != 0 &&
            evaluate_cut(paths[i], candidate).passed &&
            paths[i].prescale.keeps(candidate.decision->run, candidate.decision->event)) {
            candidate.vetoed = true;
            candidate.decision->reasons.push_back(paths[i].veto_reason);
        }
    }
}

void MenuDecider::decide_paths(Candidate& candidate) noexcept {
    if (!candidate.open) {
        return;
    }
    find_vetoes(candidate);
    streams::Decision& decision = *candidate.decision;
    const auto paths = menu_.paths();
    for (std::size_t i = 0; i < paths.size(); ++i) {
        if (candidate.seeded[i] == 0) {
            continue;
        }
        const TriggerPath& path = paths[i];
        const PathVerdict verdict = evaluate_cut(path, candidate);
        const bool kept = path.kind == PathKind::force_accept ||
                          path.prescale.keeps(decision.run, decision.event);
        const bool stopped = candidate.vetoed && path.kind == PathKind::select;
        const bool accepted = verdict.passed && kept && !stopped;
        decision.paths.push_back({.path = static_cast<std::uint32_t>(i),
                                  .accepted = accepted,
                                  .prescaled_away = verdict.passed && !kept && !stopped,
                                  .score = verdict.score,
                                  .threshold = verdict.threshold});
        // A veto that passed is `accepted` in its own line and selects nothing.
        if (accepted && path.kind != PathKind::veto) {
            decision.streams |= path.streams;
            decision.outcome = Outcome::accepted;
        }
    }
    if (decision.outcome != Outcome::unspecified) {
        return;
    }
    if (decision.is_incomplete) {
        decision.paths.clear();
        send_to_debug(candidate, Outcome::debug_incomplete);
    } else {
        decision.outcome = Outcome::rejected;
    }
}

// Every decision has a place for each model, empty where there is nothing to tell: taking a place
// away would throw away its buffers.
void MenuDecider::explain(Candidate& candidate) noexcept {
    streams::Decision& decision = *candidate.decision;
    for (std::size_t model = 0; model < scorers_.size(); ++model) {
        streams::ModelExplanation& kept = decision.explanations[model];
        kept.model = static_cast<std::uint32_t>(model);
        kept.contributions.clear();
        kept.kept.clear();
        const std::uint32_t position = candidate.position[model];
        if (decision.outcome != Outcome::accepted || position == kNotScored ||
            scorers_[model]->status(position) != ScoreStatus::scored) {
            continue;
        }
        const models::Explanation explanation = scorers_[model]->explanation(position);
        kept.contributions.assign(explanation.contributions.begin(),
                                  explanation.contributions.end());
        kept.kept.assign(explanation.kept.begin(), explanation.kept.end());
    }
}

void MenuDecider::send_to_debug(Candidate& candidate, Outcome outcome,
                                std::string_view reason) noexcept {
    candidate.decision->reasons.push_back(reason);
    send_to_debug(candidate, outcome);
}

void MenuDecider::send_to_debug(Candidate& candidate, Outcome outcome) noexcept {
    candidate.open = false;
    candidate.decision->outcome = outcome;
    candidate.decision->streams = menu_.debug_streams();
    std::fill(candidate.position.begin(), candidate.position.end(), kNotScored);
}

}  // namespace tamis::daemon
