#include "daemon/commands/evaluation_samples.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <span>

#include "daemon/evaluation/model_evaluation.hpp"
#include "models/quantile_map.hpp"
#include "models/ringer/ringer_samples.hpp"
#include "models/seed_filter/doublet_samples.hpp"
#include "models/vae/vae_samples.hpp"
#include "streams/table_file.hpp"

namespace tamis::daemon {

namespace {

constexpr std::uint32_t kEvaluationRun = 990'000;  // no recipe trains on it

std::vector<models::Sample> vae_samples(std::uint64_t seed, const SyntheticSizes& sizes) {
    const streams::EventMix mix = streams::EventMix::standard_model();
    std::vector<models::Sample> samples;
    samples.push_back(
        models::synthetic_sample("Standard Model", seed, kEvaluationRun, sizes.background, mix));
    for (std::size_t index = 0; index < streams::kSyntheticProcesses; ++index) {
        const auto process = static_cast<streams::SyntheticProcess>(index);
        samples.push_back(
            models::synthetic_sample(std::string(streams::to_string(process)), seed,
                                     kEvaluationRun + 1 + static_cast<std::uint32_t>(index),
                                     sizes.each, streams::EventMix::only(process)));
        samples.back().mix_weight = mix.weight[index];
    }
    return samples;
}

// A score that is mapped by pile-up takes it as the last input.
void add_pileup_input(models::Sample& sample) {
    models::FeatureTable wider{.columns = sample.table.columns, .values = {}};
    wider.columns.emplace_back("average_mu");
    for (std::size_t row = 0; row < sample.table.rows(); ++row) {
        const auto values = sample.table.row(row);
        wider.values.insert(wider.values.end(), values.begin(), values.end());
        wider.values.push_back(sample.pileup[row]);
    }
    sample.table = std::move(wider);
}

// Splits labelled rows into a background and a signal table.
class LabelledTables {
 public:
    LabelledTables(std::string background, std::string signal) {
        samples_.push_back({std::move(background), {}});
        samples_.push_back({std::move(signal), {}});
    }
    void set_columns(const std::vector<std::string>& columns) {
        samples_[0].table.columns = columns;
        samples_[1].table.columns = columns;
    }
    [[nodiscard]] std::vector<float>& values(bool is_signal) {
        return samples_[is_signal ? 1 : 0].table.values;
    }
    [[nodiscard]] std::vector<models::Sample> take() { return std::move(samples_); }

