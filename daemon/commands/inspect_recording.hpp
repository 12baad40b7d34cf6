// The part of tamis inspect that reads a recording, all its files, to the last byte: what it holds,
// and whether it is whole.
#pragma once

#include <filesystem>

#include "daemon/commands/inspect_network.hpp"

namespace tamis::daemon {

// EX_DATAERR for a file that is no recording or is damaged; a torn one is EX_OK.
[[nodiscard]] ExitStatus inspect_recording(const std::filesystem::path& file, InspectForm form);

}  // namespace tamis::daemon
