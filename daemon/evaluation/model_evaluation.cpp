#include "daemon/evaluation/model_evaluation.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include "models/working_point.hpp"

namespace tamis::daemon {

namespace {

constexpr std::array kRejections = {0.5, 0.75, 0.9, 0.99, 0.999};
constexpr std::size_t kBins = 10;
// Inputs that physicists plot efficiencies against; a model has some of them.
constexpr std::array<std::string_view, 8> kVariables = {"et",    "eta",    "average_mu", "pt",
                                                        "LepPt", "LepEta", "HT",         "METp"};
// What a point must accept of the background for its curve to be worth drawing.
constexpr std::size_t kEnoughAccepted = 200;

class Answers {
 public:
    Answers(const models::Model& model, const models::Sample& sample)
        : columns_(model.score_columns()), rows_(sample.table.rows()), pileup_(sample.pileup) {
        values_.resize(rows_ * columns_.size());
        model.score_table(sample.table.values, values_);
    }
    [[nodiscard]] float pileup(std::size_t row) const { return pileup_.empty() ? 0 : pileup_[row]; }
    [[nodiscard]] bool has(std::string_view name) const {
        return std::ranges::find(columns_, name) != columns_.end();
    }
    [[nodiscard]] std::vector<float> column(std::string_view name) const {
        const auto index =
            static_cast<std::size_t>(std::ranges::find(columns_, name) - columns_.begin());
        std::vector<float> column(rows_);
        for (std::size_t row = 0; row < rows_; ++row) {
            column[row] = values_[row * columns_.size() + index];
        }
        return column;
    }

