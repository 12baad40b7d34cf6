// A layer table that runs: whole numbers in, one raw score out, in integers from end to end. The
// network is immutable and shared; a runner belongs to one thread and allocates nothing after its
// construction. A score depends on its row alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <variant>
#include <vector>

#include "models/fixed_point/fixed_point_layers.hpp"

namespace tamis::models {

// Inputs are whole numbers below it in size: what single precision holds exactly.
inline constexpr std::int32_t kInputBound = 1 << 24;

class FixedPointNetwork {
 public:
    // Errors name the step: an input that no earlier step answers, or of another type or length; a
    // type too wide for a value (kMostValueBits with the sign); no value "score" at the end; a
    // score that single precision cannot hold.
    [[nodiscard]] static tl::expected<std::shared_ptr<const FixedPointNetwork>, std::string>
    compile(const LayerTable& table, SumOrder order = SumOrder::any_where_proved);

    [[nodiscard]] std::size_t input_size() const noexcept { return input_size_; }
    [[nodiscard]] const FixedPointType& score_type() const noexcept { return score_type_; }

    // What the last step that joins several values into one reads: why a score is what it is.
    [[nodiscard]] const std::string& terms_name() const noexcept { return terms_name_; }
    [[nodiscard]] std::size_t terms_size() const noexcept { return terms_.size; }
    [[nodiscard]] const FixedPointType& terms_type() const noexcept { return terms_type_; }

    // Layers of weighted sums, and those of them that run in vector code.
    [[nodiscard]] std::size_t sum_layers() const noexcept { return sum_layers_; }
    [[nodiscard]] std::size_t proved_layers() const noexcept { return proved_layers_; }

 private:
    friend class FixedPointRunner;
    friend class NetworkAssembly;

    // A part of the runner's values.
    struct Place {
        std::size_t first = 0, size = 0;
    };
    using Layer = std::variant<DenseLayer, ConvolutionLayer, ActivationLayer, SquareSumLayer,
                               DifferenceLayer, DotLayer>;
    struct Step {
        Layer layer;
        Place input, second, output;
    };
    struct LeftShift {
        std::size_t input;
        int bits;
    };
    struct Scaling {
        Conversion unscaled, difference, left_shift, input;
        int raise_input = 0;                // to the finer fraction of input and offset
        std::vector<std::int32_t> offsets;  // in it
        std::vector<std::int32_t> right_shifts;
        std::vector<LeftShift> left_shifts;  // the few inputs that have one
    };

    FixedPointNetwork() = default;

    std::size_t input_size_ = 0;
    std::vector<Scaling> scaling_;         // one or none
    std::vector<Conversion> plain_input_;  // likewise: one of both
    std::vector<Step> steps_;
    std::size_t value_count_ = 0, narrow_count_ = 0, window_count_ = 0, wide_count_ = 0;
    FixedPointType score_type_, terms_type_;
    std::string terms_name_;
    Place score_, terms_;
    std::size_t sum_layers_ = 0, proved_layers_ = 0;
};

class FixedPointRunner {
 public:
    explicit FixedPointRunner(std::shared_ptr<const FixedPointNetwork> network);

    // Raw value of score_type(). row: input_size() whole numbers below kInputBound in size.
    [[nodiscard]] std::int32_t score(RawValues row) noexcept;
    // Of the last score(); raw values of terms_type().
    [[nodiscard]] RawValues terms() const noexcept {
        return RawValues(values_).subspan(network_->terms_.first, network_->terms_.size);
    }

 private:
    void scale(RawValues row) noexcept;

    std::shared_ptr<const FixedPointNetwork> network_;
    std::vector<std::int32_t> values_;  // inputs of the first layer, then each step's answer
    std::vector<std::int16_t> narrow_;
    std::vector<std::int32_t> window_;
    std::vector<std::int64_t> wide_;
};

}  // namespace tamis::models
