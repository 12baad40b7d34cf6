// One sender as the receiver sees it: which of its messages have come, which are decided, which
// durable, and how many more it may send. Numbers are those of the sender's epoch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "streams/fragment_input.hpp"
#include "streams/reliable/link_message.hpp"

namespace tamis::streams {

class LinkSession {
 public:
    struct Window {
        std::size_t messages = 8192;                // of a source: held at most, not yet durable
        std::size_t bytes = std::size_t{64} << 20;  // likewise
    };

    explicit LinkSession(const Window& window);

    // A sender of the messages of several sources has so many windows: what one of them waits for
    // may come behind what the others sent.
    void set_width(std::uint64_t width);
    // The sender keeps messages from `first` on, whose offset this is; nothing has come yet.
    void begin(std::uint64_t epoch, std::uint64_t first, std::uint64_t first_offset) noexcept;
    [[nodiscard]] std::uint64_t epoch() const noexcept { return epoch_; }

    enum class Arrival : std::uint8_t { fresh, duplicate, beyond };
    // beyond: the sender exceeds what could ever have been granted.
    [[nodiscard]] Arrival arrive(std::uint64_t number, std::uint64_t offset,
                                 std::size_t bytes) noexcept;
    // Of a message that has arrived; each level once, decided first or both at once by durable.
    void settle(std::uint64_t number, LinkLevel level, std::size_t bytes) noexcept;

    [[nodiscard]] const LinkLevels& levels() const noexcept { return levels_; }
    // Replaces `out` by GrantMessage::settled: what is durable beyond levels().durable.
    void encode_settled(std::vector<std::byte>& out) const;
    // Largest number that may be sent, and the offset at which it must end.
    [[nodiscard]] std::uint64_t limit() const noexcept;
    [[nodiscard]] std::uint64_t offset_limit() const noexcept;
    [[nodiscard]] std::size_t held() const noexcept { return held_messages_; }

    // The first run of numbers in [from, next) that have not come.
    struct Gap {
        std::uint64_t from = 0;
        std::uint64_t to = 0;
    };
    [[nodiscard]] std::optional<Gap> first_gap(std::uint64_t from,
                                               std::uint64_t next) const noexcept;
    [[nodiscard]] std::uint64_t highest() const noexcept { return highest_; }

    [[nodiscard]] std::uint64_t width() const noexcept { return width_; }
    // Messages that may be held.
    [[nodiscard]] std::size_t room() const noexcept { return window_.messages * width_; }

 private:
    static constexpr std::uint8_t kReceived = 1;
    static constexpr std::uint8_t kDecided = 2;
    static constexpr std::uint8_t kDurable = 4;

    [[nodiscard]] std::uint8_t& state(std::uint64_t number) noexcept {
        return states_[number & (states_.size() - 1)];
    }
    [[nodiscard]] std::uint8_t state(std::uint64_t number) const noexcept {
        return states_[number & (states_.size() - 1)];
    }

    Window window_;
    std::uint64_t width_ = 1;
    std::vector<std::uint8_t> states_;  // of numbers (durable, durable + size]
    std::uint64_t epoch_ = 0;
    LinkLevels levels_;
    std::uint64_t highest_ = 0;  // largest number that has come
    std::uint64_t highest_durable_ = 0;
    std::uint64_t highest_offset_ = 0;  // where it ends
    std::size_t held_messages_ = 0;
    std::size_t held_bytes_ = 0;
    std::uint64_t missing_messages_ = 0;  // up to highest_, not here yet: they will come
    std::uint64_t missing_bytes_ = 0;
};

}  // namespace tamis::streams
