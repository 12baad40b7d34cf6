// Scores rows of the 21 features: the network, then likelihoods and divergence, with z = mu, so
// that an event always gets the same score (the published code samples z also when it scores). All
// in double: a small width divides what a float rounds. One thread; allocates in the constructor
// only.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "engine/double_network.hpp"
#include "models/event_features.hpp"
#include "models/vae/likelihoods.hpp"

namespace tamis::models::vae {

// What the manifest says beside the network.
struct VaeParameters {
    std::vector<double> prior_mean, prior_sigma;  // one per latent dimension
    double beta = 0.3;                            // weight of the divergence in the total
    DivergenceForm divergence = DivergenceForm::exact;
};

struct VaeScore {
    double nll = 0;                                     // the model's score
    double kl = 0;                                      // divergence from the prior
    double total = 0;                                   // nll + beta kl
    double mu2 = 0;                                     // sum of the squared latent means
    std::array<float, kHighLevelFeatureCount> terms{};  // nll of each feature
};

class VaeEvaluator {
 public:
    static constexpr std::size_t kTerms = kHighLevelFeatureCount;

    // The network's ports must be those of vae_network.hpp, as many latent dimensions as in
    // `parameters`. `parameters` must outlive the evaluator.
    VaeEvaluator(const VaeParameters& parameters,
                 std::shared_ptr<const engine::DoubleNetwork> network, std::size_t capacity);

    // Rows scored at once, at most.
    [[nodiscard]] std::size_t capacity() const noexcept { return scores_.size(); }
    // Where row `index` is to be written before score().
    [[nodiscard]] std::span<float> row(std::size_t index) noexcept;
    // Scores rows [0, rows); rows <= capacity().
    void score(std::size_t rows) noexcept;
    [[nodiscard]] const VaeScore& score_of(std::size_t index) const noexcept {
        return scores_[index];
    }
    // The model's score and the share of each feature; as is_finite.
    [[nodiscard]] bool answer(std::size_t index, float& score,
                              std::span<float, kTerms> terms) const noexcept;
    // False where the row or anything computed from it is not a finite number: the score then means
    // nothing.
    [[nodiscard]] bool is_finite(std::size_t index) const noexcept { return finite_[index] != 0; }

 private:
    void score_row(std::size_t index) noexcept;

    const VaeParameters* parameters_;
    engine::DoubleRunner runner_;
    std::vector<VaeScore> scores_;
    std::vector<unsigned char> finite_;
};

}  // namespace tamis::models::vae
