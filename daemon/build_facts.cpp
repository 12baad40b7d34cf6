#include "daemon/build_facts.hpp"

#include <fstream>

namespace tamis::daemon {

std::string_view build_version() noexcept { return TAMIS_VERSION; }
std::string_view build_compiler() noexcept { return TAMIS_COMPILER; }
std::string_view build_type() noexcept { return TAMIS_BUILD_TYPE; }

std::string processor_name() {
    std::ifstream cpu_facts("/proc/cpuinfo");
    for (std::string line; std::getline(cpu_facts, line);) {
        if (line.starts_with("model name")) {
            return line.substr(line.find(':') + 2);
        }
    }
    return "unknown processor";
}

}  // namespace tamis::daemon
