// A recording replayed several times over. From the second time on event numbers are advanced by
// the span of those recorded and each source's sequence goes on, so that events stay unique and no
// sequence has a gap at the seam; runs and times of collisions stay. Checksums are made anew. One
// thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tl/expected.hpp>

#include "streams/fragment.hpp"
#include "streams/fragment_input.hpp"
#include "streams/recording/recording_input.hpp"

namespace tamis::streams {

// What is added to the numbers of a fragment in the pass at hand.
class EventShift {
 public:
    // In the first pass.
    void learn(const Fragment& fragment);
    void next_pass();
    void apply(Fragment& fragment) const;

 private:
    struct Span {
        std::uint64_t lowest = UINT64_MAX;
        std::uint64_t highest = 0;
        std::uint64_t added = 0;

        void learn(std::uint64_t number);
        void advance();
    };
    Span events_;
    std::map<std::uint32_t, Span> sequences_;  // by source
};

class LoopedRecording final : public FragmentInput {
 public:
    // passes: 1 and more. Errors: as RecordingInput.
    [[nodiscard]] static tl::expected<std::unique_ptr<LoopedRecording>, std::string> open(
        const RecordingInputOptions& options, std::uint64_t passes);

    // The clock of the replay starts anew with each pass.
    std::size_t poll(MessageSink& sink, std::uint64_t now_ns, std::size_t limit) noexcept override;
    [[nodiscard]] bool is_exhausted() const noexcept override;
    [[nodiscard]] std::optional<std::uint64_t> next_due_ns() const noexcept {
        return pass_->next_due_ns();
    }
    // The pass at hand; the last one at the end.
    [[nodiscard]] const RecordingInput& recording() const noexcept { return *pass_; }

 private:
    class Shifting;
    LoopedRecording(RecordingInputOptions options, std::uint64_t passes,
                    std::unique_ptr<RecordingInput> first)
        : options_(std::move(options)), left_(passes - 1), pass_(std::move(first)) {}
    bool begin_next_pass();

    RecordingInputOptions options_;
    std::uint64_t left_;  // passes after the one at hand
    std::unique_ptr<RecordingInput> pass_;
    bool is_first_ = true;
    EventShift shift_;
    FragmentDecoder decoder_;
    std::string shifted_;
};

}  // namespace tamis::streams
