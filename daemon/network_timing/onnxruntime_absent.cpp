#include "daemon/network_timing/onnxruntime_peer.hpp"

namespace tamis::daemon {

tl::expected<PeerKind, std::string> onnxruntime_peer() {
    return tl::unexpected(std::string(
        "built without ONNX Runtime (no onnxruntime_c_api.h); set TAMIS_ONNXRUNTIME_ROOT to a "
        "folder with it and libonnxruntime.so.1, and configure again"));
}

}  // namespace tamis::daemon
