// ONNX Runtime as a peer, opened at run time where the builder named one (TAMIS_ONNXRUNTIME_ROOT):
// one thread, all optimisations, fixed batch, inputs and outputs bound once. Nothing else of Tamis
// knows it.
#pragma once

#include <string>
#include <tl/expected.hpp>

#include "daemon/network_timing/network_peer.hpp"

namespace tamis::daemon {

// The name tells the version. Error: built without its header, or the library cannot be opened.
[[nodiscard]] tl::expected<PeerKind, std::string> onnxruntime_peer();

}  // namespace tamis::daemon
