// Losses of a batch and their gradients. Stateless after construction; any thread.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <vector>

namespace tamis::engine {

// A batch as a loss sees it, row-major.
struct LossBatch {
    std::span<const float> output;  // rows x width, what the network gave
    std::span<const float> target;  // rows x target width
    std::span<const float> weight;  // one per row; empty: all 1
    std::size_t rows = 0;
    std::size_t width = 0;  // outputs per row
};

// Value: sum over rows of weight * loss(row), divided by rows. gradient (rows x width): its
// derivative by the output.
class Loss {
 public:
    virtual ~Loss() = default;
    [[nodiscard]] virtual double evaluate(const LossBatch& batch,
                                          std::span<float> gradient) const = 0;
    // Floats of target per row for a network of this many outputs.
    [[nodiscard]] virtual std::size_t target_width(std::size_t width) const { return width; }
    // Error: a target that has no meaning, with its row. evaluate() relies on it.
    [[nodiscard]] virtual tl::expected<void, std::string> check_targets(
        std::span<const float> targets, std::size_t width) const;
    [[nodiscard]] virtual std::string name() const = 0;
};

// Mean over the outputs of (output - target)^2.
class MeanSquaredError final : public Loss {
 public:
    [[nodiscard]] double evaluate(const LossBatch& batch, std::span<float> gradient) const override;
    [[nodiscard]] std::string name() const override { return "mean squared error"; }
};

// Mean over the outputs of the binary cross-entropy of sigmoid(output), targets 0..1; a target t
// weighs t * positive_weight + (1 - t): the weight of the positive class.
class BinaryCrossEntropyWithLogits final : public Loss {
 public:
    explicit BinaryCrossEntropyWithLogits(double positive_weight = 1.0)
        : positive_weight_(positive_weight) {}
    [[nodiscard]] double evaluate(const LossBatch& batch, std::span<float> gradient) const override;
    [[nodiscard]] tl::expected<void, std::string> check_targets(std::span<const float> targets,
                                                                std::size_t width) const override;
    [[nodiscard]] std::string name() const override { return "binary cross-entropy"; }

 private:
    double positive_weight_;
};

// Cross-entropy of softmax(output) against one class index per row (target width 1), each class
// with its own weight.
class CategoricalCrossEntropyWithLogits final : public Loss {
 public:
    // Empty: every class weighs 1.
    explicit CategoricalCrossEntropyWithLogits(std::vector<double> class_weights = {})
        : class_weights_(std::move(class_weights)) {}
    [[nodiscard]] double evaluate(const LossBatch& batch, std::span<float> gradient) const override;
    [[nodiscard]] std::size_t target_width(std::size_t) const override { return 1; }
    [[nodiscard]] tl::expected<void, std::string> check_targets(std::span<const float> targets,
                                                                std::size_t width) const override;
    [[nodiscard]] std::string name() const override { return "categorical cross-entropy"; }

 private:
    std::vector<double> class_weights_;
};

}  // namespace tamis::engine
