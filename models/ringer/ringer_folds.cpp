#include "models/ringer/ringer_folds.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <gsl/assert>
#include <utility>

#include "engine/dense_bank.hpp"
#include "engine/random.hpp"

namespace tamis::models {

namespace {

constexpr std::uint64_t kSeedsPerFold = 1000;

struct Split {
    RingRows training, validation;
};

Split split_off(const RingRows& rows, std::span<const std::size_t> fold_of, std::size_t fold) {
    Split split;
    for (RingRows* const part : {&split.training, &split.validation}) {
        part->width = rows.width;
    }
    for (std::size_t i = 0; i < rows.count(); ++i) {
        RingRows& part = fold_of[i] == fold ? split.validation : split.training;
        const auto row = rows.row(i);
        part.rings.insert(part.rings.end(), row.begin(), row.end());
        part.labels.push_back(rows.labels[i]);
    }
    return split;
}

tl::expected<std::vector<float>, std::string> score_rows(const engine::Graph& graph,
                                                         const RingRows& rows) {
    const auto bank = engine::DenseBank::make(std::span(&graph, 1));
    if (!bank) {
        return tl::unexpected(bank.error());
    }
    const std::vector<std::uint32_t> networks(rows.count(), 0);
    std::vector<float> scores(rows.count());
    (*bank)->score(rows.rings, networks, scores);
    return scores;
}

SpPoint best_sp_of(std::span<const float> scores, std::span<const float> labels) {
    std::vector<float> electrons, others;
    for (std::size_t i = 0; i < scores.size(); ++i) {
        (labels[i] > 0 ? electrons : others).push_back(scores[i]);
    }
    return find_best_sp(electrons, others);
}

struct TrainedFold {
    FoldResult result;
    engine::Graph graph;
    std::vector<float> scores;  // of all rows
};

tl::expected<TrainedFold, std::string> train_fold(const std::string& name, const RingRows& rows,
                                                  const Split& split, std::size_t fold,
                                                  const RingerFolds& options) {
    TrainedFold best;
    for (std::size_t trial = 0; trial < options.initialisations; ++trial) {
        RingerTrainingOptions training = options.training;
        training.seed += kSeedsPerFold * fold + trial;
        auto trained = train_ringer_bin(name, split.training, split.validation, training);
        if (!trained) {
            return tl::unexpected(trained.error());
        }
        if (trial == 0 || trained->validation.sp > best.result.validation.sp) {
            best.result = {trial, trained->epochs, trained->validation, {}};
            best.graph = std::move(trained->graph);
        }
    }
    auto scores = score_rows(best.graph, rows);
    if (!scores) {
        return tl::unexpected(name + ": " + scores.error());
    }
    best.scores = std::move(*scores);
    best.result.operation = best_sp_of(best.scores, rows.labels);
    return best;
}

}  // namespace

std::vector<std::size_t> assign_folds(std::span<const float> labels, std::size_t folds,
                                      std::uint64_t seed) {
    Expects(folds >= 2);
    static const std::uint64_t stream = engine::stream_of("ringer folds");
    std::vector<std::size_t> fold_of(labels.size());
    for (const bool electrons : {true, false}) {
        std::vector<std::pair<std::array<std::uint32_t, 4>, std::size_t>> drawn;
        for (std::size_t i = 0; i < labels.size(); ++i) {
            if ((labels[i] > 0) == electrons) {
                drawn.emplace_back(engine::random_words(seed, stream, i), i);
            }
        }
        std::sort(drawn.begin(), drawn.end());
        for (std::size_t place = 0; place < drawn.size(); ++place) {
            fold_of[drawn[place].second] = place % folds;
        }
    }
    return fold_of;
}

Spread CrossValidation::spread(double SpPoint::*figure) const {
    Expects(!folds.empty());
    const auto count = static_cast<double>(folds.size());
    Spread spread;
    for (const FoldResult& fold : folds) {
        spread.mean += fold.validation.*figure / count;
    }
    double squares = 0;
    for (const FoldResult& fold : folds) {
        const double off = fold.validation.*figure - spread.mean;
        squares += off * off;
    }
    spread.deviation = folds.size() > 1 ? std::sqrt(squares / (count - 1.0)) : 0.0;
    return spread;
}

tl::expected<CrossValidation, std::string> cross_validate(const std::string& name,
                                                          const RingRows& rows,
                                                          const RingerFolds& options) {
    Expects(options.initialisations >= 1 &&
            std::min(rows.electrons(), rows.count() - rows.electrons()) >= options.folds);
    const auto fold_of = assign_folds(rows.labels, options.folds, options.training.seed);
    CrossValidation validated;
    validated.held_out.resize(rows.count());
    for (std::size_t fold = 0; fold < options.folds; ++fold) {
        auto trained = train_fold(name, rows, split_off(rows, fold_of, fold), fold, options);
        if (!trained) {
            return tl::unexpected(trained.error());
        }
        validated.folds.push_back(trained->result);
        for (std::size_t i = 0; i < rows.count(); ++i) {
            validated.held_out[i] = fold_of[i] == fold ? trained->scores[i] : validated.held_out[i];
        }
        const SpPoint& best = validated.folds[validated.chosen].operation;
        if (fold == 0 || trained->result.operation.sp > best.sp) {
            validated.chosen = fold;
            validated.graph = std::move(trained->graph);
        }
    }
    return validated;
}

}  // namespace tamis::models
