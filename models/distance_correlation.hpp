// The squared distance correlation of two columns, 0 where they are independent and 1 where one is
// linear in the other (Szekely, Rizzo and Bakirov 2007), and its gradient: the penalty by which a
// training makes a score independent of pile-up or a mass (DisCo, arXiv:2001.05310). Time goes with
// the square of the rows, memory with the rows. One thread.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace tamis::models {

class DistanceCorrelation {
 public:
    // Of at most so many rows.
    explicit DistanceCorrelation(std::size_t most_rows);

    // As many scores as others, all finite. `gradient`, as long or empty, receives the derivative
    // by each score. 0 with a gradient of 0 where either column is constant.
    [[nodiscard]] double evaluate(std::span<const double> scores, std::span<const float> others,
                                  std::span<double> gradient);

 private:
    // Mean distance of each row from all.
    std::vector<double> score_means_, other_means_;
};

// What a score is to be independent of in training. Scores are compared as asinh(score), for their
// tails lie over decades and a few rows would be all that counts.
struct DecorrelationPenalty {
    double weight = 0;               // of the squared distance correlation in a batch's loss
    std::span<const float> of = {};  // one value a row of the training table; must outlive it
    std::string name = {};           // of the column
    [[nodiscard]] bool is_wanted() const noexcept { return weight > 0; }
};
// Rows of a batch that such a penalty needs to mean something.
inline constexpr std::size_t kDecorrelationBatch = 1000;

}  // namespace tamis::models
