// A whole copy of a file that is being written to PATH.part: what an export goes on from when it
// was broken off and the file itself may be damaged. Cold path.
#pragma once

#include <string>

namespace tamis::streams {

[[nodiscard]] inline std::string checkpoint_path(const std::string& path) {
    return path + ".checkpoint";
}

// Copies PATH.part, which must be as it shall be read. The copy takes the place of the one before
// once it is on the disk. False: it could not be made (no room?); the one before is still there.
[[nodiscard]] bool save_checkpoint(const std::string& path);
// PATH.part becomes what the checkpoint holds, which stays. False: no room, or no checkpoint.
[[nodiscard]] bool restore_checkpoint(const std::string& path);

}  // namespace tamis::streams
