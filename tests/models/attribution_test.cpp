#include "models/attribution.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "engine/graph_builder.hpp"
#include "engine/reference_network.hpp"
#include "models/int8_parameters.hpp"
#include "models/network_model.hpp"

namespace tamis::models {
namespace {

constexpr std::size_t kInputs = 5;

// Smooth, with two inputs and two outputs: y (5) and z (1), which y does not lead to.
engine::Graph smooth_network() {
    engine::GraphBuilder net("smooth", 3);
    const auto both = net.concat({net.input("a", {3}), net.input("b", {2})});
    const auto hidden = net.tanh(net.dense(both, 8, "hidden"));
    net.output(net.dense(hidden, 5, "y_layer"), "y");
    net.output(net.sigmoid(net.dense(hidden, 1, "z_layer")), "z");
    return net.build();
}

Manifest manifest_of(const std::string& reduction = "", std::vector<double> values = {}) {
    Manifest manifest;
    manifest.name = "explained";
    manifest.kind = "onnx";
    for (std::size_t i = 0; i < kInputs; ++i) {
        FeatureSpec& feature = manifest.features.emplace_back();
        feature.name = std::string(1, static_cast<char>('p' + i));
        feature.offset = 0.5 * static_cast<double>(i) - 1;
        feature.scale = 2 + static_cast<double>(i);
    }
    if (!reduction.empty()) {
        manifest.parameters.push_back({.name = reduction, .values = std::move(values)});
    }
    return manifest;
}

std::vector<float> rows_of(std::size_t count) {
    std::vector<float> rows;
    for (std::size_t i = 0; i < count * kInputs; ++i) {
        rows.push_back(3 * std::sin(1.7F * static_cast<float>(i) + 0.3F));
    }
    return rows;
}

Attributions explained(const Manifest& manifest, const engine::Graph& graph,
                       std::span<const float> rows, AttributionOptions options) {
    const auto model = load_network_model(manifest, {graph}).value();
    auto gradient = ScoreGradient::create(manifest, graph, 16).value();
    if (options.baseline.empty()) {
        options.baseline = offset_baseline(*model);
    }
    return attribute(*model, gradient, rows, options).value();
}

TEST(Attribution, of_a_linear_score_is_exact_by_both_methods) {
    engine::GraphBuilder net("linear", 1);
    net.output(net.dense(net.input("x", {kInputs}), 1, "layer"), "y");
    const engine::Graph graph = net.build();
    const auto& weights = graph.weights.at("layer/kernel").values;
    const Manifest manifest = manifest_of();
    const std::vector<float> rows = rows_of(4);
    for (const auto method :
         {AttributionMethod::gradient_x_input, AttributionMethod::integrated_gradients}) {
        const auto made = explained(manifest, graph, rows, {.method = method, .baseline = {}});
        for (std::size_t i = 0; i < rows.size(); ++i) {
            const FeatureSpec& feature = manifest.features[i % kInputs];
            const double expected =
                weights[i % kInputs] * (rows[i] - feature.offset) / feature.scale;
            EXPECT_NEAR(made.shares[i], expected, 1e-6) << to_string(method) << i;
        }
        for (const float error : made.completeness_errors) {
            EXPECT_NEAR(error, 0, 1e-6);
        }
        EXPECT_EQ(made.baseline_score, 0);
    }
}

// The score in double precision, written down a second time.
double reference_score(const engine::Graph& graph, const Manifest& manifest,
                       const std::vector<double>& row) {
    std::vector<double> normal;
    for (std::size_t i = 0; i < kInputs; ++i) {
        normal.push_back((row[i] - manifest.features[i].offset) / manifest.features[i].scale);
    }
    const std::vector<std::vector<double>> inputs = {{normal.begin(), normal.begin() + 3},
                                                     {normal.begin() + 3, normal.end()}};
    const auto outputs = engine::evaluate_reference(graph, 1, inputs).value();
    const Parameter& parameter = manifest.parameters.front();
    const auto& y = outputs[static_cast<std::size_t>(parameter.values[0])];
    const double largest = *std::max_element(y.begin(), y.end());
    double sum = 0, squares = 0, powers = 0, difference = 0;
    for (std::size_t i = 0; i < y.size(); ++i) {
        sum += y[i];
        squares += y[i] * y[i];
        powers += std::exp(y[i]);
        difference += std::pow(y[i] - normal[i], 2) / static_cast<double>(y.size());
    }
    const std::map<std::string, double> scores = {
        {"score.sum", sum},
        {"score.sum_of_squares", squares},
        {"score.max", largest},
        {"score.one_minus_max", 1 - largest},
        {"score.one_minus_max_softmax", 1 - std::exp(largest) / powers},
        {"score.mean_squared_error", difference}};
    const auto found = scores.find(parameter.name);
    return found != scores.end() ? found->second
                                 : y[static_cast<std::size_t>(parameter.values.back())];
}

std::vector<Manifest> every_reduction() {
    std::vector<Manifest> all = {manifest_of("score.element", {0, 3}),
                                 manifest_of("score.element", {1, 0})};
    for (const char* name :
         {"score.sum", "score.sum_of_squares", "score.max", "score.one_minus_max",
          "score.one_minus_max_softmax", "score.mean_squared_error"}) {
        all.push_back(manifest_of(name, {0}));
    }
    return all;
}

TEST(ScoreGradient, of_every_reduction_agrees_with_finite_differences) {
    const engine::Graph graph = smooth_network();
    const std::vector<float> floats = rows_of(6);
    const std::vector<double> rows(floats.begin(), floats.end());
    for (const Manifest& manifest : every_reduction()) {
        auto gradient = ScoreGradient::create(manifest, graph, 6).value();
        std::vector<double> slopes(rows.size());
        ASSERT_TRUE(gradient.differentiate(rows, slopes));
        for (std::size_t i = 0; i < rows.size(); ++i) {
            const auto first = rows.begin() + static_cast<std::ptrdiff_t>(i - i % kInputs);
            std::vector<double> row(first, first + kInputs);
            constexpr double kStep = 1e-5;
            row[i % kInputs] += kStep;
            const double up = reference_score(graph, manifest, row);
            row[i % kInputs] -= 2 * kStep;
            const double slope = (up - reference_score(graph, manifest, row)) / (2 * kStep);
            EXPECT_NEAR(slopes[i], slope, 1e-5 * (1 + std::abs(slope)))
                << manifest.parameters.front().name << " " << i;
        }
    }
}

float largest_error(const Attributions& made) {
    float largest = 0;
    for (const float error : made.completeness_errors) {
        largest = std::max(largest, std::abs(error));
    }
    return largest;
}

TEST(Attribution, shares_sum_to_the_scores_difference) {
    const engine::Graph graph = smooth_network();
    const std::vector<float> rows = rows_of(20);
    for (const Manifest& manifest : every_reduction()) {
        const std::string& name = manifest.parameters.front().name;
        const bool has_kinks = name.ends_with("max");  // another element becomes the largest
        for (const auto& baseline : {std::vector<float>{}, std::vector<float>(kInputs)}) {
            const auto made = explained(manifest, graph, rows, {.baseline = baseline});
            EXPECT_LT(largest_error(made), has_kinks ? 0.02 : 2e-4) << name;
            for (std::size_t row = 0; row < made.scores.size(); ++row) {
                const auto first = made.shares.begin() + static_cast<std::ptrdiff_t>(row * kInputs);
                const double sum = std::accumulate(first, first + kInputs, 0.0);
                EXPECT_NEAR(sum - made.completeness_errors[row],
                            made.scores[row] - made.baseline_score, 1e-5)
                    << name;
            }
        }
    }
}

TEST(Attribution, error_of_the_midpoint_rule_falls_with_the_square_of_the_steps) {
    const Manifest manifest = manifest_of("score.sum_of_squares", {0});
    const auto error_of = [&](std::size_t steps) {
        return largest_error(
            explained(manifest, smooth_network(), rows_of(20), {.steps = steps, .baseline = {}}));
    };
    EXPECT_GT(error_of(4), 8 * error_of(16));
    EXPECT_GT(error_of(1), 1e-3) << "so curved that the steps matter";
}

TEST(Attribution, of_a_row_does_not_depend_on_the_others) {
    const Manifest manifest = manifest_of("score.mean_squared_error", {0});
    const engine::Graph graph = smooth_network();
    std::vector<float> rows = rows_of(5);
    rows[2 * kInputs + 1] = std::numeric_limits<float>::quiet_NaN();
    const auto together = explained(manifest, graph, rows, {.steps = 40, .baseline = {}});
    for (std::size_t row = 0; row < 5; ++row) {
        const auto shares = std::span(together.shares).subspan(row * kInputs, kInputs);
        if (row == 2) {
            EXPECT_THAT(shares, testing::Each(testing::IsNan()));
            EXPECT_TRUE(std::isnan(together.scores[row]));
            EXPECT_TRUE(std::isnan(together.completeness_errors[row]));
            continue;
        }
        const auto alone =
            explained(manifest, graph, std::span(rows).subspan(row * kInputs, kInputs),
                      {.steps = 40, .baseline = {}});
        EXPECT_THAT(shares, testing::ElementsAreArray(alone.shares));
    }
}

TEST(Attribution, what_has_no_gradient_is_refused_with_the_reason) {
    const engine::Graph graph = smooth_network();
    Manifest manifest = manifest_of("score.sum", {0});
    const auto refusal = [&](const engine::Graph& of) {
        const auto made = ScoreGradient::create(manifest, of, 1);
        return made ? "" : made.error();
    };
    EXPECT_EQ(refusal(graph), "");
    const auto model = load_network_model(manifest, {graph}).value();
    EXPECT_NE(own_contributions(*model, rows_of(1)).error().find("is no sum of terms"),
              std::string::npos);
    EXPECT_EQ(preferred_method(*model), AttributionMethod::integrated_gradients);
    engine::GraphBuilder places("places", 1);
    const auto x = places.input("x", {kInputs});
    places.output(places.apply("ArgMax", {x.name}, {{"axis", std::int64_t{1}}}), "y");
    EXPECT_NE(refusal(places.build()), "");
    manifest.kind = "ringer";
    EXPECT_NE(refusal(graph).find("kind 'ringer' has no gradient"), std::string::npos);
    manifest.kind = "onnx";
    set_int8_ranges(manifest, {{.low = -1, .high = 1}});
    EXPECT_NE(refusal(graph).find("8-bit integers"), std::string::npos);
}

TEST(Attribution, largest_shares_are_those_of_the_largest_magnitude) {
    const std::vector<float> shares = {0.5F, -3, 2, 3, 0};
    EXPECT_THAT(largest_shares(shares, 3), testing::ElementsAre(1, 3, 2));
    EXPECT_THAT(largest_shares(shares, 9), testing::ElementsAre(1, 3, 2, 0, 4));
}

}  // namespace
}  // namespace tamis::models
