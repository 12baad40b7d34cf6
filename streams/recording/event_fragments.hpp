// Turns imported events into serialised fragments with checksums and gapless sequences. One thread;
// one object per recording.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>

#include "streams/recording/imported_event.hpp"

namespace tamis::streams {

// Source identifiers of the shipped deployment.
inline constexpr std::uint32_t kCalorimeterSource = 1;
inline constexpr std::uint32_t kMuonSource = 2;
inline constexpr std::uint32_t kTrackerSource = 3;
inline constexpr std::uint32_t kPixelSource = 4;

enum class ImportSplit : std::uint8_t {
    // One fragment an event: objects and features from the tracker's source, ring sums from the
    // calorimeter's.
    one_source,
    // Four fragments, as from four detectors: calorimeter (electrons, jets, missing energy, or ring
    // sums), muons, tracker (charged hadrons, vertices), pixel (no doublets).
    detectors,
};

class EventFragments {
 public:
    explicit EventFragments(ImportSplit split);
    ~EventFragments();
    EventFragments(const EventFragments&) = delete;
    EventFragments& operator=(const EventFragments&) = delete;

    // `take` gets each serialised wire.Fragment, valid during the call.
    void encode(const ImportedEvent& event,
                const std::function<void(std::span<const std::byte>)>& take);

 private:
    struct Messages;

    ImportSplit split_;
    std::unique_ptr<Messages> messages_;
    std::map<std::uint32_t, std::uint64_t> sequences_;  // by source
};

}  // namespace tamis::streams
