#include "models/novelty/novelty_evaluation.hpp"

#include <algorithm>
#include <cmath>
#include <gsl/assert>
#include <limits>

#include "models/novelty/rolling_buffer.hpp"

namespace tamis::models {

namespace {

void add_units(NoveltyScores& scores) {
    scores.isolation_scale = root_mean_square(scores.isolation);
    scores.clustering_scale = root_mean_square(scores.clustering);
    for (std::size_t event = 0; event < scores.isolation.size(); ++event) {
        const double isolated = to_unit(scores.isolation[event], scores.isolation_scale);
        const double clustered = std::isnan(scores.clustering[event])
                                     ? scores.clustering[event]
                                     : to_unit(scores.clustering[event], scores.clustering_scale);
        scores.isolation_unit.push_back(isolated);
        scores.clustering_unit.push_back(clustered);
        scores.combined.push_back(std::sqrt(isolated * clustered));
    }
}

}  // namespace

tl::expected<NoveltyScores, std::string> evaluate_novelty(const IsolationReference& reference,
                                                          std::span<const double> points,
                                                          const NoveltySettings& settings) {
    const std::size_t width = reference.width();
    Expects(points.size() % width == 0);
    if (settings.neighbours == 0 || settings.buffer < settings.neighbours) {
        return tl::unexpected("a buffer of " + std::to_string(settings.buffer) + " events for " +
                              std::to_string(settings.neighbours) +
                              " neighbours (too small); give at least as many events as "
                              "neighbours, and 1 neighbour");
    }
    RollingBuffer accepted(settings.buffer, width, settings.neighbours);
    NoveltyScores scores;
    for (std::size_t first = 0; first < points.size(); first += width) {
        const auto point = points.subspan(first, width);
        if (!std::all_of(point.begin(), point.end(),
                         [](double value) { return std::isfinite(value); })) {
            return tl::unexpected("event " + std::to_string(first / width + 1) +
                                  " is not finite; leave it out");
        }
        const IsolationAnswer alone = reference.answer(point);
        const auto among = accepted.mean_distance(point);
        const double share =
            static_cast<double>(reference.size()) / static_cast<double>(accepted.size());
        scores.isolation.push_back(alone.isolation);
        scores.clustering.push_back(among ? clustering(*among, alone.distance, width, share)
                                          : std::numeric_limits<double>::quiet_NaN());
        accepted.add(point);
    }
    add_units(scores);
    return scores;
}

}  // namespace tamis::models
