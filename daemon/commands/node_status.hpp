// What a running node says of itself on its monitoring port. Cold path.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <tl/expected.hpp>

namespace tamis::daemon {

// GET /api/v1/status on this machine: the run summary as of now. The error says what failed.
[[nodiscard]] tl::expected<nlohmann::json, std::string> read_node_status(std::uint16_t port);

}  // namespace tamis::daemon
