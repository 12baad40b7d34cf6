// The anomaly trigger of arXiv:1811.10276 as a model of kind "vae": score = negative log-likelihood
// of the 21 features of an event, contributions = its 21 terms.
//
// Manifest: features = the 21 names in order; one network file; parameters prior_mean and
// prior_sigma (one value per latent dimension), beta, divergence_as_published (0 or 1); working
// points of one bin. Columns of the table form: the 21 features in; score, nll, kl, total, mu2 and
// nll_<feature> out.
#pragma once

#include <memory>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "engine/graph.hpp"
#include "models/model.hpp"

namespace tamis::models {

// The error names what in the manifest or the network is not as above.
[[nodiscard]] tl::expected<std::shared_ptr<const Model>, std::string> load_vae(
    const Manifest& manifest, std::vector<engine::Graph> networks);

}  // namespace tamis::models
