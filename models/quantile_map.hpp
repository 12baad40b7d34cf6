// A map of scores in bins of pile-up after which background has one distribution in every bin: a
// score becomes the score that as much of all background exceeds as of its bin's. Decorrelates
// without a new training; within a bin the order of events stays. Immutable; any thread.
#pragma once

#include <span>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "models/manifest.hpp"

namespace tamis::models {

class QuantileMap {
 public:
    // From background with the pile-up of each event. `edges` rise from above 0 and divide the axis
    // into one bin more than there are edges. Error: a bin with fewer than a thousand events.
    [[nodiscard]] static tl::expected<QuantileMap, std::string> fit(std::span<const float> scores,
                                                                    std::span<const float> pileup,
                                                                    std::span<const double> edges);

    // As a manifest's parameters quantile_map_edges, quantile_map_reference and one
    // quantile_map_bin_N for each bin. Error: one that is missing, of another length or falling.
    [[nodiscard]] static tl::expected<QuantileMap, std::string> read(const Manifest& manifest);
    void write_into(Manifest& manifest) const;

    // Linear between quantiles; beyond the last, which ten events of the smallest bin exceed, and
    // below the first a shift. A pile-up that is NaN leaves the score as it is.
    [[nodiscard]] float operator()(float score, float pileup) const noexcept;

    [[nodiscard]] std::span<const double> edges() const noexcept { return edges_; }

 private:
    std::vector<double> edges_;
    std::vector<double> reference_;          // scores of all background at rising levels
    std::vector<std::vector<double>> bins_;  // of each bin at the same levels
};

[[nodiscard]] bool has_quantile_map(const Manifest& manifest) noexcept;

}  // namespace tamis::models
