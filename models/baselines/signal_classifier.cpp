#include "models/baselines/signal_classifier.hpp"

#include <gsl/assert>
#include <vector>

#include "engine/graph_builder.hpp"
#include "engine/loss.hpp"
#include "engine/trainer.hpp"

namespace tamis::models {
namespace {

constexpr std::size_t kFewestRows = 20;
constexpr std::size_t kMiniBatch = 250;

struct LabelledRows {
    std::vector<float> values, labels;

    void add(std::span<const float> row, float label) {
        values.insert(values.end(), row.begin(), row.end());
        labels.push_back(label);
    }
    [[nodiscard]] engine::Dataset view() const {
        return {.inputs = {std::span<const float>(values)},
                .target = labels,
                .weight = {},
                .rows = labels.size()};
    }
};

struct DividedRows {
    LabelledRows training, validation;
};

void divide(std::span<const float> rows, std::size_t columns, float label, DividedRows& divided) {
    for (std::size_t row = 0; row < rows.size() / columns; ++row) {
        LabelledRows& to = row % kValidationStep == 0 ? divided.validation : divided.training;
        to.add(rows.subspan(row * columns, columns), label);
    }
}

engine::Graph make_network(const ClassifierOptions& options, std::size_t columns) {
    engine::GraphBuilder net("signal_classifier", options.seed);
    const auto x = net.input("x", {static_cast<std::int64_t>(columns)});
    const auto first = net.relu(net.dense(x, options.hidden, "hidden_1"));
    const auto second = net.relu(net.dense(first, options.hidden, "hidden_2"));
    net.output(net.dense(second, 1, "logit"), "logit");
    return net.build();
}

}  // namespace

tl::expected<engine::Graph, std::string> train_classifier(const ClassifierOptions& options,
                                                          std::span<const float> background,
                                                          std::span<const float> signal,
                                                          std::size_t columns) {
    Expects(columns > 0 && background.size() % columns == 0 && signal.size() % columns == 0);
    for (const std::span<const float> rows : {background, signal}) {
        if (rows.size() / columns < kFewestRows) {
            return tl::make_unexpected(std::to_string(rows.size() / columns) +
                                       " rows of a class; right are " +
                                       std::to_string(kFewestRows) + " or more");
        }
    }
    DividedRows rows;
    divide(background, columns, 0, rows);
    divide(signal, columns, 1, rows);
    const auto network = engine::TrainableNetwork::create(make_network(options, columns),
                                                          {.mini_batch = kMiniBatch});
    if (!network) {
        return tl::make_unexpected(network.error());
    }
    engine::OptimizerConfig adam;
    adam.learning_rate = options.learning_rate;
    engine::Optimizer optimizer(adam);
    engine::TrainerConfig config;
    config.epochs = options.most_epochs;
    config.seed = options.seed;
    config.early_stop_patience = options.stop_epochs;
    config.plateau_patience = 2;
    const engine::BinaryCrossEntropyWithLogits loss(static_cast<double>(background.size()) /
                                                    static_cast<double>(signal.size()));
    const auto report = engine::train(
        **network, optimizer, loss,
        {.training = rows.training.view(), .validation = rows.validation.view()}, config);
    if (!report) {
        return tl::make_unexpected(report.error());
    }
    return (*network)->to_graph();
}

}  // namespace tamis::models
