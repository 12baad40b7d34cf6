#include "daemon/evaluation/seed_filter_section.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <span>
#include <vector>

#include "daemon/evaluation/baseline_comparison.hpp"
#include "daemon/evaluation/svg_plot.hpp"
#include "models/seed_filter/published_efficiencies.hpp"

namespace tamis::daemon {

namespace {

using models::PublishedEfficiency;

// Fakes that must stay above a threshold for it to mean something.
constexpr double kFewestFakes = 5;

// Its rows, and how many fakes there are.
constexpr const char* kSection =
    R"(<h2>Published table beside ours</h2>
<div class="wide"><table><tr><th>sample</th><th>fakes rejected</th><th>published</th><th>ours</th><th>difference</th>
<th>ours is</th></tr>
{}</table></div>
<small>Efficiency of true doublets. Intervals cover with 95 % the count of true ones at either end of the 95 % interval of the
threshold, which {} fakes set. No errors are published. The published figures (M. Pierini, Deep Learning Applications for
collider physics, lecture 2) are of another network and of other data, CMS Open Data; how far apart true and fake doublets of
our synthetic samples are stands in streams/synthetic/README.md.</small>
)";

struct BesidePublished {
    PublishedEfficiency published;
    EfficiencyAt ours;
};

// Of one sample of true doublets, at the published rejections that the fakes reach.
std::vector<BesidePublished> beside_published(const ModelEvaluation& evaluation,
                                              const SampleEvaluation& sample) {
    std::vector<float> falling = evaluation.samples.front().scores;
    std::ranges::sort(falling, std::greater<>());
    std::vector<BesidePublished> rows;
    for (const PublishedEfficiency& published : models::kPublishedEfficiencies) {
        const double accepted = 1 - published.rejection;
        if (accepted * static_cast<double>(falling.size()) >= kFewestFakes) {
            rows.push_back({published, efficiency_at(falling, sample.scores, accepted)});
        }
    }
    return rows;
}

// What the interval says of ours and the published figure.
const char* verdict(const BesidePublished& row) {
    if (row.ours.with_threshold.low > row.published.efficiency) return "above";
    if (row.ours.with_threshold.high < row.published.efficiency) return "below";
    return "equal within errors";
}

std::span<const SampleEvaluation> true_samples(const ModelEvaluation& evaluation) {
    return std::span(evaluation.samples)
        .subspan(std::min<std::size_t>(1, evaluation.samples.size()));
}

}  // namespace

std::string seed_filter_section(const ModelEvaluation& evaluation) {
    std::string rows;
    for (const SampleEvaluation& sample : true_samples(evaluation)) {
        for (const BesidePublished& row : beside_published(evaluation, sample)) {
            fmt::format_to(
                std::back_inserter(rows),
                "<tr><td>{}</td><td>{:g} %</td><td>{:.4f}</td><td>{:.4f} <small>{:.4f} to {:.4f}"
                "</small></td><td>{:+.4f}</td><td>{}</td></tr>\n",
                escaped(sample.name), 100 * row.published.rejection, row.published.efficiency,
                row.ours.efficiency.value, row.ours.with_threshold.low,
                row.ours.with_threshold.high, row.ours.efficiency.value - row.published.efficiency,
                verdict(row));
        }
    }
    if (rows.empty()) return {};
    return fmt::format(kSection, rows, evaluation.samples.front().scores.size());
}

nlohmann::ordered_json seed_filter_json(const ModelEvaluation& evaluation) {
    nlohmann::ordered_json json;
    for (const SampleEvaluation& sample : true_samples(evaluation)) {
        for (const BesidePublished& row : beside_published(evaluation, sample)) {
            json.push_back({{"sample", sample.name},
                            {"rejection", row.published.rejection},
                            {"published", row.published.efficiency},
                            {"efficiency", row.ours.efficiency.value},
                            {"low", row.ours.with_threshold.low},
                            {"high", row.ours.with_threshold.high},
                            {"ours_is", verdict(row)}});
        }
    }
    return json;
}

}  // namespace tamis::daemon
