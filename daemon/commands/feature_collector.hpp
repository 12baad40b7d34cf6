// The 21 high-level features of the events of a recording, as a table for training and scoring.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "models/event_inputs.hpp"
#include "models/feature_table.hpp"
#include "streams/event.hpp"

namespace tamis::daemon {

class FeatureCollector {
 public:
    // An event without physics objects is counted and has no row.
    void add(const streams::Event& event) noexcept;
    [[nodiscard]] models::FeatureTable table() const;
    [[nodiscard]] tl::expected<void, std::string> write(const std::filesystem::path& file) const;

    [[nodiscard]] std::size_t row_count() const noexcept {
        return values_.size() / models::kHighLevelFeatureCount;
    }
    [[nodiscard]] std::uint64_t without_features() const noexcept { return without_features_; }

 private:
    models::EventInputs inputs_;
    std::vector<float> values_;
    std::uint64_t without_features_ = 0;
};

}  // namespace tamis::daemon
