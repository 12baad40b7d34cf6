#include "models/baselines/baselines.hpp"

#include <algorithm>
#include <cmath>
#include <gsl/assert>
#include <utility>

#include "engine/network.hpp"
#include "models/autoencoder/reconstruction_training.hpp"
#include "models/baselines/principal_components.hpp"
#include "models/baselines/signal_classifier.hpp"
#include "models/vae/feature_scaling.hpp"

namespace tamis::models {
namespace {

using vae::ColumnScaling;

constexpr std::size_t kBatch = 64;

// raw: differences keep their units, as in the published baselines; one common factor brings them
// to the order of one, which changes neither the minimum of a squared error nor the order of
// scores. standardised: each feature weighs alike.
enum class Units : std::uint8_t { raw, standardised };

ColumnScaling scaling_of(const FeatureTable& table, Units units) {
    const std::size_t columns = table.columns.size();
    ColumnScaling scaling{.offset = std::vector<double>(columns), .scale = {}};
    std::vector<double> variance(columns);
    const auto rows = static_cast<double>(table.rows());
    for (std::size_t i = 0; i < table.values.size(); ++i) {
        scaling.offset[i % columns] += table.values[i] / rows;
    }
    for (std::size_t i = 0; i < table.values.size(); ++i) {
        const double difference = table.values[i] - scaling.offset[i % columns];
        variance[i % columns] += difference * difference / rows;
    }
    double sum = 0;
    for (const double each : variance) {
        sum += each;
    }
    const double together = sum > 0 ? std::sqrt(sum / static_cast<double>(columns)) : 1;
    for (const double each : variance) {
        const double width = each > 0 ? std::sqrt(each) : 1;
        scaling.scale.push_back(units == Units::raw ? together : width);
    }
    return scaling;
}

// Rows through a network, 64 at a time; `of_row` makes a score of a row and its output.
using RowAnswer = double (*)(std::span<const float> row, std::span<const float> output);

std::vector<float> network_scores(const std::shared_ptr<const engine::Network>& network,
                                  const std::vector<float>& values, RowAnswer of_row) {
    engine::NetworkRunner runner(network);
    const std::size_t in = network->inputs().front().row_size;
    const std::size_t out = network->outputs().front().row_size;
    std::vector<float> scores(values.size() / in);
    for (std::size_t first = 0; first < scores.size(); first += kBatch) {
        const std::size_t count = std::min(kBatch, scores.size() - first);
        const auto rows = std::span(values).subspan(first * in, count * in);
        std::copy(rows.begin(), rows.end(), runner.input(0).begin());
        Ensures(runner.run(count) != engine::RunStatus::failed);
        for (std::size_t i = 0; i < count; ++i) {
            scores[first + i] = static_cast<float>(
                of_row(rows.subspan(i * in, in), runner.output(0).subspan(i * out, out)));
        }
    }
    return scores;
}

double squared_error(std::span<const float> row, std::span<const float> output) {
    double sum = 0;
    for (std::size_t i = 0; i < row.size(); ++i) {
        const double difference = double{output[i]} - row[i];
        sum += difference * difference;
    }
    return sum / static_cast<double>(row.size());
}

double first_output(std::span<const float> /*row*/, std::span<const float> output) {
    return output.front();
}

tl::expected<RowScore, std::string> score_of_network(const engine::Graph& graph,
                                                     ColumnScaling scaling, RowAnswer of_row) {
    auto network = engine::Network::compile(graph, {.max_batch = kBatch});
    if (!network) {
        return tl::make_unexpected(network.error());
    }
    return [network = *std::move(network), scaling = std::move(scaling),
            of_row](const FeatureTable& table) {
        return network_scores(network, scaled(table, scaling), of_row);
    };
}

class BaselineTrainer {
 public:
    BaselineTrainer(const BaselineOptions& options, const FeatureTable& background)
        : options_(options), background_(background) {}

