#include "daemon/commands/training_samples.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "daemon/commands/feature_collector.hpp"
#include "daemon/commands/menu_file.hpp"
#include "daemon/commands/replay_options.hpp"
#include "engine/random.hpp"
#include "models/autoencoder/reconstruction_recipe.hpp"
#include "streams/table_file.hpp"

namespace tamis::daemon {

namespace {

constexpr std::size_t kLeastRows = 200;  // halves have a hundred

TrainingColumns vae_columns() {
    return {.features = {models::kFeatureNames.begin(), models::kFeatureNames.end()},
            .may_be_constant = 0,
            .label = {},
            .least_rows = kLeastRows};
}

// Sees every event of a recording, keeps its features.
class FeatureObserver final : public DecisionObserver {
 public:
    void on_decision(const streams::Event& event, const streams::Decision& /*decision*/,
                     Delivery /*delivery*/) noexcept override {
        collector_.add(event);
    }
    [[nodiscard]] const FeatureCollector& collector() const noexcept { return collector_; }

 private:
    FeatureCollector collector_;
};

tl::expected<models::FeatureTable, std::string> read_recording(const std::filesystem::path& file) {
    ReplayOptions options;
    options.recording = file;
    const auto menu = open_menu(menu_or_default(options));
    if (!menu) {
        return tl::unexpected(std::string("the menu that a recording is read by cannot be used"));
    }
    FeatureObserver observer;
    const auto result = run_recording(menu->compiled, recording_run_options(options), observer,
                                      [](std::uint64_t /*events*/) {});
    if (!result) {
        return tl::unexpected(result.error());
    }
    return observer.collector().table();
}

TrainingColumns doublet_training_columns() {
    TrainingColumns columns;
    columns.features = models::doublet_columns();
    columns.may_be_constant = 2 * models::kWindowPixels + 2;  // corners of windows, one layer
    columns.label = "label";
    return columns;
}

bool is_whole(float value, float most) {
    return value >= 0 && value <= most && value == std::floor(value);
}

tl::expected<void, std::string> add_doublet(std::span<const float> row, bool is_true,
                                            models::DoubletSamples& samples) {
    constexpr std::size_t kLayers = 2 * models::kWindowPixels;
    for (std::size_t i = 0; i < kLayers + 2; ++i) {
        const float most = i < kLayers ? 65535 : 255;
        if (!is_whole(row[i], most)) {
            return tl::unexpected(fmt::format("column {}: {}; right is a whole number from 0 to {}",
                                              doublet_training_columns().features[i], row[i],
                                              most));
        }
    }
    for (std::size_t i = 0; i < kLayers; ++i) {
        auto& window = i < models::kWindowPixels ? samples.inner_adc : samples.outer_adc;
        const auto charge = static_cast<unsigned>(row[i]);
        window.push_back(static_cast<std::uint8_t>(charge & 0xFFU));
        window.push_back(static_cast<std::uint8_t>(charge >> 8U));
    }
    samples.inner_layer.push_back(static_cast<std::uint8_t>(row[kLayers]));
    samples.outer_layer.push_back(static_cast<std::uint8_t>(row[kLayers + 1]));
    const auto features = row.subspan(kLayers + 2);
    samples.features.insert(samples.features.end(), features.begin(), features.end());
    samples.is_true.push_back(is_true ? 1 : 0);
    return {};
}

}  // namespace

tl::expected<models::VaeSamples, std::string> read_vae_samples(const std::filesystem::path& file,
                                                               const std::string& nuisance) {
    models::FeatureTable table;
    std::vector<float> others;
    if (file.extension() == ".mcap") {
        if (!nuisance.empty()) {
            return tl::unexpected(
                fmt::format("{}: a recording has no column {}; right is a CSV or HDF5 file of "
                            "features with it",
                            file.string(), nuisance));
        }
        auto features = read_recording(file);
        if (!features) {
            return tl::unexpected(features.error());
        }
        table = *std::move(features);
        if (auto checked = check_features(table, vae_columns(), file.string()); !checked) {
            return tl::unexpected(checked.error());
        }
    } else {
        TrainingColumns columns = vae_columns();
        columns.nuisance = nuisance;
        auto read = read_training_table(file, columns);
        if (!read) {
            return tl::unexpected(read.error());
        }
        table = std::move(read->features);
        others = std::move(read->nuisance);
    }
    models::VaeSamples samples;
    samples.training.columns = table.columns;
    samples.calibration.columns = table.columns;
    for (std::size_t row = 0; row < table.rows(); ++row) {
        auto& half = row % 2 == 0 ? samples.training : samples.calibration;
        const auto values = table.row(row);
        half.values.insert(half.values.end(), values.begin(), values.end());
        if (!others.empty()) {
            (row % 2 == 0 ? samples.training_nuisance : samples.calibration_nuisance)
                .push_back(others[row]);
        }
    }
    samples.nuisance = nuisance;
    samples.description = fmt::format("{}: {} rows, every second one for calibration",
                                      file.filename().string(), table.rows());
    return samples;
}

tl::expected<TrainingTable, std::string> read_any_table(const std::filesystem::path& file,
                                                        bool allow_constant,
                                                        const std::string& nuisance) {
    const auto table = streams::read_table_file(file);
    if (!table) {
        return tl::unexpected(table.error());
    }
    TrainingColumns columns{
        .features = {}, .may_be_constant = 0, .label = {}, .least_rows = models::kFewestTableRows};
    for (const std::string& name : table->columns) {
        if (name != "label" && name != nuisance) {
            columns.features.push_back(name);
        }
    }
    if (columns.features.empty()) {
        return tl::unexpected(
            fmt::format("{}: no column to learn from; right is a header row "
                        "that names at least one feature",
                        table->place_of_names()));
    }
    columns.may_be_constant = allow_constant ? columns.features.size() : 0;
    columns.nuisance = nuisance;
    return select_training_table(*table, columns);
}

tl::expected<models::DoubletSplit, std::string> read_doublet_samples(
    const std::filesystem::path& file, std::uint64_t seed) {
    TrainingColumns columns = doublet_training_columns();
    columns.least_rows = 5 * kLeastRows;  // a fifth of them is the smallest part
    const auto table = read_training_table(file, columns);
    if (!table) {
        return tl::unexpected(table.error());
    }
    models::DoubletSplit split;
    const std::uint64_t stream = engine::stream_of("doublet split");
    for (std::size_t row = 0; row < table->features.rows(); ++row) {
        const std::uint64_t draw = engine::random_below(10, seed, stream, row);
        models::DoubletSamples& part = draw < 6   ? split.training
                                       : draw < 8 ? split.calibration
                                                  : split.test;
        auto added = add_doublet(table->features.row(row), table->labels[row] != 0, part);
        if (!added) {
            return tl::unexpected(
                fmt::format("{}: {}", streams::place_of_row(file, row), added.error()));
        }
    }
    split.origin = fmt::format("{}: {} doublets", file.filename().string(), table->features.rows());
    return split;
}

}  // namespace tamis::daemon
