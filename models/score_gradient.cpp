#include "models/score_gradient.hpp"

#include <algorithm>
#include <gsl/assert>

#include "engine/input_gradient.hpp"
#include "engine/refusal.hpp"
#include "models/int8_parameters.hpp"

namespace tamis::models {
namespace {}  // namespace

tl::expected<ScoreGradient, std::string> ScoreGradient::create(const Manifest& manifest,
                                                               const engine::Graph& network,
                                                               std::size_t batch) {
    if (manifest.kind != "onnx") {
        return engine::refuse("a model of kind '" + manifest.kind +
                              "' has no gradient by its inputs; right is kind onnx");
    }
    const auto ranges = read_int8_ranges(manifest);
    if (!ranges) {
        return engine::refuse(ranges.error());
    }
    if (!ranges->empty()) {
        return engine::refuse(
            "the model runs in 8-bit integers (which have no derivative); right is the model in "
            "floats that it was made from");
    }
    auto differentiable = engine::make_differentiable_network(network, batch);
    if (!differentiable) {
        return engine::refuse(differentiable.error());
    }
    ScoreGradient made(manifest, *std::move(differentiable));
    std::vector<std::size_t> sizes;
    for (const engine::NetworkPort& port : made.network_->outputs()) {
        sizes.push_back(port.row_size);
    }
    const auto reduction = read_score_reduction(manifest, sizes, made.row_size_);
    if (!reduction) {
        return engine::refuse(reduction.error());
    }
    made.reduction_ = *reduction;
    return made;
}

ScoreGradient::ScoreGradient(const Manifest& manifest,
                             std::unique_ptr<engine::TrainableNetwork> network)
    : network_(std::move(network)), features_(manifest.features) {
    for (const engine::NetworkPort& port : network_->inputs()) {
        row_size_ += port.row_size;
    }
    Expects(features_.empty() || features_.size() == row_size_);
    rows_.resize(batch() * row_size_);
    direct_.resize(rows_.size());
}

bool ScoreGradient::differentiate(std::span<const double> rows, std::span<double> gradients) {
    const std::size_t count = rows.size() / row_size_;
    Expects(rows.size() == count * row_size_ && count <= batch() &&
            gradients.size() == rows.size());
    for (std::size_t i = 0; i < count; ++i) {
        write_row(i, rows.subspan(i * row_size_, row_size_));
    }
    // In training mode, for that is what backward() goes back through; the network has no layer
    // that is another one then.
    if (!network_->forward(count, engine::ForwardMode::training)) {
        return false;
    }
    for (std::size_t port = 0; port < network_->outputs().size(); ++port) {
        std::ranges::fill(network_->output_gradient(port), 0.0F);
    }
    for (std::size_t i = 0; i < count; ++i) {
        write_output_gradient(i);
    }
    if (!network_->backward()) {
        return false;
    }
    for (std::size_t i = 0; i < count; ++i) {
        read_gradient(i, gradients.subspan(i * row_size_, row_size_));
    }
    return true;
}

void ScoreGradient::write_row(std::size_t index, std::span<const double> values) {
    const auto row = std::span(rows_).subspan(index * row_size_, row_size_);
    for (std::size_t i = 0; i < row_size_; ++i) {
        row[i] = static_cast<float>(
            features_.empty() ? values[i] : (values[i] - features_[i].offset) / features_[i].scale);
    }
    std::size_t from = 0;
    for (std::size_t port = 0; port < network_->inputs().size(); ++port) {
        const std::size_t size = network_->inputs()[port].row_size;
        std::ranges::copy(row.subspan(from, size),
                          network_->input(port).subspan(index * size).begin());
        from += size;
    }
}

void ScoreGradient::write_output_gradient(std::size_t index) {
    const std::size_t size = network_->outputs()[reduction_.output].row_size;
    reduce_gradient(reduction_, network_->output(reduction_.output).subspan(index * size, size),
                    std::span(rows_).subspan(index * row_size_, row_size_),
                    network_->output_gradient(reduction_.output).subspan(index * size, size),
                    std::span(direct_).subspan(index * row_size_, row_size_));
}

void ScoreGradient::read_gradient(std::size_t index, std::span<double> gradient) const {
    std::size_t next = 0;
    for (std::size_t port = 0; port < network_->inputs().size(); ++port) {
        const std::size_t size = network_->inputs()[port].row_size;
        for (const float value : network_->input_gradient(port).subspan(index * size, size)) {
            gradient[next] = double{value} + direct_[index * row_size_ + next];
            if (!features_.empty()) {
                gradient[next] /= features_[next].scale;
            }
            ++next;
        }
    }
}

}  // namespace tamis::models
