#include "daemon/commands/command.hpp"

#include <iostream>

namespace tamis::daemon {

ExitStatus fail(ExitStatus status, std::string_view message) {
    std::cerr << "tamis: " << message << '\n';
    return status;
}

}  // namespace tamis::daemon
