#include "engine/recurrent_kernels.hpp"

// Highway compiles this file once per instruction set; the best one is chosen when it runs.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/recurrent_kernels.cpp"
#include <hwy/foreach_target.h>
// After the line above, as Highway wants it.
#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace tamis::engine::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// kRows rows, one vector of columns from `column` on, sums in registers.
template <std::size_t kRows, class D>
HWY_INLINE void add_columns(D d, const RowProducts& task, std::size_t row, std::size_t column) {
    static_assert(kRows == 1 || kRows == 4);
    const float* x = task.x + row * task.x_row;
    float* z = task.z + row * task.z_row + column;
    auto sum0 = hn::LoadU(d, z);
    auto sum1 = kRows > 1 ? hn::LoadU(d, z + task.z_row) : sum0;
    auto sum2 = kRows > 1 ? hn::LoadU(d, z + 2 * task.z_row) : sum0;
    auto sum3 = kRows > 1 ? hn::LoadU(d, z + 3 * task.z_row) : sum0;
    for (std::size_t k = 0; k < task.depth; ++k) {
        const auto w = hn::LoadU(d, task.w + k * task.w_row + column);
        const float* xk = x + k * task.x_step;
        sum0 = hn::MulAdd(hn::Set(d, xk[0]), w, sum0);
        if constexpr (kRows > 1) {
            sum1 = hn::MulAdd(hn::Set(d, xk[task.x_row]), w, sum1);
            sum2 = hn::MulAdd(hn::Set(d, xk[2 * task.x_row]), w, sum2);
            sum3 = hn::MulAdd(hn::Set(d, xk[3 * task.x_row]), w, sum3);
        }
    }
    hn::StoreU(sum0, d, z);
    if constexpr (kRows > 1) {
        hn::StoreU(sum1, d, z + task.z_row);
        hn::StoreU(sum2, d, z + 2 * task.z_row);
        hn::StoreU(sum3, d, z + 3 * task.z_row);
    }
}

template <std::size_t kRows>
void add_rows(const RowProducts& task, std::size_t row) {
    const hn::ScalableTag<float> full;
    const hn::CappedTag<float, 1> single;
    std::size_t column = 0;
    for (; column + hn::Lanes(full) <= task.width; column += hn::Lanes(full)) {
        add_columns<kRows>(full, task, row, column);
    }
    for (; column < task.width; ++column) add_columns<kRows>(single, task, row, column);
}

void products(const RowProducts& task) {
    std::size_t row = 0;
    for (; row + 4 <= task.rows; row += 4) add_rows<4>(task, row);
    for (; row < task.rows; ++row) add_rows<1>(task, row);
}

// The library's functions bound their argument and so lose a NaN.
template <class Function>
void apply(float* values, std::size_t count, const Function& function) {
    const hn::ScalableTag<float> full;
    const hn::CappedTag<float, 1> single;
    const auto apply_at = [&](auto d, float* at) {
        const auto x = hn::LoadU(d, at);
        hn::StoreU(hn::IfThenElse(hn::IsNaN(x), x, function(d, x)), d, at);
    };
    std::size_t i = 0;
    for (; i + hn::Lanes(full) <= count; i += hn::Lanes(full)) apply_at(full, values + i);
    for (; i < count; ++i) apply_at(single, values + i);
}

void sigmoid(float* values, std::size_t count) {
    apply(values, count, [](auto d, auto x) {
        const auto one = hn::Set(d, 1.F);
        // Beyond, the exponential overflows and the result is 0 to all digits.
        const auto bounded = hn::Max(x, hn::Set(d, -88.F));
        return hn::Div(one, hn::Add(one, hn::Exp(d, hn::Neg(bounded))));
    });
}

void hyperbolic_tangent(float* values, std::size_t count) {
    apply(values, count, [](auto d, auto x) { return hn::Tanh(d, x); });
}

}  // namespace tamis::engine::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tamis::engine {

HWY_EXPORT(products);
HWY_EXPORT(sigmoid);
HWY_EXPORT(hyperbolic_tangent);

void add_products(const RowProducts& task) noexcept { HWY_DYNAMIC_DISPATCH(products)(task); }

void apply_sigmoid(float* values, std::size_t count) noexcept {
    HWY_DYNAMIC_DISPATCH(sigmoid)(values, count);
}

void apply_tanh(float* values, std::size_t count) noexcept {
    HWY_DYNAMIC_DISPATCH(hyperbolic_tangent)(values, count);
}

}  // namespace tamis::engine
#endif
