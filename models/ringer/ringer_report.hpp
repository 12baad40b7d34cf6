// What a ringer does to clusters it has not seen, beside the cut-based selection where the sample
// knows its quantities: lines for people and the measured fractions of working points. Cold path.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "models/manifest.hpp"
#include "models/ringer/ringer_bank.hpp"
#include "models/ringer/ringer_folds.hpp"
#include "models/ringer/ringer_samples.hpp"

namespace tamis::models {

// "electrons/others, folds x initialisations, SP, PD and FA with their spread, what was kept".
[[nodiscard]] std::string cross_validation_line(const std::string& file,
                                                const CrossValidation& validated,
                                                const RingRows& rows, std::size_t initialisations);

// Whether the cut-based selection can judge all of them.
[[nodiscard]] bool have_shapes(std::span<const RingerSample> samples) noexcept;

// Of the cut-based selection, point by point; no line where it cannot judge a sample. Its tables
// are those of `cut_chain_gev` (cut_selection.hpp).
[[nodiscard]] std::vector<std::string> cut_selection_lines(std::span<const RingerSample> samples,
                                                           std::optional<double> cut_chain_gev,
                                                           const std::string& which);

// Scores `tested` by the bank and writes efficiency and false alarms into the working points; lines
// by bin, by working point and by pile-up. Not empty.
[[nodiscard]] std::vector<std::string> measure_ringer(std::vector<WorkingPoint>& points,
                                                      const RingerBank& bank,
                                                      std::span<const RingerSample> tested,
                                                      std::optional<double> cut_chain_gev);

}  // namespace tamis::models
