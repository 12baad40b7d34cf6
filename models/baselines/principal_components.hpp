// What rows lose when only the largest principal components of a sample are kept: the oldest
// anomaly score. Immutable after construction; any thread. Cold path.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace tamis::models {

class PrincipalComponents {
 public:
    // `rows`: at least two rows of `columns` finite values, one after the other; keep < columns.
    PrincipalComponents(std::span<const float> rows, std::size_t columns, std::size_t keep);

    // Mean over the columns of (row - projection of the row)^2.
    [[nodiscard]] double reconstruction_error(std::span<const float> row) const;
    // Of all components, falling.
    [[nodiscard]] std::span<const double> variances() const noexcept { return variances_; }

 private:
    std::size_t columns_;
    std::vector<double> mean_;
    std::vector<double> variances_;
    std::vector<double> dropped_;  // the components that are not kept, one after the other
};

}  // namespace tamis::models
