// The part of tamis inspect that looks into an ONNX network: what it holds, which of its operators
// the engine has, what runs each layer and how long a batch takes.
#pragma once

#include <filesystem>

#include "daemon/commands/command.hpp"

namespace tamis::daemon {

enum class InspectForm : std::uint8_t { text, json };

// EX_DATAERR for a file that is no network or that the engine refuses; what is known of it is
// printed all the same.
[[nodiscard]] ExitStatus inspect_network(const std::filesystem::path& file, InspectForm form);

}  // namespace tamis::daemon
