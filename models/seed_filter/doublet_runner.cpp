#include "models/seed_filter/doublet_runner.hpp"

#include <algorithm>
#include <gsl/assert>
#include <limits>

namespace tamis::models {

namespace {

tl::expected<DoubletNetwork, std::string> make_filter(const SeedFilterSettings& settings,
                                                      const engine::Graph& graph) {
    auto network = engine::Network::compile(graph, {.max_batch = kDoubletBatch});
    if (!network) {
        return tl::unexpected(network.error());
    }
    DoubletNetwork made{*network, settings.layout};
    const auto inputs = (*network)->inputs();
    const auto find_port = [&](std::size_t size) {
        const auto found = std::find_if(inputs.begin(), inputs.end(),
                                        [&](const auto& port) { return port.row_size == size; });
        return static_cast<std::size_t>(found - inputs.begin());
    };
    made.window_port = find_port(window_values(settings.layout));
    made.feature_port = find_port(kDoubletFeatures);
    if (inputs.size() != 2 || made.window_port == inputs.size() ||
        made.feature_port == inputs.size()) {
        return tl::unexpected("the network does not take windows of " +
                              std::to_string(window_values(settings.layout)) +
                              " numbers and 67 features (the layout is " +
                              std::string(to_string(settings.layout)) +
                              "); give the layout that fits");
    }
    if ((*network)->outputs().size() != 1) {
        return tl::unexpected("the network has " + std::to_string((*network)->outputs().size()) +
                              " outputs; give one with the scores of a doublet");
    }
    made.output_size = (*network)->outputs()[0].row_size;
    made.score_index = settings.score_index.value_or(made.output_size - 1);
    if (made.score_index >= made.output_size) {
        return tl::unexpected("parameter score_index is " + std::to_string(made.score_index) +
                              " (the network gives " + std::to_string(made.output_size) +
                              " numbers, counted from 0); name one of them");
    }
    return made;
}

tl::expected<DoubletPrefilter, std::string> make_prefilter(const engine::Graph& graph,
                                                           double threshold) {
    auto network = engine::Network::compile(graph, {.max_batch = kDoubletBatch});
    if (!network) {
        return tl::unexpected(network.error());
    }
    const auto is_one_of = [](std::span<const engine::NetworkPort> ports, std::size_t size) {
        return ports.size() == 1 && ports[0].row_size == size;
    };
    if (!is_one_of((*network)->inputs(), kDoubletFeatures) ||
        !is_one_of((*network)->outputs(), 1)) {
        return tl::unexpected(
            std::string("it does not turn 67 features into one number; give a network that answers "
                        "the probability of a true doublet"));
    }
    return DoubletPrefilter{*std::move(network), static_cast<float>(threshold)};
}

}  // namespace

tl::expected<DoubletNetwork, std::string> make_doublet_network(
    const SeedFilterSettings& settings, std::span<const engine::Graph> graphs) {
    Expects(graphs.size() == (settings.prefilter_threshold ? 2U : 1U));
    auto made = make_filter(settings, graphs[0]);
    if (!made) {
        return tl::unexpected("the filter: " + made.error());
    }
    if (!settings.prefilter_threshold) {
        return made;
    }
    auto prefilter = make_prefilter(graphs[1], *settings.prefilter_threshold);
    if (!prefilter) {
        return tl::unexpected("the pre-filter: " + prefilter.error());
    }
    made->prefilter = *std::move(prefilter);
    return made;
}

DoubletRunner::DoubletRunner(const DoubletNetwork& network)
    : network_(network), runner_(network.network) {
    if (network.prefilter) {
        prefilter_.emplace(network.prefilter->network);
        waiting_.reserve(kDoubletBatch);
    }
}

void DoubletRunner::add(const DoubletView& doublet, float* answer) noexcept {
    if (!prefilter_) {
        ask_network(doublet, answer);
        return;
    }
    std::copy(
        doublet.features.begin(), doublet.features.end(),
        prefilter_->input(0).subspan(waiting_.size() * kDoubletFeatures, kDoubletFeatures).begin());
    waiting_.push_back({doublet, answer});
    if (waiting_.size() == kDoubletBatch) {
        ask_prefilter();
    }
}

void DoubletRunner::flush() noexcept {
    ask_prefilter();
    run_network();
}

void DoubletRunner::ask_prefilter() noexcept {
    if (waiting_.empty()) {
        return;
    }
    const bool failed = prefilter_->run(waiting_.size()) == engine::RunStatus::failed;
    const std::span<const float> probabilities = prefilter_->output(0);
    for (std::size_t row = 0; row < waiting_.size(); ++row) {
        const auto& [doublet, answer] = waiting_[row];
        if (failed || !prefilter_->row_is_finite(row)) {
            *answer = std::numeric_limits<float>::quiet_NaN();
        } else if (probabilities[row] > network_.prefilter->threshold) {
            ask_network(doublet, answer);
        } else {
            *answer = probabilities[row] - 1.0F;
        }
    }
    waiting_.clear();
}

void DoubletRunner::ask_network(const DoubletView& doublet, float* answer) noexcept {
    const std::size_t windows = window_values(network_.layout);
    write_windows(doublet, network_.layout,
                  runner_.input(network_.window_port).subspan(count_ * windows, windows));
    std::copy(doublet.features.begin(), doublet.features.end(),
              runner_.input(network_.feature_port)
                  .subspan(count_ * kDoubletFeatures, kDoubletFeatures)
                  .begin());
    answers_[count_++] = answer;
    if (count_ == kDoubletBatch) {
        run_network();
    }
}

void DoubletRunner::run_network() noexcept {
    if (count_ == 0) {
        return;
    }
    const bool failed = runner_.run(count_) == engine::RunStatus::failed;
    const std::span<const float> output = runner_.output(0);
    for (std::size_t row = 0; row < count_; ++row) {
        *answers_[row] = failed || !runner_.row_is_finite(row)
                             ? std::numeric_limits<float>::quiet_NaN()
                             : output[row * network_.output_size + network_.score_index];
    }
    count_ = 0;
}

}  // namespace tamis::models
