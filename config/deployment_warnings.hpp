// What a deployment may say but an operator should know of. Cold path; any thread.
#pragma once

#include <string>
#include <vector>

#include "config/deployment.hpp"

namespace tamis::config {

// "what (why); what would be right", of each.
[[nodiscard]] std::vector<std::string> warnings_of(const Deployment& deployment);

}  // namespace tamis::config
