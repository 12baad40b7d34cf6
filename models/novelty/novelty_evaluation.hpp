// Events in the order of their acceptance, judged by the points a model makes of them: how isolated
// from a reference sample, how clustered among those accepted before, and both. Clustering depends
// on what came before and is therefore no trigger decision: this is for afterwards. Cold path.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "models/novelty/novelty_measures.hpp"

namespace tamis::models {

struct NoveltySettings {
    std::size_t neighbours = 10;
    std::size_t buffer = 1000;  // accepted events that are remembered; at least `neighbours`
};

// One entry an event. What needs the buffer is NaN until it has as many events as neighbours are
// asked for. The units are to_unit() with the root mean square over the events judged here.
struct NoveltyScores {
    std::vector<double> isolation, clustering;
    std::vector<double> isolation_unit, clustering_unit;
    std::vector<double> combined;  // root of the product of the units
    double isolation_scale = 0, clustering_scale = 0;
};

// `points`: reference.width() numbers each, row by row. Error: a buffer smaller than the
// neighbours, a point that is not finite, by its number from 1.
[[nodiscard]] tl::expected<NoveltyScores, std::string> evaluate_novelty(
    const IsolationReference& reference, std::span<const double> points,
    const NoveltySettings& settings);

}  // namespace tamis::models