 private:
    std::vector<models::Sample> samples_;
};

std::vector<models::Sample> ringer_samples(std::uint64_t seed, std::size_t events) {
    LabelledTables tables("jets", "electrons");
    std::vector<std::string> columns{"et", "eta", "average_mu"};
    for (std::size_t ring = 0; ring < models::kRingCount; ++ring) {
        columns.push_back(fmt::format("ring{}", ring));
    }
    tables.set_columns(columns);
    for (const auto& cluster : models::make_ringer_samples(seed, kEvaluationRun, events)) {
        auto& values = tables.values(cluster.is_electron);
        values.insert(values.end(), {cluster.et, cluster.eta, cluster.average_mu});
        values.insert(values.end(), cluster.rings.begin(), cluster.rings.end());
    }
    return tables.take();
}

std::vector<models::Sample> doublet_samples(std::uint64_t seed, std::size_t count) {
    constexpr std::size_t kWindowBytes = 2 * models::kWindowPixels;
    LabelledTables tables("fake doublets", "true doublets");
    tables.set_columns(models::doublet_columns());
    const auto doublets = models::make_doublet_samples(seed, kEvaluationRun, count);
    for (std::size_t index = 0; index < doublets.size(); ++index) {
        auto& values = tables.values(doublets.is_true[index] != 0);
        for (const auto* window : {&doublets.inner_adc, &doublets.outer_adc}) {
            for (std::size_t byte = 0; byte < kWindowBytes; byte += 2) {
                const std::uint8_t* adc = window->data() + index * kWindowBytes + byte;
                values.push_back(static_cast<float>(adc[0] + 256 * adc[1]));
            }
        }
        values.push_back(doublets.inner_layer[index]);
        values.push_back(doublets.outer_layer[index]);
        const auto features =
            std::span(doublets.features)
                .subspan(index * models::kDoubletFeatures, models::kDoubletFeatures);
        values.insert(values.end(), features.begin(), features.end());
    }
    return tables.take();
}

}  // namespace

tl::expected<std::vector<models::Sample>, std::string> synthetic_evaluation_samples(
    const models::Manifest& manifest, std::uint64_t seed, const SyntheticSizes& sizes) {
    if (manifest.kind == "vae" || manifest.kind == "isolation") {
        auto samples = vae_samples(seed, sizes);
        if (models::has_quantile_map(manifest)) {
            std::ranges::for_each(samples, add_pileup_input);
        }
        return samples;
    }
    if (manifest.kind == "ringer") {
        return ringer_samples(seed, sizes.each);
    }
    if (manifest.kind == "seed_filter") {
        return doublet_samples(seed, sizes.each);
    }
    return tl::unexpected(fmt::format(
        "no synthetic sample for a model of kind '{}'; name files by --background and --signal",
        manifest.kind));
}

namespace {

tl::expected<models::FeatureTable, std::string> model_inputs_of(const models::Model& model,
                                                                const streams::NumberTable& table) {
    models::FeatureTable inputs;
    inputs.columns.assign(model.input_columns().begin(), model.input_columns().end());
    std::vector<std::size_t> positions;
    std::string missing;
    for (std::size_t index = 0; index < inputs.columns.size(); ++index) {
        auto found = table.find_column(inputs.columns[index]);
        if (!found) {
            found = table.find_column(fmt::format("x{}", index));
        }
        positions.push_back(found.value_or(0));
        if (!found && missing.size() < 200) {
            missing += (missing.empty() ? "" : ", ") + inputs.columns[index];
        }
    }
    if (!missing.empty()) {
        return tl::unexpected(
            fmt::format("{}: columns are missing: {}; the header row must name the model's {} "
                        "inputs, or x0, x1, ... by position",
                        table.place_of_names(), missing, inputs.columns.size()));
    }
    for (const std::size_t position : positions) {
        if (!table.words[position].empty()) {
            return tl::unexpected(table.words[position]);
        }
    }
    inputs.values.reserve(table.row_count() * positions.size());
    for (std::size_t row = 0; row < table.row_count(); ++row) {
        for (const std::size_t position : positions) {
            const double value = table.row(row)[position];
            if (!std::isfinite(value)) {
                return tl::unexpected(
                    fmt::format("{}: column {}: empty or not finite; every input needs a number",
                                table.place_of_row(row), table.columns[position]));
            }
            if (!model.takes(value)) {
                return tl::unexpected(fmt::format(
                    "{}: column {}: {} is not what {} takes; right is {}", table.place_of_row(row),
                    table.columns[position], value, model.manifest().name, model.input_form()));
            }
            inputs.values.push_back(static_cast<float>(value));
        }
    }
    return inputs;
}

tl::expected<std::vector<float>, std::string> column_of(const streams::NumberTable& table,
                                                        const std::string& name) {
    const auto position = table.find_column(name);
    if (!position) {
        return tl::unexpected(fmt::format("{}: no column {}; the header row must name it",
                                          table.place_of_names(), name));
    }
    if (!table.words[*position].empty()) {
        return tl::unexpected(table.words[*position]);
    }
    std::vector<float> values(table.row_count());
    for (std::size_t row = 0; row < values.size(); ++row) {
        values[row] = static_cast<float>(table.row(row)[*position]);
        if (!std::isfinite(values[row])) {
            return tl::unexpected(
                fmt::format("{}: column {}: empty or not finite; every row needs a number",
                            table.place_of_row(row), name));
        }
    }
    return values;
}

// Columns that are no inputs and that efficiencies are plotted against; one with a gap is left out.
models::FeatureTable plotted_columns(const streams::NumberTable& table,
                                     const std::vector<std::string>& inputs) {
    models::FeatureTable beside;
    std::vector<std::size_t> positions;
    for (const std::string_view name : plotted_variables()) {
        const auto position = table.find_column(name);
        if (!position || std::ranges::find(inputs, name) != inputs.end()) {
            continue;
        }
        bool is_whole = true;
        for (std::size_t row = 0; row < table.row_count(); ++row) {
            is_whole = is_whole && std::isfinite(table.row(row)[*position]);
        }
        if (is_whole) {
            beside.columns.emplace_back(name);
            positions.push_back(*position);
        }
    }
    for (std::size_t row = 0; row < table.row_count(); ++row) {
        for (const std::size_t position : positions) {
            beside.values.push_back(static_cast<float>(table.row(row)[position]));
        }
    }
    return beside;
}

tl::expected<models::Sample, std::string> read_sample(const models::Model& model,
                                                      const std::filesystem::path& file,
                                                      const std::string& pileup_column) {
    const auto table = streams::read_table_file(file);
    if (!table) {
        return tl::unexpected(table.error());
    }
    auto inputs = model_inputs_of(model, *table);
    if (!inputs) {
        return tl::unexpected(inputs.error());
    }
    if (inputs->rows() == 0) {
        return tl::unexpected(fmt::format("{}: no row; a sample needs events", file.string()));
    }
    models::Sample sample{.name = file.stem().string(), .table = *std::move(inputs)};
    if (!pileup_column.empty()) {
        auto pileup = column_of(*table, pileup_column);
        if (!pileup) {
            return tl::unexpected(pileup.error());
        }
        sample.pileup = *std::move(pileup);
    }
    sample.beside = plotted_columns(*table, sample.table.columns);
    return sample;
}

}  // namespace

tl::expected<models::FeatureTable, std::string> read_model_inputs(
    const models::Model& model, const std::filesystem::path& file) {
    return streams::read_table_file(file).and_then(
        [&](const streams::NumberTable& table) { return model_inputs_of(model, table); });
}

tl::expected<std::vector<models::Sample>, std::string> read_evaluation_samples(
    const models::Model& model, const std::filesystem::path& background,
    const std::vector<std::filesystem::path>& signals, const std::string& pileup_column) {
    std::vector<models::Sample> samples;
    std::vector<std::filesystem::path> files{background};
    files.insert(files.end(), signals.begin(), signals.end());
    for (const auto& file : files) {
        auto sample = read_sample(model, file, pileup_column);
        if (!sample) {
            return tl::unexpected(sample.error());
        }
        samples.push_back(*std::move(sample));
    }
    return samples;
}

std::vector<float> score_rows(const models::Model& model, const models::FeatureTable& inputs) {
    const auto columns = model.score_columns();
    const auto position = static_cast<std::size_t>(
        std::find(columns.begin(), columns.end(), "score") - columns.begin());
    std::vector<float> answers(inputs.rows() * columns.size());
    model.score_table(inputs.values, answers);
    std::vector<float> scores(inputs.rows());
    for (std::size_t row = 0; row < scores.size(); ++row) {
        scores[row] = answers[row * columns.size() + position];
    }
    return scores;
}

}  // namespace tamis::daemon
