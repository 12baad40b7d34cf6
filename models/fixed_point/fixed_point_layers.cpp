#include "models/fixed_point/fixed_point_layers.hpp"

#include <algorithm>
#include <gsl/assert>
#include <limits>

namespace tamis::models {
namespace {

constexpr std::size_t kVectorValues = 16;

tl::unexpected<std::string> refuse_step(const LayerStep& step, const std::string& what) {
    return tl::make_unexpected(step.place + ": " + what);
}

int product_bits(const FixedPointType& one, const FixedPointType& other) {
    return signed_bits(one) + signed_bits(other);
}

// A decimal array in its type, which values of the network must be able to hold.
tl::expected<std::vector<std::int32_t>, std::string> raw_constants(
    const LayerStep& step, const std::vector<double>& constants, const FixedPointType& type) {
    if (signed_bits(type) > kMostValueBits) {
        return refuse_step(step, to_string(type) +
                                     " is too wide for a constant; right are at most " +
                                     std::to_string(kMostValueBits) + " bits with the sign");
    }
    std::vector<std::int32_t> raw;
    raw.reserve(constants.size());
    for (const double constant : constants) {
        const auto value = fixed_point_of(constant, type);
        if (!value) {
            return refuse_step(step, value.error());
        }
        raw.push_back(static_cast<std::int32_t>(*value));
    }
    return raw;
}

bool fits_16_bits(const FixedPointType& type) {
    return lowest(type) >= std::numeric_limits<std::int16_t>::min() &&
           highest(type) <= std::numeric_limits<std::int16_t>::max();
}

}  // namespace

tl::expected<DenseLayer, std::string> DenseLayer::make(const LayerStep& step, std::size_t inputs,
                                                       std::size_t outputs, SumOrder order) {
    const FixedPointType& accumulator = step.accumulator_type;
    const auto weights = raw_constants(step, step.weights, step.weight_type);
    const auto bias = raw_constants(step, step.bias, step.bias_type);
    if (!weights || !bias) {
        return tl::make_unexpected(weights ? bias.error() : weights.error());
    }
    const auto product =
        Conversion::between(product_bits(step.input_type, step.weight_type),
                            step.input_type.fraction + step.weight_type.fraction, accumulator);
    const auto sum =
        Conversion::between(signed_bits(accumulator) + 1, accumulator.fraction, accumulator);
    const auto start = Conversion::between(step.bias_type, accumulator);
    const auto result = Conversion::between(accumulator, step.result_type);
    for (const auto* conversion : {&product, &sum, &start, &result}) {
        if (!*conversion) {
            return refuse_step(step, conversion->error());
        }
    }
    DenseLayer layer(*product, *sum, *result);
    layer.inputs_ = inputs;
    layer.outputs_ = outputs;
    layer.weights_ = *weights;
    layer.raise_ = accumulator.fraction - step.input_type.fraction - step.weight_type.fraction;
    for (const std::int32_t value : *bias) {
        layer.bias_.push_back((*start)(value));
    }
    if (step.kind == LayerKind::dense) {
        for (std::size_t out = 0; out < outputs; ++out) {
            for (std::size_t in = 0; in < inputs; ++in) {
                layer.weights_[out * inputs + in] = (*weights)[in * outputs + out];
            }
        }
    }
    if (order == SumOrder::any_where_proved && layer.prove(step)) {
        layer.stride_ = (inputs + kVectorValues - 1) / kVectorValues * kVectorValues;
        layer.narrow_weights_.resize(outputs * layer.stride_);
        for (std::size_t out = 0; out < outputs; ++out) {
            for (std::size_t in = 0; in < inputs; ++in) {
                layer.narrow_weights_[out * layer.stride_ + in] =
                    static_cast<std::int16_t>(layer.weights_[out * inputs + in]);
            }
        }
        layer.narrow_bias_.assign(layer.bias_.begin(), layer.bias_.end());
    }
    return layer;
}

// Every sum of some of the products and the bias, for any input of the input's type, lies in the
// accumulator and in 32 bits, and no product loses a bit: then order and modes have no effect.
bool DenseLayer::prove(const LayerStep& step) {
    constexpr std::int64_t kLeast = std::numeric_limits<std::int32_t>::min();
    constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
    constexpr int kMostRaise = 30;
    if (raise_ < 0 || raise_ > kMostRaise || !fits_16_bits(step.input_type) ||
        !fits_16_bits(step.weight_type)) {
        return false;
    }
    const std::int64_t low = std::max(lowest(step.accumulator_type), kLeast);
    const std::int64_t high = std::min(highest(step.accumulator_type), kMost);
    for (std::size_t out = 0; out < outputs_; ++out) {
        std::int64_t least = std::min<std::int64_t>(bias_[out], 0);
        std::int64_t most = std::max<std::int64_t>(bias_[out], 0);
        for (std::size_t in = 0; in < inputs_; ++in) {
            const std::int64_t weight = weights_[out * inputs_ + in];
            const std::int64_t one = lowest(step.input_type) * weight;
            const std::int64_t other = highest(step.input_type) * weight;
            // Products of 16-bit numbers, at most 65536 of them, raised by at most 30 bits.
            least += std::min({one, other, std::int64_t{0}}) * (std::int64_t{1} << raise_);
            most += std::max({one, other, std::int64_t{0}}) * (std::int64_t{1} << raise_);
            if (least < low || most > high) {
                return false;
            }
        }
    }
    return true;
}

void DenseLayer::run(RawValues from, std::span<std::int32_t> to,
                     std::span<std::int16_t> scratch) const noexcept {
    Expects(from.size() == inputs_ && to.size() == outputs_);
    if (is_proved()) {
        run_proved(from, to, scratch);
    } else {
        run_one_by_one(from, to);
    }
}

void DenseLayer::run_proved(RawValues from, std::span<std::int32_t> to,
                            std::span<std::int16_t> scratch) const noexcept {
    Expects(scratch.size() >= stride_);
    std::int16_t* const row = scratch.data();
    for (std::size_t in = 0; in < inputs_; ++in) {
        row[in] = static_cast<std::int16_t>(from[in]);
    }
    // Their weights are 0, but they must be numbers.
    std::fill(row + inputs_, row + stride_, std::int16_t{0});
    const std::int16_t* weights = narrow_weights_.data();
    for (std::size_t out = 0; out < outputs_; ++out, weights += stride_) {
        std::int32_t sum = 0;
        for (std::size_t in = 0; in < stride_; ++in) {
            sum += std::int32_t{row[in]} * std::int32_t{weights[in]};
        }
        to[out] = sum * (std::int32_t{1} << raise_) + narrow_bias_[out];
    }
    if (!result_.is_identity()) {
        result_.convert(to, to, Conversion::Ramp::all);
    }
}

void DenseLayer::run_columns(std::span<const std::int16_t> columns, std::size_t rows,
                             std::span<std::int32_t> to,
                             std::span<std::int32_t> sums) const noexcept {
    Expects(is_proved() && columns.size() >= inputs_ * rows && sums.size() >= rows);
    Expects(to.size() == outputs_ * rows);
    std::int32_t* const sum = sums.data();
    for (std::size_t out = 0; out < outputs_; ++out) {
        std::fill(sum, sum + rows, 0);
        for (std::size_t in = 0; in < inputs_; ++in) {
            const std::int16_t* const column = columns.data() + in * rows;
            const std::int32_t weight = narrow_weights_[out * stride_ + in];
            for (std::size_t row = 0; row < rows; ++row) {
                sum[row] += column[row] * weight;
            }
        }
        for (std::size_t row = 0; row < rows; ++row) {
            to[row * outputs_ + out] = sum[row] * (std::int32_t{1} << raise_) + narrow_bias_[out];
        }
    }
    if (!result_.is_identity()) {
        result_.convert(to, to, Conversion::Ramp::all);
    }
}

void DenseLayer::run_one_by_one(RawValues from, std::span<std::int32_t> to) const noexcept {
    const std::int32_t* weights = weights_.data();
    for (std::size_t out = 0; out < outputs_; ++out, weights += inputs_) {
        std::int64_t sum = bias_[out];
        for (std::size_t in = 0; in < inputs_; ++in) {
            sum = sum_(sum + product_(std::int64_t{from[in]} * weights[in]));
        }
        to[out] = static_cast<std::int32_t>(result_(sum));
    }
}

tl::expected<ConvolutionLayer, std::string> ConvolutionLayer::make(const LayerStep& step,
                                                                   SumOrder order) {
    const ImageWindow& window = step.window;
    const std::size_t size = window.kernel_rows * window.kernel_columns;
    auto filters = DenseLayer::make(step, size, step.bias.size(), order);
    if (!filters) {
        return tl::make_unexpected(filters.error());
    }
    ConvolutionLayer layer(std::move(*filters));
    layer.window_size_ = size;
    layer.window_count_ = window.out_rows * window.out_columns;
    layer.filter_count_ = step.bias.size();
    for (std::size_t place = 0; place < size; ++place) {
        for (std::size_t out = 0; out < layer.window_count_; ++out) {
            const std::size_t row =
                out / window.out_columns * window.stride_rows + place / window.kernel_columns;
            const std::size_t column =
                out % window.out_columns * window.stride_columns + place % window.kernel_columns;
            layer.places_.push_back(static_cast<std::uint32_t>(row * window.columns + column));
        }
    }
    return layer;
}

void ConvolutionLayer::run(RawValues from, std::span<std::int32_t> to,
                           std::span<std::int16_t> narrow,
                           std::span<std::int32_t> window) const noexcept {
    Expects(narrow.size() >= narrow_size() && window.size() >= window_size());
    if (filters_.is_proved()) {
        for (std::size_t i = 0; i < places_.size(); ++i) {
            narrow[i] = static_cast<std::int16_t>(from[places_[i]]);
        }
        filters_.run_columns(narrow, window_count_, to, window);
        return;
    }
    const auto values = window.first(window_size_);
    for (std::size_t out = 0; out < window_count_; ++out) {
        for (std::size_t place = 0; place < window_size_; ++place) {
            values[place] = from[places_[place * window_count_ + out]];
        }
        filters_.run(values, to.subspan(out * filter_count_, filter_count_), {});
    }
}

tl::expected<ActivationLayer, std::string> ActivationLayer::make(const LayerStep& step) {
    const auto result = Conversion::between(step.input_type, step.result_type);
    if (!result) {
        return refuse_step(step, result.error());
    }
    return ActivationLayer{*result, step.kind == LayerKind::relu ? Conversion::Ramp::positive_part
                                                                 : Conversion::Ramp::all};
}

tl::expected<SquareSumLayer, std::string> SquareSumLayer::make(const LayerStep& step) {
    const auto square = Conversion::between(product_bits(step.input_type, step.input_type),
                                            2 * step.input_type.fraction, step.product_type);
    const int bits =
        std::max(signed_bits(step.product_type), signed_bits(step.accumulator_type)) + 1;
    const auto sum =
        Conversion::between(bits, step.accumulator_type.fraction, step.accumulator_type);
    if (!square || !sum) {
        return refuse_step(step, square ? sum.error() : square.error());
    }
    if (step.product_type.fraction != step.accumulator_type.fraction) {
        return refuse_step(step,
                           "squares and their sum differ in fractional bits; right are the same");
    }
    return SquareSumLayer{*square, *sum};
}

void SquareSumLayer::run(RawValues from, std::span<std::int32_t> to,
                         std::span<std::int64_t> squares) const noexcept {
    Expects(squares.size() >= from.size() && to.size() == 1);
    for (std::size_t i = 0; i < from.size(); ++i) {
        squares[i] = square(std::int64_t{from[i]} * from[i]);
    }
    // Neighbours in pairs, then pairs of pairs; one that is left over waits for the next round.
    std::size_t count = from.size();
    for (; count > 1; count = (count + 1) / 2) {
        for (std::size_t pair = 0; pair < count / 2; ++pair) {
            squares[pair] = sum(squares[2 * pair] + squares[2 * pair + 1]);
        }
        if (count % 2 == 1) {
            squares[count / 2] = squares[count - 1];
        }
    }
    to[0] = static_cast<std::int32_t>(sum(squares[0]));
}

tl::expected<DifferenceLayer, std::string> DifferenceLayer::make(const LayerStep& step) {
    const int fraction = std::max(step.input_type.fraction, step.second_type.fraction);
    const int raise_first = fraction - step.input_type.fraction;
    const int raise_second = fraction - step.second_type.fraction;
    const int bits = std::max(signed_bits(step.input_type) + raise_first,
                              signed_bits(step.second_type) + raise_second) +
                     1;
    const auto result = Conversion::between(bits, fraction, step.result_type);
    if (!result) {
        return refuse_step(step, result.error());
    }
    return DifferenceLayer{*result, raise_first, raise_second};
}

void DifferenceLayer::run(RawValues first, RawValues second,
                          std::span<std::int32_t> to) const noexcept {
    Expects(first.size() == to.size() && second.size() == to.size());
    for (std::size_t i = 0; i < to.size(); ++i) {
        to[i] = static_cast<std::int32_t>(result((std::int64_t{first[i]} << raise_first) -
                                                 (std::int64_t{second[i]} << raise_second)));
    }
}

tl::expected<DotLayer, std::string> DotLayer::make(const LayerStep& step) {
    const FixedPointType& accumulator = step.accumulator_type;
    const auto product =
        Conversion::between(product_bits(step.input_type, step.second_type),
                            step.input_type.fraction + step.second_type.fraction, accumulator);
    const auto sum =
        Conversion::between(signed_bits(accumulator) + 1, accumulator.fraction, accumulator);
    const auto result = Conversion::between(accumulator, step.result_type);
    for (const auto* conversion : {&product, &sum, &result}) {
        if (!*conversion) {
            return refuse_step(step, conversion->error());
        }
    }
    return DotLayer{*product, *sum, *result};
}

void DotLayer::run(RawValues first, RawValues second, std::span<std::int32_t> to) const noexcept {
    Expects(first.size() == second.size() && to.size() == 1);
    std::int64_t total = 0;
    for (std::size_t i = 0; i < first.size(); ++i) {
        total = sum(total + product(std::int64_t{first[i]} * second[i]));
    }
    to[0] = static_cast<std::int32_t>(result(total));
}

}  // namespace tamis::models
