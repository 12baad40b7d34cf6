#include "daemon/build_facts.hpp"

namespace tamis::daemon {

std::string_view build_version() noexcept { return TAMIS_VERSION; }
std::string_view build_compiler() noexcept { return TAMIS_COMPILER; }
std::string_view build_type() noexcept { return TAMIS_BUILD_TYPE; }

}  // namespace tamis::daemon
