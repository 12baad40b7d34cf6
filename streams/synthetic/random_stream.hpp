// Counter-based random numbers of one part of one event: Philox 4x32-10 (Salmon et al., SC11,
// doi:10.1145/2063384.2063405) keyed by the seed, counting over (event, run, part). The n-th number
// of a part depends on nothing else, so any thread may generate any event, in any order.
#pragma once

#include <Random123/philox.h>

#include <cmath>
#include <cstdint>
#include <numbers>

namespace tamis::streams {

// What is drawn independently of the rest of the event.
enum class RandomPart : std::uint32_t { process, collision, calorimeter, pixels };

class RandomStream {
 public:
    RandomStream(std::uint64_t seed, std::uint32_t run, std::uint64_t event,
                 RandomPart part) noexcept
        : key_{{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32U)}},
          counter_{{static_cast<std::uint32_t>(event), static_cast<std::uint32_t>(event >> 32U),
                    run, static_cast<std::uint32_t>(part) << 24U}} {}

    [[nodiscard]] std::uint32_t bits() noexcept {
        if (used_ == 4) {
            block_ = r123::Philox4x32{}(counter_, key_);
            ++counter_[3];
            used_ = 0;
        }
        return block_[used_++];
    }

    // In (0, 1), both ends excluded, so that its logarithm is finite.
    [[nodiscard]] double uniform() noexcept { return (bits() + 0.5) * 0x1p-32; }
    [[nodiscard]] double uniform(double low, double high) noexcept {
        return low + (high - low) * uniform();
    }
    [[nodiscard]] bool chance(double probability) noexcept { return uniform() < probability; }

    [[nodiscard]] double normal() noexcept {
        if (has_spare_) {
            has_spare_ = false;
            return spare_;
        }
        const double radius = std::sqrt(-2.0 * std::log(uniform()));
        const double angle = 2.0 * std::numbers::pi * uniform();
        spare_ = radius * std::sin(angle);
        has_spare_ = true;
        return radius * std::cos(angle);
    }
    [[nodiscard]] double normal(double mean, double sigma) noexcept {
        return mean + sigma * normal();
    }
    // Of median `median`; sigma is that of the logarithm.
    [[nodiscard]] double log_normal(double median, double sigma) noexcept {
        return median * std::exp(sigma * normal());
    }
    [[nodiscard]] double exponential(double mean) noexcept { return -mean * std::log(uniform()); }
    [[nodiscard]] double angle() noexcept { return uniform(-std::numbers::pi, std::numbers::pi); }

    // Mean = shape x scale; Marsaglia and Tsang 2000. shape > 0.
    [[nodiscard]] double gamma(double shape, double scale) noexcept;
    // Exact by inversion below a mean of 30, a rounded normal above.
    [[nodiscard]] std::uint32_t poisson(double mean) noexcept;

 private:
    r123::Philox4x32::key_type key_;
    r123::Philox4x32::ctr_type counter_;
    r123::Philox4x32::ctr_type block_{};
    std::uint32_t used_ = 4;
    bool has_spare_ = false;
    double spare_ = 0;
};

inline double RandomStream::gamma(double shape, double scale) noexcept {
    if (shape < 1.0) {
        const double power = std::pow(uniform(), 1.0 / shape);
        return gamma(shape + 1.0, scale) * power;
    }
    const double d = shape - 1.0 / 3.0;
    const double c = 1.0 / std::sqrt(9.0 * d);
    for (;;) {
        const double x = normal();
        const double root = 1.0 + c * x;
        if (root <= 0) {
            continue;
        }
        const double v = root * root * root;
        if (std::log(uniform()) < 0.5 * x * x + d - d * v + d * std::log(v)) {
            return d * v * scale;
        }
    }
}

inline std::uint32_t RandomStream::poisson(double mean) noexcept {
    if (mean >= 30.0) {
        const double rounded = std::floor(normal(mean, std::sqrt(mean)) + 0.5);
        return rounded > 0 ? static_cast<std::uint32_t>(rounded) : 0U;
    }
    const double limit = std::exp(-mean);
    std::uint32_t count = 0;
    for (double product = uniform(); product > limit; product *= uniform()) {
        ++count;
    }
    return count;
}

}  // namespace tamis::streams
