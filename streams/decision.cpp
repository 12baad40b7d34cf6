#include "streams/decision.hpp"

namespace tamis::streams {

std::string_view to_string(Outcome outcome) noexcept {
    switch (outcome) {
        case Outcome::unspecified:
            return "unspecified";
        case Outcome::accepted:
            return "accepted";
        case Outcome::rejected:
            return "rejected";
        case Outcome::debug_incomplete:
            return "debug incomplete";
        case Outcome::debug_timeout:
            return "debug timeout";
        case Outcome::debug_malformed:
            return "debug malformed";
        case Outcome::debug_crash:
            return "debug crash";
        case Outcome::shed:
            return "shed";
        case Outcome::abandoned:
            return "abandoned";
    }
    return "unknown";
}

}  // namespace tamis::streams
