#include "streams/fragment_counters.hpp"

namespace tamis::streams {

void FragmentCounters::count(FragmentFault fault) noexcept {
    switch (fault) {
        case FragmentFault::oversize:
            ++oversize;
            return;
        case FragmentFault::malformed:
            ++malformed;
            return;
        case FragmentFault::bad_checksum:
            ++bad_checksum;
            return;
    }
}

std::uint64_t FragmentCounters::accounted() const noexcept {
    return used + duplicate_same + duplicate_different + duplicate_late + late + malformed +
           bad_checksum + unknown_source + wrong_run + oversize;
}

std::int64_t FragmentCounters::imbalance() const noexcept {
    return static_cast<std::int64_t>(received - accounted());
}

std::int64_t BuilderEventCounters::imbalance() const noexcept {
    return static_cast<std::int64_t>(
        opened - (complete + incomplete + inconsistent + shed + abandoned + open));
}

}  // namespace tamis::streams
