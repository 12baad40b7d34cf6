// Networks that give a row of numbers back through a narrow middle, in the form that learns and in
// the form that scores. Sizes are a function of the number of columns alone. Rows are standardised.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/graph.hpp"

namespace tamis::models {

enum class ReconstructionKind : std::uint8_t {
    denoising,  // an autoencoder that gets the row with noise and gives it without
    gaussian,   // a variational one: normal latent variables, normal errors of one width
};

struct ReconstructionShape {
    std::size_t columns = 1;
    std::size_t hidden = 1;
    std::size_t latent = 1;
};
[[nodiscard]] ReconstructionShape shape_for(std::size_t columns);

// Noise values of one row: one per column (denoising) or per latent variable (gaussian).
[[nodiscard]] std::size_t noise_size(ReconstructionKind kind, const ReconstructionShape& shape);

// Inputs: the row; noise of the order it is to have. Output: the reconstruction, followed by mean
// and width of the latent variables where they are normal.
[[nodiscard]] engine::Graph make_learning_network(ReconstructionKind kind,
                                                  const ReconstructionShape& shape,
                                                  std::uint64_t seed);
// Input x, output reconstruction, no noise: a latent variable is its mean. Weights have the names
// they have above.
[[nodiscard]] engine::Graph make_scoring_network(ReconstructionKind kind,
                                                 const ReconstructionShape& shape);

}  // namespace tamis::models
