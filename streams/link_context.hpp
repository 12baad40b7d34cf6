// What all links of a process share.
#pragma once

#include <memory>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "streams/admission.hpp"
#include "streams/zap_handler.hpp"

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

    // Of a link that will be a server of keys: its ZAP domain, answered for from now on. One thread
    // at a time.
    [[nodiscard]] tl::expected<std::string, std::string> add_server(const std::string& endpoint,
                                                                    std::vector<CurvePeer> peers);
    // Any thread: who came to those links.
    [[nodiscard]] Admission& admission() noexcept { return admission_; }
    [[nodiscard]] const Admission& admission() const noexcept { return admission_; }

 private:
    void* context_;
    Admission admission_;
    std::unique_ptr<ZapHandler> zap_;  // once a link has keys
};

}  // namespace tamis::streams
