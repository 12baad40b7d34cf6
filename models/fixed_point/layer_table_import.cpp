#include "models/fixed_point/layer_table_import.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <utility>

#include "engine/random.hpp"
#include "models/fixed_point/fixed_point_network.hpp"
#include "models/fixed_point/layer_table_reader.hpp"
#include "models/fixed_point/published_ladders.hpp"
#include "models/model_loader.hpp"

namespace tamis::models {
namespace {

constexpr std::size_t kMostTableBytes = std::size_t{16} << 20;
constexpr std::size_t kMostNameLength = 64;

// A manifest's name begins with a letter, has no other signs than these and at most 64 of them.
std::string identifier_of(std::string text) {
    std::replace_if(
        text.begin(), text.end(),
        [](unsigned char letter) {
            return std::isalnum(letter) == 0 && letter != '_' && letter != '-' && letter != '.';
        },
        '_');
    const bool begins_well =
        !text.empty() && std::isalpha(static_cast<unsigned char>(text.front())) != 0;
    text.insert(0, begins_well ? "" : "table_");
    return text.substr(0, kMostNameLength);
}

// Zeros, then numbers of growing size, the last of which leave every register: each row reaches
// other roundings and saturations.
std::vector<std::vector<float>> golden_rows(std::size_t row_size) {
    constexpr std::array<std::uint64_t, 6> kSizes = {8, 64, 512, 2048, 8192, 65536};
    std::vector<std::vector<float>> rows(1 + kSizes.size(), std::vector<float>(row_size));
    const std::uint64_t stream = engine::stream_of("golden rows of a layer table");
    for (std::size_t row = 0; row < kSizes.size(); ++row) {
        for (std::size_t i = 0; i < row_size; ++i) {
            const std::uint64_t drawn = engine::random_below(kSizes[row], row, stream, i);
            rows[row + 1][i] = static_cast<float>(drawn) - static_cast<float>(kSizes[row]) / 4;
        }
    }
    return rows;
}

void add_working_point(Manifest& manifest, std::string name, double least_score,
                       const FixedPointType& score_type) {
    WorkingPoint& point = manifest.working_points.emplace_back();
    point.name = std::move(name);
    point.bins.emplace_back().offset = least_score - std::ldexp(0.5, -score_type.fraction);
}

void add_working_points(Manifest& manifest, const LayerTable& table) {
    std::vector<std::string>& report = manifest.provenance.report;
    for (const auto& [name, least_score] : table.working_points) {
        add_working_point(manifest, name, least_score, table.score_type);
    }
    if (!table.working_points.empty()) {
        report.emplace_back("working points: of the layer table");
        return;
    }
    const PublishedLadder* const ladder = find_published_ladder(table.model);
    if (ladder == nullptr) {
        report.emplace_back("working points: none (none are published for '" + table.model + "')");
        return;
    }
    for (const LadderStep& step : ladder->steps) {
        add_working_point(manifest, std::string(step.name), step.least_score, table.score_type);
    }
    report.emplace_back("working points: seeds of the CMS level-1 menu " +
                        std::string(ladder->menu));
}

Manifest make_manifest(AnomalyTrigger trigger, const std::filesystem::path& file,
                       const LayerTable& table, const FixedPointNetwork& network) {
    Manifest manifest;
    manifest.name = identifier_of(file.stem().string());
    manifest.version = table.model;
    manifest.kind = to_string(trigger);
    manifest.schema = schema_of(trigger);
    manifest.features = features_of(trigger);
    manifest.provenance.command =
        "tamis import-model " + manifest.kind + " " + file.filename().string();
    manifest.provenance.data = "layer table of " + table.model;
    manifest.provenance.report = {
        std::to_string(table.inputs) + " inputs, " + std::to_string(table.steps.size()) +
            " steps, score in " + to_string(table.score_type),
        std::to_string(network.proved_layers()) + " of " + std::to_string(network.sum_layers()) +
            " layers of sums proved to stay in their accumulators"};
    add_working_points(manifest, table);
    return manifest;
}

}  // namespace

tl::expected<ModelFiles, std::string> import_layer_table(AnomalyTrigger trigger,
                                                         const std::filesystem::path& file) {
    NetworkFile entry;
    entry.file = file.filename().string();
    auto bytes = read_network_file(entry, file.parent_path());
    if (!bytes) {
        return tl::make_unexpected(bytes.error());
    }
    if (bytes->size() > kMostTableBytes) {
        return tl::make_unexpected(std::to_string(bytes->size()) +
                                   " bytes are too many for a layer table; right are at most " +
                                   std::to_string(kMostTableBytes));
    }
    const auto table = read_layer_table(*bytes);
    if (!table) {
        return tl::make_unexpected(table.error());
    }
    if (auto checked = check_inputs(trigger, *table); !checked) {
        return tl::make_unexpected(checked.error());
    }
    const auto network = FixedPointNetwork::compile(*table);
    if (!network) {
        return tl::make_unexpected(network.error());
    }
    ModelFiles files;
    files.manifest = make_manifest(trigger, file, *table, **network);
    add_network(files, std::move(entry), std::move(*bytes));
    if (auto golden = add_golden_vectors(files, golden_rows(table->inputs), 0); !golden) {
        return tl::make_unexpected(golden.error());
    }
    return files;
}

}  // namespace tamis::models
