#include "models/int8_conversion.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <functional>
#include <memory>
#include <utility>

#include "engine/int8_calibration.hpp"
#include "engine/onnx_reader.hpp"
#include "models/int8_parameters.hpp"
#include "models/model_loader.hpp"

namespace tamis::models {

namespace {

constexpr std::size_t kJudgedEvery = 5;
constexpr std::array kFractions = {0.1, 0.01, 0.001};
// An activation's last bit, which may differ between processors, can move an integer by one.
constexpr double kInt8Tolerance = 0.02;

struct SplitRows {
    std::vector<float> calibration;
    std::vector<float> judged;
};

SplitRows split(std::span<const float> rows, std::size_t row_size) {
    SplitRows parts;
    for (std::size_t row = 0; row < rows.size() / row_size; ++row) {
        auto& part = row % kJudgedEvery == kJudgedEvery - 1 ? parts.judged : parts.calibration;
        const auto values = rows.subspan(row * row_size, row_size);
        part.insert(part.end(), values.begin(), values.end());
    }
    return parts;
}

// A table row holds the network's inputs one after the other.
std::vector<std::vector<float>> inputs_of(const engine::Graph& graph, std::span<const float> rows,
                                          std::size_t row_size) {
    std::vector<std::vector<float>> inputs;
    std::size_t first = 0;
    for (const engine::GraphInput& input : graph.inputs) {
        const std::size_t size = input.row_shape.element_count();
        auto& values = inputs.emplace_back();
        for (std::size_t row = 0; row < rows.size() / row_size; ++row) {
            const auto part = rows.subspan(row * row_size + first, size);
            values.insert(values.end(), part.begin(), part.end());
        }
        first += size;
    }
    return inputs;
}

std::vector<double> scores_of(const Model& model, std::span<const float> rows) {
    const std::size_t width = model.score_columns().size();
    const std::size_t count = rows.size() / model.input_columns().size();
    std::vector<float> answers(count * width);
    model.score_table(rows, answers);
    std::vector<double> scores;
    for (std::size_t row = 0; row < count; ++row) {
        scores.push_back(answers[row * width]);
    }
    return scores;
}

Int8Decision decide(const std::vector<double>& before, const std::vector<double>& after,
                    const std::vector<double>& falling, double fraction) {
    Int8Decision decision{.fraction = fraction};
    const auto wanted = static_cast<std::size_t>(fraction * static_cast<double>(before.size()));
    decision.threshold = falling[wanted];  // what lies above it passes
    for (std::size_t row = 0; row < before.size(); ++row) {
        const bool passed_before = before[row] > decision.threshold;
        const bool passes_after = after[row] > decision.threshold;
        decision.accepted_before += static_cast<std::size_t>(passed_before);
        decision.accepted_after += static_cast<std::size_t>(passes_after);
        decision.changed += static_cast<std::size_t>(passed_before != passes_after);
    }
    return decision;
}

Int8Report report_of(const std::vector<double>& before, const std::vector<double>& after) {
    Int8Report report;
    report.judged_rows = before.size();
    std::vector<double> falling = before;
    std::ranges::sort(falling, std::greater<>());
    report.highest_score = falling.front();
    report.lowest_score = falling.back();
    double squares = 0;
    for (std::size_t row = 0; row < before.size(); ++row) {
        const double difference = std::abs(after[row] - before[row]);
        report.largest_difference = std::max(report.largest_difference, difference);
        squares += difference * difference;
    }
    report.rms_difference = std::sqrt(squares / static_cast<double>(before.size()));
    for (const double fraction : kFractions) {
        if (fraction * static_cast<double>(before.size()) >= 1) {
            report.decisions.push_back(decide(before, after, falling, fraction));
        }
    }
    return report;
}

tl::expected<std::shared_ptr<const Model>, std::string> plain_network_model(
    const ModelFiles& files) {
    if (files.manifest.kind != "onnx" || !files.manifest.features.empty()) {
        return tl::make_unexpected(
            "a model of kind '" + files.manifest.kind +
            "' or with normalised features is not converted; right is kind 'onnx' whose row "
            "enters as it is");
    }
    return load_model(files.manifest, files.networks);
}

template <class... Values>
std::string line(const char* format, Values... values) {
    std::array<char, 160> text{};
    std::snprintf(text.data(), text.size(), format, values...);  // NOLINT: no fmt in models
    return text.data();
}

}  // namespace

tl::expected<Int8Report, std::string> convert_to_int8(ModelFiles& files,
                                                      std::span<const float> rows) {
    const auto before = plain_network_model(files);
    if (!before) {
        return tl::make_unexpected(before.error());
    }
    const std::size_t row_size = (*before)->input_columns().size();
    if (rows.size() / row_size < kFewestInt8Rows) {
        return tl::make_unexpected(std::to_string(rows.size() / row_size) +
                                   " rows to calibrate with (too few); at least " +
                                   std::to_string(kFewestInt8Rows) + " are needed, better 1000");
    }
    const auto graph =
        engine::read_onnx(std::as_bytes(std::span<const char>(files.networks.front())));
    if (!graph) {
        return tl::make_unexpected(graph.error());
    }
    const SplitRows parts = split(rows, row_size);
    const auto ranges = engine::calibrate_int8(*graph, parts.calibration.size() / row_size,
                                               inputs_of(*graph, parts.calibration, row_size));
    if (!ranges) {
        return tl::make_unexpected(ranges.error());
    }
    ModelFiles converted = files;
    set_int8_ranges(converted.manifest, *ranges);
    std::vector<std::vector<float>> golden_rows;
    for (const GoldenVector& golden : converted.manifest.golden) {
        golden_rows.emplace_back(golden.input.begin(), golden.input.end());
    }
    converted.manifest.golden.clear();
    if (auto added = add_golden_vectors(converted, golden_rows, kInt8Tolerance); !added) {
        return tl::make_unexpected(added.error());
    }
    const auto after = load_model(converted.manifest, converted.networks);
    if (!after) {
        return tl::make_unexpected(after.error());
    }
    Int8Report report =
        report_of(scores_of(**before, parts.judged), scores_of(**after, parts.judged));
    report.calibrated_rows = parts.calibration.size() / row_size;
    for (std::string& text : report_lines(report)) {
        converted.manifest.provenance.report.push_back(std::move(text));
    }
    files = std::move(converted);
    return report;
}

std::vector<std::string> report_lines(const Int8Report& report) {
    std::vector<std::string> lines{
        line("int8: calibrated with %zu rows, judged on %zu others", report.calibrated_rows,
             report.judged_rows),
        line("score in floats: %.6g .. %.6g", report.lowest_score, report.highest_score),
        line("score difference: largest %.3g, rms %.3g", report.largest_difference,
             report.rms_difference)};
    for (const Int8Decision& decision : report.decisions) {
        lines.push_back(
            line("at %.6g (accepts %.3g in floats): %zu accepted in floats, %zu in "
                 "int8, %zu of %zu decided otherwise",
                 decision.threshold, decision.fraction, decision.accepted_before,
                 decision.accepted_after, decision.changed, report.judged_rows));
    }
    return lines;
}

}  // namespace tamis::models
