// A CSV or HDF5 file of rows to train on, refused where a recipe could learn nothing true from it.
// Every message begins with the file and, where there is one, the line. Cold path.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "models/feature_table.hpp"
#include "streams/number_table.hpp"

namespace tamis::daemon {

struct TrainingTable {
    models::FeatureTable features;     // the columns asked for, in that order
    std::vector<std::uint8_t> labels;  // 1 for signal, 0 for background; empty where none are asked
    std::vector<float> nuisance;       // likewise
};

struct TrainingColumns {
    std::vector<std::string> features;
    std::size_t may_be_constant = 0;  // so many of the first features need not differ
    std::string label;                // empty: none
    std::string nuisance = {};        // any other number of a row; empty: none
    std::size_t least_rows = 0;
};

// Errors: a column that is missing, a field that is empty or not finite, fewer rows than wanted, a
// feature that is the same in every row, a label that is not 0 or 1, labels of one class alone.
[[nodiscard]] tl::expected<TrainingTable, std::string> read_training_table(
    const std::filesystem::path& file, const TrainingColumns& columns);

// The same of a file that was read.
[[nodiscard]] tl::expected<TrainingTable, std::string> select_training_table(
    const streams::NumberTable& table, const TrainingColumns& columns);

// The same checks of a table that came from elsewhere; `origin` is what messages begin with.
[[nodiscard]] tl::expected<void, std::string> check_features(const models::FeatureTable& table,
                                                             const TrainingColumns& columns,
                                                             const std::string& origin);

}  // namespace tamis::daemon
