// Several inputs as one, taken in turn so that none starves. The receiving thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "daemon/joined_descriptor.hpp"
#include "streams/fragment_input.hpp"

namespace tamis::daemon {

class JoinedInput final : public streams::FragmentInput {
 public:
    explicit JoinedInput(std::vector<std::unique_ptr<streams::FragmentInput>> inputs);

    std::size_t poll(streams::MessageSink& sink, std::uint64_t now_ns,
                     std::size_t limit) noexcept override;
    [[nodiscard]] bool is_exhausted() const noexcept override;
    [[nodiscard]] bool is_drained() const noexcept override;
    void settle(streams::Hold hold, streams::LinkLevel level) noexcept override;
    void stop() noexcept override;
    void flush(std::uint64_t now_ns) noexcept override;
    [[nodiscard]] std::uint64_t heard_until(std::uint64_t now_ns) const noexcept override;
    [[nodiscard]] bool wants_settling() const noexcept override;
    // Readable when one of them is; -1 when one of them has none.
    [[nodiscard]] int wait_descriptor() const noexcept override { return descriptor_.get(); }

 private:
    std::vector<std::unique_ptr<streams::FragmentInput>> inputs_;
    std::size_t next_ = 0;
    JoinedDescriptor descriptor_;
};

}  // namespace tamis::daemon
