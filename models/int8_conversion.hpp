// Turns a model of kind "onnx" into one that runs in 8-bit integers, and says what that does to its
// scores and decisions, judged on rows it was not calibrated with. Cold path; any thread.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "models/model_files.hpp"

namespace tamis::models {

// Decisions at the threshold that accepts this fraction of the judged rows in floats.
struct Int8Decision {
    double fraction = 0;
    double threshold = 0;
    std::size_t accepted_before = 0;  // in floats
    std::size_t accepted_after = 0;   // in integers, same threshold
    std::size_t changed = 0;          // rows that are decided otherwise, in either direction
};

struct Int8Report {
    std::size_t calibrated_rows = 0;
    std::size_t judged_rows = 0;
    double lowest_score = 0;  // in floats
    double highest_score = 0;
    double largest_difference = 0;
    double rms_difference = 0;
    std::vector<Int8Decision> decisions;
};

// Rows of the table form, as many as kFewestInt8Rows or more; every fifth is kept for judging.
inline constexpr std::size_t kFewestInt8Rows = 20;

// Writes ranges, new golden vectors and the report's lines into the manifest; the network's file
// stays as it is. Error: the files make no model of kind "onnx" without normalisation, too few
// rows, or what engine::calibrate_int8 refuses.
[[nodiscard]] tl::expected<Int8Report, std::string> convert_to_int8(ModelFiles& files,
                                                                    std::span<const float> rows);

// For a person, line by line.
[[nodiscard]] std::vector<std::string> report_lines(const Int8Report& report);

}  // namespace tamis::models
