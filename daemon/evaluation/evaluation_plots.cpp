#include "daemon/evaluation/evaluation_plots.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <regex>

namespace tamis::daemon {

namespace {

constexpr std::size_t kScoreBins = 80;
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// A point where the curve has moved by a pixel.
void add_if_moved(PlotLine& line, double x, double y, double last_step) {
    const bool moved = line.x.empty() || std::abs(y - line.y.back()) > 0.002 ||
                       std::abs(std::log(line.x.back() / x)) > last_step;
    if (!moved) return;
    line.x.push_back(x);
    line.y.push_back(y);
}

// From what a fiftieth of the signals lies below (a model may mark rows far below all scores) to
// what a thousandth of any sample lies above.
std::pair<double, double> score_range(const ModelEvaluation& evaluation) {
    double low = std::numeric_limits<double>::infinity();
    double high = -low;
    for (const auto& sample : evaluation.samples) {
        if (sample.scores.empty()) continue;
        std::vector<float> sorted = sample.scores;
        std::ranges::sort(sorted);
        high = std::max<double>(high, sorted[sorted.size() - 1 - sorted.size() / 1000]);
        const bool sets_low =
            &sample != evaluation.samples.data() || evaluation.samples.size() == 1;
        if (sets_low) low = std::min<double>(low, sorted[sorted.size() / 50]);
    }
    if (!(low < high)) return {std::isfinite(low) ? low - 1 : 0, std::isfinite(low) ? low + 1 : 1};
    return {low, high};
}

// Bins of equal width on the axis.
PlotLine histogram(const SampleEvaluation& sample, const PlotAxis& axis, double& smallest) {
    const auto of = [&](double score) { return axis.is_log ? std::log(score) : score; };
    const double low = of(axis.low);
    const double high = of(axis.high);
    std::vector<double> shares(kScoreBins);
    for (const float score : sample.scores) {
        const double inside = std::clamp<double>(score, axis.low, axis.high);
        const double place = (of(inside) - low) / (high - low) * kScoreBins;
        const double bin = std::clamp(std::floor(place), 0.0, kScoreBins - 1.0);
        shares[static_cast<std::size_t>(bin)] += 1.0 / static_cast<double>(sample.scores.size());
    }
    PlotLine line{.name = sample.name};
    for (std::size_t bin = 0; bin < kScoreBins; ++bin) {
        const double share = shares[bin] > 0 ? shares[bin] : kNaN;
        if (shares[bin] > 0) smallest = std::min(smallest, shares[bin]);
        for (const std::size_t edge : {bin, bin + 1}) {
            const double at = low + (high - low) * static_cast<double>(edge) / kScoreBins;
            line.x.push_back(axis.is_log ? std::exp(at) : at);
            line.y.push_back(share);
        }
    }
    return line;
}

// The outermost bins reach to the rarest events: they are drawn as wide as their neighbours.
std::pair<double, double> plotted_range(const std::vector<double>& edges) {
    const std::size_t last = edges.size() - 1;
    if (last < 3) return {edges.front(), edges.back()};
    return {std::max(edges[0], 2 * edges[1] - edges[2]),
            std::min(edges[last], 2 * edges[last - 1] - edges[last - 2])};
}

}  // namespace

Plot roc_plot(const ModelEvaluation& evaluation) {
    const double one =
        1.0 / static_cast<double>(std::max<std::size_t>(evaluation.samples.front().events, 2));
    Plot plot{.title = "ROC",
              .x = {"background fraction accepted", true, one, 1},
              .y = {"signal efficiency", false, 0, 1}};
    for (const auto& sample : evaluation.samples) {
        if (sample.roc.empty()) continue;
        PlotLine line{.name = sample.name};
        for (const RocPoint& point : sample.roc) {
            if (point.background > 0) add_if_moved(line, point.background, point.signal, 0.02);
        }
        plot.lines.push_back(std::move(line));
    }
    plot.legend = Legend::left;
    PlotLine chance{.name = "chance", .is_dashed = true};
    for (double x = one; x < 1; x *= 1.2) add_if_moved(chance, x, x, 0.01);
    add_if_moved(chance, 1, 1, 0);
    plot.lines.push_back(std::move(chance));
    return plot;
}

Plot score_plot(const ModelEvaluation& evaluation, const models::Manifest& manifest) {
    const auto [low, high] = score_range(evaluation);
    // Scores that spread over decades.
    const bool is_log = low > 0 && high > 30 * low;
    Plot plot{.title = "Score", .x = {"score", is_log, low, high}};
    double smallest = 1;
    for (const auto& sample : evaluation.samples) {
        plot.lines.push_back(histogram(sample, plot.x, smallest));
    }
    plot.legend = Legend::beside;
    plot.y = {"share of the sample per bin", true, std::min(smallest / 2, 0.1), 1};
    for (const auto& point : manifest.working_points) {
        const bool is_one = point.bins.size() == 1 && point.bins.front().slope == 0;
        const double threshold = point.bins.empty() ? high : point.bins.front().offset;
        if (is_one && threshold > low && threshold < high) {
            plot.marks.push_back({threshold, point.name});
        }
    }
    return plot;
}

Plot p_value_plot(const SampleEvaluation& background) {
    // Every second row is the reference of the others.
    std::vector<float> reference;
    std::vector<float> tested;
    for (std::size_t i = 0; i < background.scores.size(); ++i) {
        (i % 2 == 0 ? reference : tested).push_back(background.scores[i]);
    }
    std::ranges::sort(reference);
    std::vector<double> p_values;
    for (const float score : tested) {
        const auto at_least = reference.end() - std::ranges::lower_bound(reference, score);
        p_values.push_back((static_cast<double>(at_least) + 1) /
                           (static_cast<double>(reference.size()) + 1));
    }
    std::ranges::sort(p_values);
    const double one = 1.0 / static_cast<double>(std::max<std::size_t>(p_values.size(), 2));
    Plot plot{.title = "Calibration: conformal p-values of the background",
              .x = {"p-value", true, one, 1},
              .y = {"share of rows below", true, one, 1}};
    PlotLine line{.name = background.name};
    for (std::size_t i = 0; i < p_values.size(); ++i) {
        add_if_moved(line, p_values[i], static_cast<double>(i + 1) * one, 0.02);
    }
    plot.legend = Legend::left;
    plot.lines = {std::move(line),
                  {.name = "exact", .x = {one, 1}, .y = {one, 1}, .is_dashed = true}};
    return plot;
}

Plot dependence_plot(const Dependence& dependence, const ModelEvaluation& evaluation) {
    const std::string unit = dependence.unit.empty() ? "" : " [" + dependence.unit + "]";
    const auto [low, high] = plotted_range(dependence.edges);
    Plot plot{.title = "Working point " + dependence.working_point + " against " + dependence.input,
              .x = {dependence.input + unit, false, low, high},
              .y = {"fraction accepted", false, 0, 1}};
    double smallest = 1;
    for (std::size_t i = 0; i < dependence.by_sample.size(); ++i) {
        PlotLine line{.name = evaluation.samples[i].name};
        for (const Fraction& fraction : dependence.by_sample[i]) {
            if (fraction.passed > 0) smallest = std::min(smallest, fraction.value);
        }
        for (std::size_t bin = 0; bin < dependence.by_sample[i].size(); ++bin) {
            const Fraction& fraction = dependence.by_sample[i][bin];
            line.x.push_back(
                (std::max(dependence.edges[bin], low) + std::min(dependence.edges[bin + 1], high)) /
                2);
            line.y.push_back(fraction.total == 0 ? kNaN : fraction.value);
            line.y_low.push_back(fraction.interval.low);
            line.y_high.push_back(fraction.interval.high);
        }
        plot.lines.push_back(std::move(line));
    }
    plot.legend = Legend::beside;
    // Fractions over decades; none accepted lies on the edge.
    if (smallest < 0.02) plot.y = {"fraction accepted", true, smallest / 2, 1};
    return plot;
}

Plot training_plot(const std::vector<std::string>& report) {
    static const std::regex epoch_pattern(R"(^epoch\s+(\d+): (?:training )?loss (-?[0-9.]+), )"
                                          R"(validation (?:loss )?(-?[0-9.]+))");
    PlotLine training{.name = "training"};
    PlotLine validation{.name = "validation"};
    for (const std::string& line : report) {
        std::smatch found;
        if (!std::regex_search(line, found, epoch_pattern)) continue;
        for (PlotLine* of : {&training, &validation}) of->x.push_back(std::stod(found[1]));
        training.y.push_back(std::stod(found[2]));
        validation.y.push_back(std::stod(found[3]));
    }
    Plot plot{.title = "Training"};
    if (training.x.size() < 2) return plot;
    double low = training.y.front();
    double high = low;
    for (const PlotLine* of : {&training, &validation}) {
        const auto [smallest, largest] = std::ranges::minmax(of->y);
        low = std::min(low, smallest);
        high = std::max(high, largest);
    }
    const double margin = 0.05 * std::max(high - low, 1e-9);
    plot.x = {"epoch", false, training.x.front(), training.x.back()};
    plot.y = {"loss", false, low - margin, high + margin};
    plot.lines = {std::move(training), std::move(validation)};
    return plot;
}

}  // namespace tamis::daemon
