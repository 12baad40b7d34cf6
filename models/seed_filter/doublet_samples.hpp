// Pixel doublets with truth for training, from the synthetic source. Cold path; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "models/seed_filter/doublet_features.hpp"

namespace tamis::models {

struct DoubletSamples {
    std::vector<std::uint8_t> inner_adc, outer_adc;      // count x 512, as on the wire
    std::vector<std::uint8_t> inner_layer, outer_layer;  // count
    std::vector<float> features;                         // count x 67
    std::vector<std::uint8_t> is_true;                   // count

    [[nodiscard]] std::size_t size() const noexcept { return is_true.size(); }
    [[nodiscard]] streams::PixelDoublets view() const noexcept;
};

// Samples for the three purposes of a recipe, and where they come from.
struct DoubletSplit {
    DoubletSamples training, calibration, test;
    std::string origin;
};

// `count` doublets of as many synthetic events from number 1 on as it takes, half of them true. The
// same arguments give the same samples.
[[nodiscard]] DoubletSamples make_doublet_samples(std::uint64_t seed, std::uint32_t run,
                                                  std::size_t count);

// Those with a `keep` that is not 0, one for each sample.
[[nodiscard]] DoubletSamples select_doublets(const DoubletSamples& samples,
                                             std::span<const std::uint8_t> keep);

// Appends so many copies of each sample, each turned around the beam by an angle that is a function
// of the seed and its place: x, y and phi of both hits change, differences stay. What names the
// module (ladder, panel) stays too: a detector repeats itself at few angles only, and from copies
// at all of them a network learns that the angle says nothing.
void add_turned_copies(DoubletSamples& samples, std::size_t copies, std::uint64_t seed);

// A doublet as a row of the table form (seed_filter_model.hpp).
[[nodiscard]] std::vector<float> table_row_of(const DoubletView& doublet);

}  // namespace tamis::models
