// A reliable link with a spool: while the receiver is away, events go to disk and count as safe
// there; when it is back they are sent in their order, and new ones after them. The receiver may
// get an event twice where the link broke; it knows it by run and number (`tamis record`). One
// thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <utility>

#include "streams/event_output.hpp"
#include "streams/reliable/reliable_link.hpp"
#include "streams/spool/spool_files.hpp"

namespace tamis::streams {

class SpooledOutput final : public EventOutput {
 public:
    struct Config {
        LinkConfig link;
        LinkSender::Config sender;
        SpoolFiles::Config spool;                 // at least four times the largest message
        std::uint64_t patience_ns = 200'000'000;  // without connection before the spool is used
    };

    [[nodiscard]] static tl::expected<std::unique_ptr<SpooledOutput>, std::string> make(
        LinkContext& context, const Config& config);

    // full: the receiver does not keep up, or it is away and the spool has reached its bound.
    SendResult send(std::span<const std::byte> message, StreamMask streams,
                    std::uint64_t now_ns) noexcept override;
    std::size_t poll(std::uint64_t now_ns) noexcept override;
    [[nodiscard]] std::uint64_t durable_count() const noexcept override { return durable_; }

    // Events on disk that are still to be sent.
    [[nodiscard]] bool is_spooling() const noexcept { return !spool_->is_empty(); }
    [[nodiscard]] const SpoolFiles& spool() const noexcept { return *spool_; }
    [[nodiscard]] const LinkSender& sender() const noexcept { return link_->sender(); }

 private:
    // Where a row of events went, in the order of send().
    enum class Way : std::uint8_t { link, spool };
    struct Row {
        Way way = Way::link;
        std::uint64_t count = 0;
    };

    SpooledOutput(LinkContext& context, Config config)
        : context_(context), config_(std::move(config)) {}
    [[nodiscard]] tl::expected<std::unique_ptr<ReliableOutput>, std::string> connect();
    void note(Way way) noexcept;
    void count_durable() noexcept;
    void watch_link(std::uint64_t now_ns) noexcept;
    void spool_what_the_link_holds() noexcept;
    [[nodiscard]] bool move_to_spool() noexcept;
    std::size_t drain(std::uint64_t now_ns) noexcept;

    LinkContext& context_;
    Config config_;
    std::unique_ptr<ReliableOutput> link_;
    std::unique_ptr<SpoolFiles> spool_;
    bool is_away_ = false;
    std::uint64_t away_since_ns_ = 0;  // 0: connected
    std::uint64_t moved_ = 0;          // of link_'s messages, to the spool; 0: none
    std::deque<Row> rows_;             // not yet durable
    std::uint64_t link_counted_ = 0;   // of link_'s durable messages
    std::uint64_t spool_counted_ = 0;  // of spool_'s
    std::uint64_t durable_ = 0;
    bool is_draining_ = false;        // link_ carries messages of the spool, not of send()
    std::vector<std::byte> waiting_;  // from the spool, found no room in the link
};

}  // namespace tamis::streams
