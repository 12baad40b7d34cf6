// The network of arXiv:1811.10276 as graphs: 21 -> 50 -> 50 -> latent mean and raw sigma; latent ->
// 50 -> 50 -> par1 (21), par2_raw (17), par3_raw (10); ReLU between. Layers and weights are named
// as in the published file. Cold path; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "engine/graph.hpp"

namespace tamis::models::vae {

// Inputs and outputs. "x" is a row of raw features; activations of sigma_raw, par2_raw and par3_raw
// are not part of the network.
inline constexpr std::string_view kInputPort = "x";
inline constexpr std::string_view kLatentPort = "z";
inline constexpr std::array<std::string_view, 5> kOutputPorts = {"mu", "sigma_raw", "par1",
                                                                 "par2_raw", "par3_raw"};

struct VaeShape {
    std::int64_t hidden = 50;
    std::int64_t latent = 4;
};

// x -> mu, sigma_raw. First values of weights are a function of the seed.
[[nodiscard]] engine::Graph make_encoder(const VaeShape& shape, std::uint64_t seed);
// z -> par1, par2_raw, par3_raw. The kernels of its heads are 0, so that training starts from the
// same parameters for every event.
[[nodiscard]] engine::Graph make_decoder(const VaeShape& shape, std::uint64_t seed);
// x -> all five, with z = mu. Its weights are 0 until set.
[[nodiscard]] engine::Graph make_scoring_graph(const VaeShape& shape);

}  // namespace tamis::models::vae
