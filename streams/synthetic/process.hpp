// Which hard process a synthetic event is. A pure function of (seed, run, event, mix).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace tamis::streams {

// The four Standard-Model processes and the four signals of arXiv:1811.10276.
enum class SyntheticProcess : std::uint8_t {
    w,              // W -> l nu
    qcd,            // multijet, the lepton from a heavy-flavour jet
    z,              // Z -> l l
    ttbar,          // top pairs
    a_to_4l,        // neutral scalar of 50 GeV to four leptons
    lq_to_b_tau,    // pair of leptoquarks of 80 GeV
    h0_to_tau_tau,  // scalar of 60 GeV
    hpm_to_tau_nu,  // charged scalar of 60 GeV
};
inline constexpr std::size_t kSyntheticProcesses = 8;
inline constexpr std::size_t kStandardModelProcesses = 4;  // the first four

[[nodiscard]] constexpr bool is_signal(SyntheticProcess process) noexcept {
    return static_cast<std::size_t>(process) >= kStandardModelProcesses;
}

// Short name as in messages, tables and options: "w", "qcd", "z", "ttbar", "a_to_4l", ...
[[nodiscard]] std::string_view to_string(SyntheticProcess process) noexcept;
[[nodiscard]] std::optional<SyntheticProcess> find_process(std::string_view name) noexcept;

// Relative weights by process, each >= 0, at least one > 0; they need not add to one.
struct EventMix {
    std::array<double, kSyntheticProcesses> weight{};

    // W 59.2 %, QCD 33.8 %, Z 6.7 %, top pairs 0.3 % (arXiv:1811.10276), no signal.
    [[nodiscard]] static EventMix standard_model() noexcept;
    [[nodiscard]] static EventMix only(SyntheticProcess process) noexcept;
    // The Standard-Model mix scaled to 1 - 4 x `each`, and each signal with the fraction `each`
    // (0 to 0.25).
    [[nodiscard]] static EventMix with_signals(double each) noexcept;
};

[[nodiscard]] SyntheticProcess process_of(std::uint64_t seed, std::uint32_t run,
                                          std::uint64_t event, const EventMix& mix) noexcept;

}  // namespace tamis::streams
