// tamis explain: which inputs the scores of a table come from, one share an input.
#include <fmt/core.h>
#include <sysexits.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "daemon/commands/command.hpp"
#include "daemon/commands/evaluation_samples.hpp"
#include "daemon/commands/model_directory.hpp"
#include "engine/onnx_reader.hpp"
#include "models/attribution.hpp"
#include "models/quantile_map.hpp"
#include "streams/csv_table.hpp"

namespace tamis::daemon {

namespace {

using models::AttributionMethod;

// Points of a path that go through the network together: images are wide, and take fewer.
constexpr std::size_t kMostPassRows = 64;
constexpr std::size_t kMostPassFloats = std::size_t{1} << 17;

struct ExplainOptions {
    std::filesystem::path model;
    std::filesystem::path input;
    std::filesystem::path output;
    std::string method;  // empty: what the model prefers
    std::string baseline = "offsets";
    std::size_t steps = 64;
    std::size_t top = 0;  // 0: none are listed
};

AttributionMethod method_of(const ExplainOptions& options, const models::Model& model) {
    for (const auto method :
         {AttributionMethod::gradient_x_input, AttributionMethod::integrated_gradients,
          AttributionMethod::contributions, AttributionMethod::removal}) {
        if (options.method == to_string(method)) {
            return method;
        }
    }
    return models::preferred_method(model);
}

// The model's network from its directory, made differentiable.
tl::expected<models::ScoreGradient, ExitStatus> open_gradient(const ExplainOptions& options,
                                                              const models::Model& model,
                                                              std::size_t points) {
    const auto refuse = [&](const std::string& why) {
        return tl::unexpected(fail(EX_DATAERR, fmt::format("{}: {}", options.model.string(), why)));
    };
    const auto files = read_model_files(options.model);
    if (!files) {
        return tl::unexpected(files.error());
    }
    if (files->manifest.kind != "onnx") {
        return refuse(
            fmt::format("a model of kind '{}' has no gradient by its inputs; right are kind onnx, "
                        "kind vae with "
                        "--method contributions, or any kind with --method removal",
                        files->manifest.kind));
    }
    const auto graph = engine::read_onnx(std::as_bytes(std::span(files->networks.front())));
    if (!graph) {
        return refuse(graph.error());
    }
    const std::size_t most = kMostPassFloats / model.input_columns().size();
    auto gradient = models::ScoreGradient::create(
        files->manifest, *graph, std::min(points, std::clamp(most, std::size_t{1}, kMostPassRows)));
    if (!gradient) {
        return refuse(gradient.error());
    }
    return *std::move(gradient);
}

tl::expected<models::Attributions, ExitStatus> attribute(const ExplainOptions& options,
                                                         AttributionMethod method,
                                                         const models::Model& model,
                                                         std::span<const float> rows) {
    const auto refuse = [&](const std::string& why) {
        return tl::unexpected(fail(EX_DATAERR, fmt::format("{}: {}", options.model.string(), why)));
    };
    if (method == AttributionMethod::contributions) {
        auto made = models::own_contributions(model, rows);
        return made ? tl::expected<models::Attributions, ExitStatus>(*std::move(made))
                    : refuse(made.error());
    }
    std::vector<float> baseline = models::offset_baseline(model);
    if (options.baseline == "zeros") {
        std::ranges::fill(baseline, 0.0F);
    }
    if (method == AttributionMethod::removal) {
        return models::attribute_by_removal(model, rows, baseline);
    }
    const std::size_t points =
        method == AttributionMethod::gradient_x_input ? std::size_t{1} : options.steps;
    auto gradient = open_gradient(options, model, points);
    if (!gradient) {
        return tl::unexpected(gradient.error());
    }
    auto made = models::attribute(
        model, *gradient, rows,
        {.method = method, .steps = options.steps, .baseline = std::move(baseline)});
    return made ? tl::expected<models::Attributions, ExitStatus>(*std::move(made))
                : refuse(made.error());
}

tl::expected<void, std::string> write_explanations(const std::filesystem::path& file,
                                                   std::span<const std::string> inputs,
                                                   const models::Attributions& made) {
    std::vector<std::string> columns = {"score", "completeness_error"};
    columns.insert(columns.end(), inputs.begin(), inputs.end());
    std::vector<float> values;
    values.reserve(made.scores.size() * columns.size());
    for (std::size_t row = 0; row < made.scores.size(); ++row) {
        values.push_back(made.scores[row]);
        values.push_back(made.completeness_errors[row]);
        const auto shares = std::span(made.shares).subspan(row * inputs.size(), inputs.size());
        values.insert(values.end(), shares.begin(), shares.end());
    }
    return streams::write_csv_table(file, columns, values);
}

void print_largest(std::span<const std::string> inputs, const models::Attributions& made,
                   std::size_t count) {
    for (std::size_t row = 0; row < made.scores.size(); ++row) {
        const auto shares = std::span(made.shares).subspan(row * inputs.size(), inputs.size());
        std::string line = fmt::format("row {}: score {:.6g}:", row + 1, made.scores[row]);
        if (std::isfinite(made.scores[row])) {
            for (const std::size_t input : models::largest_shares(shares, count)) {
                line += fmt::format(" {} {:+.4g}", inputs[input], shares[input]);
            }
        }
        fmt::print("{}\n", line);
    }
}

void print_summary(const ExplainOptions& options, AttributionMethod method,
                   const models::Model& model, const models::Attributions& made) {
    std::string how(to_string(method));
    if (method == AttributionMethod::integrated_gradients) {
        how += fmt::format(", {} steps", options.steps);
    }
    if (method != AttributionMethod::contributions) {
        how += fmt::format(" from the {} (score {:.6g})", options.baseline, made.baseline_score);
    }
    float largest = 0;
    for (const float error : made.completeness_errors) {
        largest = std::isfinite(error) ? std::max(largest, std::abs(error)) : largest;
    }
    fmt::print("{}: {} rows by {}; largest completeness error {:.3g}; written to {}\n",
               model.manifest().name, made.scores.size(), how, largest, options.output.string());
}

ExitStatus explain(const ExplainOptions& options) {
    const auto model = open_model(options.model);
    if (!model) {
        return model.error();
    }
    if (models::has_quantile_map((*model)->manifest())) {
        return fail(EX_DATAERR,
                    fmt::format("{}: its score is mapped by pile-up and no sum of shares; right is "
                                "the model before tamis calibrate --quantile-map",
                                options.model.string()));
    }
    if (!std::filesystem::exists(options.input)) {
        return fail(EX_NOINPUT, fmt::format("{}: no such file", options.input.string()));
    }
    const auto inputs = read_model_inputs(**model, options.input);
    if (!inputs) {
        return fail(EX_DATAERR, inputs.error());
    }
    const AttributionMethod method = method_of(options, **model);
    const auto made = attribute(options, method, **model, inputs->values);
    if (!made) {
        return made.error();
    }
    const auto names = (*model)->input_columns();
    if (const auto written = write_explanations(options.output, names, *made); !written) {
        return fail(EX_IOERR, written.error());
    }
    if (options.top > 0) {
        print_largest(names, *made, options.top);
    }
    print_summary(options, method, **model, *made);
    return EX_OK;
}

}  // namespace

void add_explain(CLI::App& program, ExitStatus& status) {
    auto* command =
        program.add_subcommand("explain", "Say which inputs the scores of a table come from");
    auto options = std::make_shared<ExplainOptions>();
    command->add_option("model", options->model, "Directory of the model (manifest.pbtxt)")
        ->required();
    command
        ->add_option(
            "--input", options->input,
            "CSV or HDF5 file (.h5, .hdf5); its header row or data sets name the features, "
            "or x0, x1, ... by position")
        ->required();
    command
        ->add_option("--output", options->output,
                     "CSV file to write: score, completeness_error (sum of the shares less the "
                     "score's difference to that of the baseline), and a share for every feature")
        ->required();
    command
        ->add_option(
            "--method", options->method,
            "gradient_x_input, integrated_gradients (kind onnx), contributions (kind vae: the "
            "terms of its score) or removal (any kind: what the score loses when one "
            "feature alone is at the baseline); default: contributions for kind vae, "
            "integrated_gradients for onnx, else removal")
        ->check(CLI::IsMember(
            {"gradient_x_input", "integrated_gradients", "contributions", "removal"}));
    command
        ->add_option(
            "--baseline", options->baseline,
            "What gradients and removal are measured from: offsets of the manifest's features, or "
            "zeros")
        ->check(CLI::IsMember({"offsets", "zeros"}))
        ->capture_default_str();
    command
        ->add_option("--steps", options->steps,
                     "Points between baseline and row for integrated_gradients")
        ->check(CLI::Range(1, 100000))
        ->capture_default_str();
    command->add_option("--top", options->top,
                        "Also print the N features of the largest shares of every row");
    command->footer(
        "Example:\n  tamis explain models/mine --input features.csv --output explanations.csv "
        "--method integrated_gradients --top 5\n"
        "  tamis explain models/shipped/vae --input features.csv --output explanations.csv --top "
        "3\n"
        "  tamis explain models/shipped/ringer --input rings.csv --output explanations.csv --top "
        "5");
    command->callback([options, &status] { status = explain(*options); });
}

}  // namespace tamis::daemon
