#include "daemon/joined_descriptor.hpp"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>

namespace tamis::daemon {

JoinedDescriptor::JoinedDescriptor(std::span<const int> descriptors) noexcept {
    const auto is_usable = [](int descriptor) { return descriptor >= 0; };
    if (!std::ranges::any_of(descriptors, is_usable)) {
        return;
    }
    joined_ = epoll_create1(EPOLL_CLOEXEC);
    for (const int descriptor : descriptors) {
        epoll_event event{};
        event.events = EPOLLIN;
        if (joined_ >= 0 && is_usable(descriptor) &&
            epoll_ctl(joined_, EPOLL_CTL_ADD, descriptor, &event) != 0) {
            close(joined_);
            joined_ = -1;
        }
    }
}

JoinedDescriptor::~JoinedDescriptor() {
    if (joined_ >= 0) {
        close(joined_);
    }
}

}  // namespace tamis::daemon
