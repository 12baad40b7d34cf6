// What all links of a process share.
#pragma once

namespace tamis::streams {

// The ZeroMQ context: one in a process, created before and destroyed after all links.
class LinkContext {
 public:
    // io_threads: 1 .. 16; one moves about 1 GB/s.
    explicit LinkContext(int io_threads = 1);
    ~LinkContext();
    LinkContext(const LinkContext&) = delete;
    LinkContext& operator=(const LinkContext&) = delete;

    [[nodiscard]] void* native() const noexcept { return context_; }

 private:
    void* context_;
};

}  // namespace tamis::streams
