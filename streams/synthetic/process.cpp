#include "streams/synthetic/process.hpp"

#include <gsl/assert>
#include <numeric>

#include "streams/synthetic/random_stream.hpp"

namespace tamis::streams {
namespace {

constexpr std::array<std::string_view, kSyntheticProcesses> kProcessNames = {
    "w", "qcd", "z", "ttbar", "a_to_4l", "lq_to_b_tau", "h0_to_tau_tau", "hpm_to_tau_nu"};
constexpr std::array<double, kStandardModelProcesses> kStandardModel = {0.592, 0.338, 0.067, 0.003};

}  // namespace

std::string_view to_string(SyntheticProcess process) noexcept {
    return kProcessNames[static_cast<std::size_t>(process)];
}

std::optional<SyntheticProcess> find_process(std::string_view name) noexcept {
    for (std::size_t i = 0; i < kProcessNames.size(); ++i) {
        if (kProcessNames[i] == name) {
            return static_cast<SyntheticProcess>(i);
        }
    }
    return std::nullopt;
}

EventMix EventMix::standard_model() noexcept { return with_signals(0.0); }

EventMix EventMix::only(SyntheticProcess process) noexcept {
    EventMix mix;
    mix.weight[static_cast<std::size_t>(process)] = 1.0;
    return mix;
}

EventMix EventMix::with_signals(double each) noexcept {
    Expects(each >= 0.0 && each <= 0.25);
    EventMix mix;
    mix.weight.fill(each);
    for (std::size_t i = 0; i < kStandardModelProcesses; ++i) {
        mix.weight[i] = kStandardModel[i] * (1.0 - 4.0 * each);
    }
    return mix;
}

SyntheticProcess process_of(std::uint64_t seed, std::uint32_t run, std::uint64_t event,
                            const EventMix& mix) noexcept {
    const double total = std::accumulate(mix.weight.begin(), mix.weight.end(), 0.0);
    Expects(total > 0.0);
    RandomStream random(seed, run, event, RandomPart::process);
    double left = random.uniform() * total;
    std::size_t last = 0;
    for (std::size_t i = 0; i < kSyntheticProcesses; ++i) {
        if (mix.weight[i] <= 0.0) {
            continue;
        }
        last = i;
        left -= mix.weight[i];
        if (left < 0.0) {
            break;
        }
    }
    return static_cast<SyntheticProcess>(last);
}

}  // namespace tamis::streams
