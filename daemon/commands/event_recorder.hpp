// What `tamis record` does with a message: a selected event is written, each once; what is none is
// counted. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "streams/fragment_input.hpp"
#include "streams/recent_events.hpp"
#include "streams/recording/recording_output.hpp"
#include "streams/selected_event.hpp"

namespace tamis::daemon {

class EventRecorder final : public streams::MessageSink {
 public:
    EventRecorder(streams::RecordingOutput& output, const std::vector<std::string>& stream_names)
        : output_(output), stream_names_(stream_names) {}

    // The last events of the files that are there already: a node that did not hear that they are
    // safe sends them again. Files that cannot be read are left out.
    void remember_recorded(const std::string& path);

    // False while the disk is full: what comes waits in the link.
    [[nodiscard]] bool is_ready() const noexcept override { return held_.empty(); }
    streams::Hold on_message(std::span<const std::byte> message,
                             std::uint64_t arrival_ns) noexcept override;
    void on_refused(std::uint64_t /*arrival_ns*/) noexcept override { ++refused_; }

    // Tries the event again that found the disk full.
    void try_again(std::uint64_t now_ns) noexcept;
    // The event that still waits is lost.
    void give_up() noexcept;
    // What the recording holds safely since the last call; its senders may forget it.
    void settle_safe(streams::FragmentInput& input) noexcept;

    [[nodiscard]] std::uint64_t written() const noexcept { return written_; }
    [[nodiscard]] std::uint64_t repeated() const noexcept { return repeated_; }
    [[nodiscard]] std::uint64_t refused() const noexcept { return refused_; }
    [[nodiscard]] std::uint64_t lost() const noexcept { return lost_; }
    [[nodiscard]] std::uint64_t waits() const noexcept { return waits_; }

 private:
    static constexpr std::size_t kRemembered = std::size_t{1} << 20U;
    // Holds are numbered round and round: more than can be under way at one time.
    static constexpr std::uint64_t kHolds = std::uint64_t{1} << 20U;

    // Of the n-th event that the recording takes, from 0.
    [[nodiscard]] static streams::Hold hold_of(std::uint64_t event) noexcept {
        return static_cast<streams::Hold>(event % kHolds);
    }
    streams::SendResult send(std::span<const std::byte> message, streams::StreamMask streams,
                             std::uint64_t now_ns) noexcept;
    [[nodiscard]] streams::StreamMask mask_of(const streams::ReadDecision& decision) const;

    streams::RecordingOutput& output_;
    const std::vector<std::string>& stream_names_;
    streams::RecentEvents recent_{kRemembered, 0};
    std::vector<std::byte> held_;  // found the disk full
    streams::StreamMask held_streams_ = 0;
    std::uint64_t waits_ = 0;
    std::uint64_t written_ = 0;
    std::uint64_t safe_ = 0;  // of them
    std::uint64_t repeated_ = 0;
    std::uint64_t refused_ = 0;
    std::uint64_t lost_ = 0;
};

}  // namespace tamis::daemon
