#include "models/seed_filter/doublet_runner.hpp"

#include <algorithm>
#include <limits>

namespace tamis::models {

tl::expected<DoubletNetwork, std::string> make_doublet_network(const SeedFilterSettings& settings,
                                                               const engine::Graph& graph) {
    auto network = engine::Network::compile(graph, {.max_batch = kDoubletBatch});
    if (!network) {
        return tl::unexpected(network.error());
    }
    DoubletNetwork made{*network, settings.layout, 0, 0, 0, 0};
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

DoubletRunner::DoubletRunner(const DoubletNetwork& network)
    : network_(network), runner_(network.network) {}

void DoubletRunner::add(const DoubletView& doublet, float* answer) noexcept {
    const std::size_t windows = window_values(network_.layout);
    write_windows(doublet, network_.layout,
                  runner_.input(network_.window_port).subspan(count_ * windows, windows));
    std::copy(doublet.features.begin(), doublet.features.end(),
              runner_.input(network_.feature_port)
                  .subspan(count_ * kDoubletFeatures, kDoubletFeatures)
                  .begin());
    answers_[count_++] = answer;
    if (count_ == kDoubletBatch) {
        flush();
    }
}

void DoubletRunner::flush() noexcept {
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
