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
    // Its socket, before and after it is bound.
    [[nodiscard]] tl::expected<void, std::string> watch(void* socket, const std::string& domain) {
        return zap_->watch(socket, domain);
    }
    void set_endpoint(const std::string& domain, const std::string& endpoint) {
        admission_.set_endpoint(domain, endpoint);
    }

    // Any thread: of the links with keys that are servers, in the order they were made.
    [[nodiscard]] std::vector<LinkAdmissions> admissions() const { return admission_.links(); }
    [[nodiscard]] std::vector<RefusedPeer> take_refused() { return admission_.take_refused(); }

 private:
    void* context_;
    Admission admission_;
    std::unique_ptr<ZapHandler> zap_;  // once a link has keys
};

}  // namespace tamis::streams
