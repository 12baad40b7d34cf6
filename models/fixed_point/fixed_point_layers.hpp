// The steps of a fixed-point network over raw values in 32-bit integers. Sums run in 32-bit vector
// code where the largest value that any input can give is proved to stay in the accumulator, else
// one by one in 64 bits with the accumulator's modes after each; both give the same bits. Made
// once, cold; then immutable, any thread, no allocation.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "models/fixed_point/fixed_point_conversion.hpp"
#include "models/fixed_point/layer_table.hpp"

namespace tamis::models {

// Which way sums may run. one_by_one is what the table says literally: the oracle of tests.
enum class SumOrder : std::uint8_t { any_where_proved, one_by_one };

using RawValues = std::span<const std::int32_t>;

// Weighted sums of one row.
class DenseLayer {
 public:
    // The error says which type does not fit.
    [[nodiscard]] static tl::expected<DenseLayer, std::string> make(const LayerStep& step,
                                                                    std::size_t inputs,
                                                                    std::size_t outputs,
                                                                    SumOrder order);
    // 16-bit integers that run() needs to work in.
    [[nodiscard]] std::size_t scratch_size() const noexcept { return stride_; }
    [[nodiscard]] bool is_proved() const noexcept { return !narrow_weights_.empty(); }
    void run(RawValues from, std::span<std::int32_t> to,
             std::span<std::int16_t> scratch) const noexcept;
    // Of many rows at once, for a layer of few inputs that is proved: `columns` holds input by
    // input the values of `rows` rows, `to` gets row by row the outputs, `sums` is as long as a
    // column.
    void run_columns(std::span<const std::int16_t> columns, std::size_t rows,
                     std::span<std::int32_t> to, std::span<std::int32_t> sums) const noexcept;

 private:
    DenseLayer(const Conversion& product, const Conversion& sum, const Conversion& result)
        : product_(product), sum_(sum), result_(result) {}

    [[nodiscard]] bool prove(const LayerStep& step);
    void run_proved(RawValues from, std::span<std::int32_t> to,
                    std::span<std::int16_t> scratch) const noexcept;
    void run_one_by_one(RawValues from, std::span<std::int32_t> to) const noexcept;

    Conversion product_, sum_, result_;
    std::size_t inputs_ = 0, outputs_ = 0;
    std::size_t stride_ = 0;                    // inputs rounded up to whole vectors
    int raise_ = 0;                             // from a product's fraction to the accumulator's
    std::vector<std::int32_t> weights_;         // [output][input]
    std::vector<std::int64_t> bias_;            // in the accumulator's type
    std::vector<std::int16_t> narrow_weights_;  // [output][stride_], zeros at the end; or empty
    std::vector<std::int32_t> narrow_bias_;
};

// The same sums over each window of an image.
class ConvolutionLayer {
 public:
    [[nodiscard]] static tl::expected<ConvolutionLayer, std::string> make(const LayerStep& step,
                                                                          SumOrder order);
    [[nodiscard]] const DenseLayer& filters() const noexcept { return filters_; }
    // What run() needs to work in: 16-bit integers in `narrow`, 32-bit ones in `window`.
    [[nodiscard]] std::size_t narrow_size() const noexcept { return places_.size(); }
    [[nodiscard]] std::size_t window_size() const noexcept {
        return std::max(window_size_, window_count_);
    }
    void run(RawValues from, std::span<std::int32_t> to, std::span<std::int16_t> narrow,
             std::span<std::int32_t> window) const noexcept;

 private:
    explicit ConvolutionLayer(DenseLayer filters) : filters_(std::move(filters)) {}

    DenseLayer filters_;
    std::size_t window_size_ = 0, window_count_ = 0, filter_count_ = 0;
    std::vector<std::uint32_t> places_;  // in the image: of the first value of each window, ...
};

// Value by value.
struct ActivationLayer {
    Conversion result;
    Conversion::Ramp ramp = Conversion::Ramp::all;

    [[nodiscard]] static tl::expected<ActivationLayer, std::string> make(const LayerStep& step);
    void run(RawValues from, std::span<std::int32_t> to) const noexcept {
        result.convert(from, to, ramp);
    }
};

struct SquareSumLayer {
    Conversion square, sum;

    [[nodiscard]] static tl::expected<SquareSumLayer, std::string> make(const LayerStep& step);
    // `squares` has a place for each value.
    void run(RawValues from, std::span<std::int32_t> to,
             std::span<std::int64_t> squares) const noexcept;
};

struct DifferenceLayer {
    Conversion result;
    int raise_first = 0, raise_second = 0;  // to the finer of both fractions

    [[nodiscard]] static tl::expected<DifferenceLayer, std::string> make(const LayerStep& step);
    void run(RawValues first, RawValues second, std::span<std::int32_t> to) const noexcept;
};

struct DotLayer {
    Conversion product, sum, result;

    [[nodiscard]] static tl::expected<DotLayer, std::string> make(const LayerStep& step);
    void run(RawValues first, RawValues second, std::span<std::int32_t> to) const noexcept;
};

}  // namespace tamis::models
