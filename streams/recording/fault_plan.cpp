#include "streams/recording/fault_plan.hpp"

#include <Random123/philox.h>

#include <utility>

namespace tamis::streams {

std::string_view to_string(Fault fault) noexcept {
    constexpr std::array<std::string_view, kFaultCount> kNames = {
        "none", "silence", "loss", "duplicate", "reorder", "late", "delay", "corrupt"};
    return kNames[static_cast<std::size_t>(fault)];
}

PlannedFault plan_fault(const FaultOptions& options, const Fragment& fragment) noexcept {
    const auto& silence = options.silence;
    if (silence && fragment.source == silence->source && fragment.event >= silence->first_event &&
        fragment.event <= silence->last_event) {
        return {.fault = Fault::silence};
    }
    const r123::Philox4x32::key_type key{{static_cast<std::uint32_t>(options.seed),
                                          static_cast<std::uint32_t>(options.seed >> 32U)}};
    const r123::Philox4x32::ctr_type counter{{static_cast<std::uint32_t>(fragment.event),
                                              static_cast<std::uint32_t>(fragment.event >> 32U),
                                              fragment.run, fragment.source}};
    const auto words = r123::Philox4x32{}(counter, key);
    double place = (words[0] + 0.5) * 0x1p-32;
    const std::array<std::pair<Fault, double>, 6> fractions = {
        {{Fault::loss, options.loss},
         {Fault::duplicate, options.duplicate},
         {Fault::reorder, options.reorder},
         {Fault::late, options.late},
         {Fault::delay, options.delay},
         {Fault::corrupt, options.corrupt}}};
    for (const auto& [fault, fraction] : fractions) {
        if (place < fraction) {
            return {.fault = fault,
                    .after = 1 + words[1] % options.reorder_window,
                    .choice = static_cast<std::uint64_t>(words[3]) << 32U | words[2]};
        }
        place -= fraction;
    }
    return {};
}

}  // namespace tamis::streams
