#include "engine/optimizer_kernels.hpp"

// Highway compiles this file once per instruction set; the best one is chosen when it runs.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/optimizer_kernels.cpp"
#include <hwy/foreach_target.h>
// After the line above, as Highway wants it.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace tamis::engine::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// One vector's step: gradient, weight and state in, the new weight out and state written. Products
// and sums are separate on purpose: a fused one would round once less where there is one.
template <class D, class V>
struct Step {
    D d;
    const UpdateNumbers& numbers;
    float* first;
    float* second;

    [[nodiscard]] V all(float value) const { return hn::Set(d, value); }
    // keep * old + new, written back.
    [[nodiscard]] V moved(float* state, float keep, V added) const {
        const V next = hn::Add(hn::Mul(all(keep), hn::LoadU(d, state)), added);
        hn::StoreU(next, d, state);
        return next;
    }
    [[nodiscard]] V mean_of_squares(V gradient) const {
        const V part = hn::Mul(hn::Mul(all(1.F - numbers.keep_second), gradient), gradient);
        return moved(second, numbers.keep_second, part);
    }
    [[nodiscard]] V mean(V gradient) const {
        return moved(first, numbers.keep_first, hn::Mul(all(1.F - numbers.keep_first), gradient));
    }
    [[nodiscard]] V over_root(V numerator, V square) const {
        return hn::Div(numerator, hn::Add(hn::Sqrt(square), all(numbers.epsilon)));
    }

    [[nodiscard]] V step(UpdateRule rule, V weight, V gradient) const {
        const V rate = all(numbers.rate);
        switch (rule) {
            case UpdateRule::sgd:
                return hn::Add(weight, velocity(gradient));
            case UpdateRule::nesterov: {
                const V ahead = hn::Mul(all(numbers.keep_first), velocity(gradient));
                return hn::Add(weight, hn::Sub(ahead, hn::Mul(rate, gradient)));
            }
            case UpdateRule::adagrad: {
                const V sum = moved(second, 1.F, hn::Mul(gradient, gradient));
                return hn::Sub(weight, over_root(hn::Mul(rate, gradient), sum));
            }
            case UpdateRule::rmsprop:
                return hn::Sub(weight,
                               over_root(hn::Mul(rate, gradient), mean_of_squares(gradient)));
            case UpdateRule::adam: {
                const V first_moment = mean(gradient);
                return hn::Sub(weight,
                               over_root(hn::Mul(rate, first_moment), mean_of_squares(gradient)));
            }
            case UpdateRule::nadam:
                break;
        }
        const V ahead = hn::Add(hn::Mul(all(numbers.of_gradient), gradient),
                                hn::Mul(all(numbers.of_first), mean(gradient)));
        const V square = hn::Mul(all(numbers.of_second), mean_of_squares(gradient));
        return hn::Sub(weight, over_root(hn::Mul(rate, ahead), square));
    }
    [[nodiscard]] V velocity(V gradient) const {
        const V old = hn::Mul(all(numbers.keep_first), hn::LoadU(d, first));
        const V next = hn::Sub(old, hn::Mul(all(numbers.rate), gradient));
        hn::StoreU(next, d, first);
        return next;
    }
};

template <class D>
void update_lanes(D d, UpdateRule rule, const UpdateNumbers& numbers, float l2,
                  const UpdateArrays& arrays, std::size_t at) {
    using V = hn::Vec<D>;
    const auto part = [at](float* of) { return of == nullptr ? of : of + at; };
    const Step<D, V> lanes{d, numbers, part(arrays.first), part(arrays.second)};
    const V weight = hn::LoadU(d, arrays.values + at);
    const V gradient =
        hn::Add(hn::LoadU(d, arrays.gradients + at), hn::Mul(hn::Set(d, l2), weight));
    hn::StoreU(lanes.step(rule, weight, gradient), d, arrays.values + at);
}

void update(UpdateRule rule, const UpdateNumbers& numbers, float l2, const UpdateArrays& arrays) {
    const hn::ScalableTag<float> full;
    const std::size_t width = hn::Lanes(full);
    std::size_t at = 0;
    for (; at + width <= arrays.count; at += width) {
        update_lanes(full, rule, numbers, l2, arrays, at);
    }
    for (; at < arrays.count; ++at) {
        update_lanes(hn::CappedTag<float, 1>(), rule, numbers, l2, arrays, at);
    }
}

}  // namespace tamis::engine::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tamis::engine {

HWY_EXPORT(update);

void update_weights(UpdateRule rule, const UpdateNumbers& numbers, float l2,
                    const UpdateArrays& arrays) noexcept {
    HWY_DYNAMIC_DISPATCH(update)(rule, numbers, l2, arrays);
}

}  // namespace tamis::engine
#endif
