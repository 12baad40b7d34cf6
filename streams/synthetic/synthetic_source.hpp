// The four detectors of the synthetic experiment: what each of them sends of an event, as a
// serialised wire.Fragment. A fragment is a pure function of (configuration, run, event, detector),
// so that four processes that never talk make one event together.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "streams/synthetic/collision.hpp"
#include "streams/synthetic/pixel_doublets.hpp"
#include "streams/synthetic/process.hpp"

namespace tamis::streams {

// Every field of an event comes from exactly one of them, so that the order of merging is free.
enum class SyntheticDetector : std::uint8_t {
    calorimeter,  // CALORIMETER_CLUSTERS: average_mu, clusters, cells
    muon,         // PHYSICS_OBJECTS: muons
    tracker,      // PHYSICS_OBJECTS: electrons, jets, missing momentum, hadron counts, vertices
    pixel,        // PIXEL_DOUBLETS
};
inline constexpr std::size_t kSyntheticDetectors = 4;

[[nodiscard]] std::string_view to_string(SyntheticDetector detector) noexcept;
[[nodiscard]] std::optional<SyntheticDetector> find_detector(std::string_view name) noexcept;

struct SyntheticConfig {
    std::uint64_t seed = 1;
    EventMix mix = EventMix::standard_model();
    PixelDoubletConfig pixel;
    // Source identifiers on the wire, by detector.
    std::array<std::uint32_t, kSyntheticDetectors> source = {1, 2, 3, 4};
    std::uint64_t first_timestamp_ns = 1'530'000'000'000'000'000;  // of event 1, UTC since 1970
    std::uint64_t event_period_ns = 10'000;                        // between events
};

// One per thread: it keeps its buffers, and the last collision for the next detector of the event.
class SyntheticSource {
 public:
    explicit SyntheticSource(const SyntheticConfig& config);
    ~SyntheticSource();
    SyntheticSource(const SyntheticSource&) = delete;
    SyntheticSource& operator=(const SyntheticSource&) = delete;

    // Replaces `out`. Events count from 1; the sequence is the event number, so each source's is
    // without gaps when events are sent in order. The checksum is written.
    void encode_fragment(std::uint32_t run, std::uint64_t event, SyntheticDetector detector,
                         std::string& out);

    // The truth of an event. Lives until the next call.
    [[nodiscard]] const Collision& collision(std::uint32_t run, std::uint64_t event);

    [[nodiscard]] const SyntheticConfig& config() const noexcept { return config_; }

 private:
    struct Buffers;

    SyntheticConfig config_;
    std::unique_ptr<Buffers> buffers_;
};

}  // namespace tamis::streams