    [[nodiscard]] tl::expected<RowScore, std::string> autoencoder(Units units) const {
        const ColumnScaling scaling = scaling_of(background_, units);
        const std::vector<float> values = scaled(background_, scaling);
        const std::size_t columns = background_.columns.size();
        std::vector<float> training;
        std::vector<float> validation;
        for (std::size_t row = 0; row < background_.rows(); ++row) {
            auto& to = row % kValidationStep == 0 ? validation : training;
            const auto from = std::span(values).subspan(row * columns, columns);
            to.insert(to.end(), from.begin(), from.end());
        }
        ReconstructionOptions options;
        options.seed = options_.seed;
        options.most_epochs = options_.autoencoder_epochs;
        options.noise_width = 0;
        options.l2 = 0;
        const auto outcome = train_reconstruction(
            options, {.columns = columns, .hidden = options_.hidden, .latent = options_.latent},
            training, validation, {});
        if (!outcome) {
            return tl::make_unexpected(outcome.error());
        }
        return score_of_network(outcome->scoring_graph, scaling, squared_error);
    }

    [[nodiscard]] RowScore principal_components(Units units) const {
        const ColumnScaling scaling = scaling_of(background_, units);
        const std::size_t columns = background_.columns.size();
        return [components =
                    PrincipalComponents(scaled(background_, scaling), columns, options_.latent),
                scaling, columns](const FeatureTable& table) {
            const std::vector<float> values = scaled(table, scaling);
            std::vector<float> scores(table.rows());
            for (std::size_t row = 0; row < scores.size(); ++row) {
                scores[row] = static_cast<float>(components.reconstruction_error(
                    std::span(values).subspan(row * columns, columns)));
            }
            return scores;
        };
    }

    [[nodiscard]] tl::expected<RowScore, std::string> classifier(const FeatureTable& signal) const {
        const ColumnScaling scaling = scaling_of(background_, Units::standardised);
        ClassifierOptions options;
        options.seed = options_.seed;
        options.hidden = static_cast<std::int64_t>(options_.hidden);
        options.most_epochs = options_.classifier_epochs;
        const auto graph = train_classifier(options, scaled(background_, scaling),
                                            scaled(signal, scaling), signal.columns.size());
        if (!graph) {
            return tl::make_unexpected(graph.error());
        }
        return score_of_network(*graph, scaling, first_output);
    }

 private:
    const BaselineOptions& options_;
    const FeatureTable& background_;
};

std::string shape_text(const BaselineOptions& options, std::size_t columns) {
    return std::to_string(columns) + "-" + std::to_string(options.hidden) + "-" +
           std::to_string(options.hidden) + "-";
}

tl::unexpected<std::string> refuse(const std::string& name, const std::string& why) {
    return tl::make_unexpected(name + ": " + why);
}

}  // namespace

tl::expected<std::vector<Baseline>, std::string> train_baselines(
    const BaselineOptions& options, const FeatureTable& background, std::span<const Sample> signals,
    const std::function<void(const std::string&)>& on_progress) {
    Expects(options.latent < background.columns.size());
    if (background.rows() < 2 * kValidationStep) {
        return refuse("baselines", std::to_string(background.rows()) +
                                       " background events; right are 20 or more");
    }
    const BaselineTrainer trainer(options, background);
    std::vector<Baseline> made;
    for (const Units units : {Units::raw, Units::standardised}) {
        const std::string of = units == Units::raw ? "raw" : "standardised";
        on_progress("training an autoencoder on " + of + " features");
        auto score = trainer.autoencoder(units);
        if (!score) {
            return refuse("autoencoder on " + of + " features", score.error());
        }
        const std::string shape = shape_text(options, background.columns.size());
        made.push_back({"autoencoder",
                        "autoencoder, " + of,
                        std::string("mean squared error of the reconstruction of ")
                            .append(of)
                            .append(" features, ")
                            .append(shape)
                            .append(std::to_string(options.latent))
                            .append(" and back"),
                        false,
                        {*std::move(score)}});
        made.push_back({"pca",
                        "PCA, " + of,
                        "mean squared error where " + std::to_string(options.latent) +
                            " principal components of " + of + " features are kept",
                        false,
                        {trainer.principal_components(units)}});
    }
    Baseline supervised{"dnn",
                        "supervised network",
                        "logit of a network " + shape_text(options, background.columns.size()) +
                            "1 that learnt this signal against the background: a bound, no rival",
                        true,
                        {}};
    for (const Sample& signal : signals) {
        on_progress("training a classifier of " + signal.name);
        auto score = trainer.classifier(signal.table);
        if (!score) {
            return refuse("classifier of " + signal.name, score.error());
        }
        supervised.scores.push_back(*std::move(score));
    }
    made.push_back(std::move(supervised));
    return made;
}

}  // namespace tamis::models