 private:
    std::span<const std::string> columns_;
    std::size_t rows_;
    std::span<const float> pileup_;
    std::vector<float> values_;
};

// Row by row: by the model's own pass column where thresholds differ by bin.
std::vector<bool> passes(const Answers& answers, const models::WorkingPoint& point) {
    const std::string own = "pass_" + point.name;
    const bool has_own = answers.has(own);
    const auto values = answers.column(has_own ? own : "score");
    std::vector<bool> passed(values.size());
    for (std::size_t row = 0; row < values.size(); ++row) {
        passed[row] = has_own ? values[row] > 0.5
                              : models::pileup_cut(point, values[row], answers.pileup(row),
                                                   models::ScoreStatus::scored)
                                    .passed;
    }
    return passed;
}

// Both sorted. One point a distinct background score, from (1, 1) downwards.
std::vector<RocPoint> roc_curve(const std::vector<float>& background,
                                const std::vector<float>& signal) {
    std::vector<RocPoint> curve{{1, 1}};
    const auto above = [](const std::vector<float>& sorted, float threshold) {
        const auto first = std::upper_bound(sorted.begin(), sorted.end(), threshold);
        return static_cast<double>(sorted.end() - first) / static_cast<double>(sorted.size());
    };
    for (std::size_t i = 0; i < background.size(); ++i) {
        if (i + 1 < background.size() && background[i + 1] == background[i]) continue;
        curve.push_back({above(background, background[i]), above(signal, background[i])});
    }
    return curve;
}

SampleEvaluation evaluate_sample(const models::Model& model, const std::string& name,
                                 const Answers& answers) {
    SampleEvaluation sample;
    sample.name = name;
    sample.scores = answers.column("score");
    sample.events = sample.scores.size();
    sample.unscored = std::erase_if(sample.scores, [](float score) { return std::isnan(score); });
    for (const auto& point : model.manifest().working_points) {
        const auto passed = passes(answers, point);
        sample.working_points.push_back(
            fraction_of(static_cast<std::size_t>(std::ranges::count(passed, true)), sample.events));
    }
    return sample;
}

void compare_with_background(SampleEvaluation& signal, const std::vector<float>& background) {
    if (background.empty() || signal.scores.empty()) return;
    std::vector<float> sorted = signal.scores;
    std::ranges::sort(sorted);
    signal.roc_area = models::roc_area(background, signal.scores);
    signal.roc = roc_curve(background, sorted);
    for (const double rejection : kRejections) {
        const auto rank =
            static_cast<std::size_t>(rejection * static_cast<double>(background.size() - 1));
        signal.at_rejection.push_back(
            {rejection,
             fraction_of(models::count_above(signal.scores, background[rank]), signal.events)});
    }
}

// Edges of bins with about equally many values; fewer bins where values repeat.
std::vector<double> quantile_edges(std::vector<float> values) {
    std::ranges::sort(values);
    std::vector<double> edges;
    for (std::size_t bin = 0; bin <= kBins; ++bin) {
        const double edge = values[bin * (values.size() - 1) / kBins];
        if (edges.empty() || edge > edges.back()) edges.push_back(edge);
    }
    return edges;
}

std::vector<float> input_column(const models::FeatureTable& table, std::size_t column) {
    std::vector<float> values(table.rows());
    for (std::size_t row = 0; row < values.size(); ++row) values[row] = table.row(row)[column];
    return values;
}

std::vector<Fraction> binned(const std::vector<float>& values, const std::vector<bool>& passed,
                             const std::vector<double>& edges) {
    std::vector<std::size_t> all(edges.size() - 1);
    std::vector<std::size_t> some(edges.size() - 1);
    for (std::size_t row = 0; row < values.size(); ++row) {
        if (values[row] < edges.front() || values[row] > edges.back()) continue;
        const auto above = std::upper_bound(edges.begin(), edges.end() - 1, values[row]);
        const auto bin = static_cast<std::size_t>(above - edges.begin()) - 1;
        ++all[bin];
        if (passed[row]) ++some[bin];
    }
    std::vector<Fraction> fractions;
    for (std::size_t bin = 0; bin < all.size(); ++bin) {
        fractions.push_back(all[bin] == 0 ? Fraction{} : fraction_of(some[bin], all[bin]));
    }
    return fractions;
}

// Empty where neither the inputs nor what stands beside them has the variable.
std::vector<float> variable_of(const models::Sample& sample, std::string_view variable) {
    for (const models::FeatureTable* table : {&sample.table, &sample.beside}) {
        const auto at = std::ranges::find(table->columns, variable);
        if (at != table->columns.end()) {
            return input_column(*table, static_cast<std::size_t>(at - table->columns.begin()));
        }
    }
    return variable == "average_mu" ? sample.pileup : std::vector<float>();
}

std::size_t plotted_point(const ModelEvaluation& evaluation) {
    const auto& points = evaluation.samples.front().working_points;
    auto chosen = std::ranges::max_element(points, {}, &Fraction::passed);
    for (auto point = points.begin(); point != points.end(); ++point) {
        if (point->passed >= kEnoughAccepted && point->passed < chosen->passed) chosen = point;
    }
    return static_cast<std::size_t>(chosen - points.begin());
}

std::string unit_of(const models::Manifest& manifest, std::string_view variable) {
    for (const auto& feature : manifest.features) {
        if (feature.name == variable) return feature.unit;
    }
    return {};
}

std::vector<Dependence> find_dependences(const models::Model& model,
                                         const ModelEvaluation& evaluation,
                                         std::span<const models::Sample> samples,
                                         std::span<const Answers> answers) {
    std::vector<Dependence> found;
    const auto& points = model.manifest().working_points;
    if (points.empty()) return found;
    const models::WorkingPoint& point = points[plotted_point(evaluation)];
    for (const std::string_view variable : kVariables) {
        std::vector<std::vector<float>> values;
        for (const auto& sample : samples) values.push_back(variable_of(sample, variable));
        const bool is_everywhere =
            std::ranges::none_of(values, [](const auto& column) { return column.empty(); });
        if (!is_everywhere) continue;
        Dependence dependence{std::string(variable),
                              unit_of(model.manifest(), variable),
                              point.name,
                              quantile_edges(values.front()),
                              {}};
        if (dependence.edges.size() < 3) continue;
        for (std::size_t i = 0; i < samples.size(); ++i) {
            dependence.by_sample.push_back(
                binned(values[i], passes(answers[i], point), dependence.edges));
        }
        found.push_back(std::move(dependence));
    }
    return found;
}

std::vector<AcceptedShares> composition_of(const ModelEvaluation& evaluation,
                                           std::span<const models::Sample> samples) {
    std::vector<AcceptedShares> composition;
    std::vector<double> together(evaluation.samples.front().working_points.size());
    for (std::size_t i = 0; i < samples.size(); ++i) {
        if (samples[i].mix_weight <= 0) continue;
        AcceptedShares process{samples[i].name, samples[i].mix_weight, {}};
        for (std::size_t at = 0; at < together.size(); ++at) {
            const double accepted =
                samples[i].mix_weight * evaluation.samples[i].working_points[at].value;
            process.shares.push_back(accepted);
            together[at] += accepted;
        }
        composition.push_back(std::move(process));
    }
    for (AcceptedShares& process : composition) {
        for (std::size_t at = 0; at < together.size(); ++at) {
            if (together[at] > 0) process.shares[at] /= together[at];
        }
    }
    return composition;
}

}  // namespace

std::span<const std::string_view> plotted_variables() noexcept { return kVariables; }

Fraction fraction_of(std::size_t passed, std::size_t total) {
    return {passed, total, static_cast<double>(passed) / static_cast<double>(total),
            models::clopper_pearson(passed, total)};
}

tl::expected<ModelEvaluation, std::string> evaluate_model(const models::Model& model,
                                                          std::span<const models::Sample> samples) {
    std::vector<Answers> answers;
    for (const auto& sample : samples) {
        if (sample.table.rows() == 0) {
            return tl::unexpected("sample '" + sample.name +
                                  "' has no rows; each sample needs at least one");
        }
        answers.emplace_back(model, sample);
    }
    ModelEvaluation evaluation;
    for (std::size_t i = 0; i < samples.size(); ++i) {
        evaluation.samples.push_back(evaluate_sample(model, samples[i].name, answers[i]));
    }
    std::vector<float> background = evaluation.samples.front().scores;
    std::ranges::sort(background);
    for (auto& sample : std::span(evaluation.samples).subspan(1)) {
        compare_with_background(sample, background);
    }
    evaluation.composition = composition_of(evaluation, samples);
    evaluation.dependences = find_dependences(model, evaluation, samples, answers);
    return evaluation;
}

}  // namespace tamis::daemon
