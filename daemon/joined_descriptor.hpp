// Several file descriptors to wait on as one (epoll).
#pragma once

#include <span>

namespace tamis::daemon {

class JoinedDescriptor {
 public:
    // Negative ones are left out.
    explicit JoinedDescriptor(std::span<const int> descriptors) noexcept;
    ~JoinedDescriptor();
    JoinedDescriptor(const JoinedDescriptor&) = delete;
    JoinedDescriptor& operator=(const JoinedDescriptor&) = delete;

    // Readable when one of them is; -1 when there is none or the system refused.
    [[nodiscard]] int get() const noexcept { return joined_; }

 private:
    int joined_ = -1;
};

}  // namespace tamis::daemon
