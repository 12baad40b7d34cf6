// A model of any kind with one score an event whose manifest has a quantile map: the score is
// mapped by the pile-up of the event's clusters (working_point.hpp); an event without one keeps its
// score. The table form has the column average_mu after the model's own inputs.
#pragma once

#include <memory>
#include <string>
#include <tl/expected.hpp>

#include "models/model.hpp"

namespace tamis::models {

// `inner` was made from the same manifest. Error: a map that cannot be read, or a kind with
// thresholds per candidate.
[[nodiscard]] tl::expected<std::shared_ptr<const Model>, std::string> with_quantile_map(
    std::shared_ptr<const Model> inner);

}  // namespace tamis::models
