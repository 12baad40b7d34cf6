#include "daemon/evaluation/evaluation_json.hpp"

#include <fmt/core.h>

#include <iterator>

#include "daemon/evaluation/seed_filter_section.hpp"

namespace tamis::daemon {

namespace {

using Json = nlohmann::ordered_json;

Json json_of(const Fraction& fraction) {
    return {{"passed", fraction.passed},
            {"of", fraction.total},
            {"value", fraction.value},
            {"low", fraction.interval.low},
            {"high", fraction.interval.high}};
}

Json json_of(const SampleEvaluation& sample, const models::Manifest& manifest) {
    Json entry{{"name", sample.name}, {"events", sample.events}, {"unscored", sample.unscored}};
    if (sample.roc_area) entry["roc_area"] = *sample.roc_area;
    for (const auto& [rejection, efficiency] : sample.at_rejection) {
        entry["at_rejection"].push_back(
            {{"rejection", rejection}, {"efficiency", json_of(efficiency)}});
    }
    for (std::size_t i = 0; i < sample.working_points.size(); ++i) {
        entry["working_points"].push_back({{"name", manifest.working_points[i].name},
                                           {"fraction", json_of(sample.working_points[i])}});
    }
    return entry;
}

Json json_of(const Dependence& dependence, const ModelEvaluation& evaluation) {
    Json entry{{"input", dependence.input},
               {"unit", dependence.unit},
               {"working_point", dependence.working_point},
               {"edges", dependence.edges}};
    for (std::size_t i = 0; i < dependence.by_sample.size(); ++i) {
        Json bins = Json::array();
        for (const Fraction& bin : dependence.by_sample[i]) bins.push_back(json_of(bin));
        entry["samples"].push_back({{"name", evaluation.samples[i].name}, {"bins", bins}});
    }
    return entry;
}

}  // namespace

Json evaluation_json(const models::Model& model, const ModelEvaluation& evaluation,
                     const ReportParts& parts) {
    const auto& manifest = model.manifest();
    Json json{{"model", manifest.name},
              {"kind", manifest.kind},
              {"hash", fmt::format("{:016x}", model.hash())},
              {"background", evaluation.samples.front().name},
              {"samples", Json::array()},
              {"dependences", Json::array()},
              {"inputs_by_area_loss", Json::array()}};
    for (const auto& sample : evaluation.samples) {
        json["samples"].push_back(json_of(sample, manifest));
    }
    for (const auto& dependence : evaluation.dependences) {
        json["dependences"].push_back(json_of(dependence, evaluation));
    }
    for (const auto& input : parts.ranking) {
        json["inputs_by_area_loss"].push_back(
            {{"name", input.name}, {"inputs", input.inputs}, {"area_loss", input.area_loss}});
    }
    for (const auto& input : parts.removal) {
        json["inputs_removed_in_turn"].push_back(
            {{"name", input.name}, {"inputs", input.inputs}, {"area_left", input.area_left}});
    }
    for (const auto& process : evaluation.composition) {
        json["accepted_background"].push_back(
            {{"process", process.process}, {"weight", process.weight}, {"shares", process.shares}});
    }
    if (manifest.kind == "seed_filter")
        json["published_efficiencies"] = seed_filter_json(evaluation);
    if (parts.baselines) json["baselines"] = baseline_json(*parts.baselines);
    if (parts.contamination) json["contamination"] = contamination_json(*parts.contamination);
    return json;
}

std::string roc_csv(const ModelEvaluation& evaluation) {
    std::string text = "signal,background_fraction,signal_efficiency\n";
    for (const auto& sample : evaluation.samples) {
        for (const RocPoint& point : sample.roc) {
            fmt::format_to(std::back_inserter(text), "\"{}\",{},{}\n", sample.name,
                           point.background, point.signal);
        }
    }
    return text;
}

}  // namespace tamis::daemon
