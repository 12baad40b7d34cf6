// Trains what a VAE is compared with on synthetic events, and the VAE itself on contaminated ones,
// and prints the outcome. Says on standard error what it is doing. Cold path; a minute or two.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <tl/expected.hpp>

#include "daemon/evaluation/baseline_comparison.hpp"
#include "daemon/evaluation/baseline_section.hpp"

namespace tamis::daemon {

struct StudySizes {
    std::uint64_t seed = 1;
    std::size_t training = 100'000;  // background events to learn from; a quarter of each signal
    std::size_t epochs = 12;         // of every training
};

// `samples`: synthetic_evaluation_samples of a model of kind vae; what is learnt from lies in other
// runs.
[[nodiscard]] tl::expected<BaselineComparison, std::string> study_baselines(
    const models::Model& model, std::span<const models::Sample> samples, const StudySizes& sizes);

// `signal`: one of the four that are no part of the Standard Model.
[[nodiscard]] tl::expected<ContaminationStudy, std::string> study_contamination(
    const std::string& signal, std::span<const models::Sample> samples, const StudySizes& sizes);

void print_baselines(const BaselineComparison& comparison);
void print_contamination(const ContaminationStudy& study);

}  // namespace tamis::daemon
