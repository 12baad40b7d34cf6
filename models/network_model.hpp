// Any network as a model of kind "onnx": its input arrives as a FEATURES payload of the manifest's
// schema, its score is one element of an output or a reduction of it. Needs no code of its own.
//
// Manifest: `features` names the values of the row in order, with the offset and scale by which
// they are normalised; empty: they are called x0, x1, ... and enter as they are. A network with
// several inputs takes them one after the other in the row. At most one of the parameters below
// says what the score is; without it, it is the first element of the first output.
//     score.element {output, element}      that element
//     score.sum {output}                   sum of the output's elements
//     score.sum_of_squares {output}
//     score.max {output}
//     score.one_minus_max {output}         1 - max: how unsure a classifier is
//     score.one_minus_max_softmax {output} the same of a classifier that answers with logits
//     score.mean_squared_error {output}    against the normalised row, which must be as long
// Columns of the table form: the row in; score and every element of every output out, called after
// the output, with _<index> where it has several. Contributions are those elements, or the term of
// each input where the score is a mean squared error, where they are at most 64.
#pragma once

#include <memory>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "engine/graph.hpp"
#include "models/model.hpp"

namespace tamis::models {

// The error names what in the manifest or the network is not as above.
[[nodiscard]] tl::expected<std::shared_ptr<const Model>, std::string> load_network_model(
    const Manifest& manifest, std::vector<engine::Graph> networks);

}  // namespace tamis::models
