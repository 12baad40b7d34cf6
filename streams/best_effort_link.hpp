// Links that may lose what is under way when a peer dies (design 3.2): PUSH to PULL, where a full
// queue stops the sender, or PUB to SUB, where it loses messages of slow readers. One message is
// one part. Each object belongs to one thread; it may be created in another.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <tl/expected.hpp>

#include "streams/event_output.hpp"
#include "streams/fragment_input.hpp"
#include "streams/link_config.hpp"
#include "streams/link_context.hpp"

namespace tamis::streams {

class LinkSocket;

class BestEffortInput final : public FragmentInput {
 public:
    [[nodiscard]] static tl::expected<std::unique_ptr<BestEffortInput>, std::string> make(
        LinkContext& context, const LinkConfig& config);
    ~BestEffortInput() override;

    // A message of several parts is refused whole and counted once; its parts count in `limit`.
    std::size_t poll(MessageSink& sink, std::uint64_t now_ns, std::size_t limit) noexcept override;
    [[nodiscard]] bool is_exhausted() const noexcept override { return false; }
    [[nodiscard]] bool is_drained() const noexcept override { return is_drained_; }
    [[nodiscard]] int wait_descriptor() const noexcept override;
    // Any thread: of peers that took too much memory.
    [[nodiscard]] std::uint64_t cut_connections() const noexcept;

    // Where it is bound, with the port that the system chose.
    [[nodiscard]] std::string bound_endpoint() const;

 private:
    friend bool wait_readable(std::span<BestEffortInput* const> inputs,
                              std::chrono::milliseconds timeout) noexcept;
    explicit BestEffortInput(std::unique_ptr<LinkSocket> socket);
    std::unique_ptr<LinkSocket> socket_;
    bool is_drained_ = false;
    bool in_refused_message_ = false;  // its remaining parts are skipped
};

// Sleeps until one of at most 16 inputs has a message or the time is over; true for a message.
[[nodiscard]] bool wait_readable(std::span<BestEffortInput* const> inputs,
                                 std::chrono::milliseconds timeout) noexcept;

class BestEffortOutput final : public EventOutput {
 public:
    [[nodiscard]] static tl::expected<std::unique_ptr<BestEffortOutput>, std::string> make(
        LinkContext& context, const LinkConfig& config);
    ~BestEffortOutput() override;

    // full: no reader, or all their queues are full (pipeline only). failed: the context is
    // closing.
    SendResult send(std::span<const std::byte> selected, StreamMask streams,
                    std::uint64_t now_ns) noexcept override;
    std::size_t poll(std::uint64_t now_ns) noexcept override;
    [[nodiscard]] std::uint64_t durable_count() const noexcept override { return delivered_count_; }

    [[nodiscard]] std::string bound_endpoint() const;

 private:
    explicit BestEffortOutput(std::unique_ptr<LinkSocket> socket);
    std::unique_ptr<LinkSocket> socket_;
    std::uint64_t delivered_count_ = 0;
};

// What a source sends fragments with; waits where BestEffortOutput says full.
class BestEffortSender {
 public:
    [[nodiscard]] static tl::expected<std::unique_ptr<BestEffortSender>, std::string> make(
        LinkContext& context, const LinkConfig& config);
    ~BestEffortSender();

    // full: it could not be handed over within `timeout`.
    SendResult send(std::span<const std::byte> message, std::chrono::milliseconds timeout) noexcept;

    [[nodiscard]] std::string bound_endpoint() const;

 private:
    explicit BestEffortSender(std::unique_ptr<LinkSocket> socket);
    std::unique_ptr<LinkSocket> socket_;
};

}  // namespace tamis::streams
