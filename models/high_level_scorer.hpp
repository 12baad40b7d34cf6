// The scorer of kinds whose input is the row of 21 features: rows of events are collected, handed
// to an evaluator in batches, and each answer goes back to its event. One thread; allocates in the
// constructor only.
#pragma once

#include <array>
#include <cstddef>
#include <gsl/assert>
#include <span>
#include <utility>
#include <vector>

#include "models/high_level_row.hpp"
#include "models/working_point.hpp"

namespace tamis::models {

// Evaluator: kTerms; capacity(); row(i), where row i is written; score(rows) of the first rows;
// answer(i, score, terms), false where the row or its answer is not finite.
template <class Evaluator>
class HighLevelScorer final : public Scorer {
 public:
    // The manifest must outlive the scorer; arguments: the evaluator's.
    template <class... Arguments>
    HighLevelScorer(const Manifest& manifest, std::size_t max_events, Arguments&&... arguments)
        : manifest_(&manifest),
          needs_pileup_(has_pileup_thresholds(manifest)),
          evaluator_(std::forward<Arguments>(arguments)...),
          verdicts_(max_events),
          queued_(evaluator_.capacity()) {}

    void score(std::span<EventInputs* const> events) noexcept override {
        Expects(events.size() <= verdicts_.size());
        std::size_t rows = 0;
        for (std::size_t i = 0; i < events.size(); ++i) {
            verdicts_[i] = {};
            if (needs_pileup_) {
                verdicts_[i].pileup = pileup_of(*events[i]);
            }
            verdicts_[i].status = write_high_level_row(*events[i], evaluator_.row(rows));
            if (verdicts_[i].status != ScoreStatus::scored) {
                continue;
            }
            queued_[rows++] = i;
            if (rows == queued_.size()) {
                score_queued(rows);
                rows = 0;
            }
        }
        score_queued(rows);
    }

    [[nodiscard]] ScoreStatus status(std::size_t position) const noexcept override {
        return verdicts_[position].status;
    }
    [[nodiscard]] float score_of(std::size_t position) const noexcept override {
        return verdicts_[position].score;
    }
    [[nodiscard]] Cut cut(std::size_t position, std::size_t working_point) const noexcept override {
        return pileup_cut(manifest_->working_points[working_point], score_of(position),
                          verdicts_[position].pileup, status(position));
    }
    [[nodiscard]] Explanation explanation(std::size_t position) const noexcept override {
        const Verdict& verdict = verdicts_[position];
        if (verdict.status != ScoreStatus::scored) {
            return {};
        }
        return {.contributions = verdict.terms, .kept = {}};
    }

 private:
    struct Verdict {
        ScoreStatus status = ScoreStatus::not_applicable;
        float score = 0;
        float pileup = 0;  // where thresholds ask for it
        std::array<float, Evaluator::kTerms> terms{};
    };

    void score_queued(std::size_t rows) noexcept {
        evaluator_.score(rows);
        for (std::size_t row = 0; row < rows; ++row) {
            Verdict& verdict = verdicts_[queued_[row]];
            if (!evaluator_.answer(row, verdict.score, verdict.terms)) {
                verdict.status = ScoreStatus::non_finite_input;
                verdict.score = 0;
            }
        }
    }

    const Manifest* manifest_;
    bool needs_pileup_;
    Evaluator evaluator_;
    std::vector<Verdict> verdicts_;
    std::vector<std::size_t> queued_;  // event position of each row of the evaluator
};

}  // namespace tamis::models
