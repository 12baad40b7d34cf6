// The Protobuf library writes a line to standard error for a text that is not UTF-8; bytes from
// outside must not be able to write to our log. Inside streams/ only.
#pragma once

namespace tamis::streams {

// For the whole process, once; cheap to call again. Faults are still returned.
void silence_protobuf_log() noexcept;

}  // namespace tamis::streams
