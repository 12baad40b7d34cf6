#include "models/ringer/ringer_athena_export.hpp"

#include <fmt/core.h>

#include <cctype>
#include <cstddef>
#include <map>
#include <string_view>

#include "models/ringer/ringer_settings.hpp"
#include "models/ringer/tuning_text.hpp"

namespace tamis::models {

namespace {

// "very_loose" to "VeryLoose".
std::string camel_case(std::string_view name) {
    std::string words;
    bool starts = true;
    for (const char letter : name) {
        if (letter == '_') {
            starts = true;
            continue;
        }
        words +=
            starts ? static_cast<char>(std::toupper(static_cast<unsigned char>(letter))) : letter;
        starts = false;
    }
    return words;
}

template <typename Entries, typename Text>
void add_each(TuningWriter& writer, const std::string& key, const Entries& entries, Text text_of) {
    std::vector<std::string> texts;
    for (const auto& entry : entries) {
        texts.push_back(text_of(entry));
    }
    writer.add_list(key, texts);
}

template <typename Bins>
void add_edges(TuningWriter& writer, const std::string& section, const Bins& bins) {
    const auto add = [&](const char* key, auto field) {
        add_each(writer, section + key, bins,
                 [field](const auto& bin) { return number_text(bin.*field); });
    };
    using Bin = typename Bins::value_type;
    add("etmin", &Bin::et_low_gev);
    add("etmax", &Bin::et_high_gev);
    add("etamin", &Bin::eta_low);
    add("etamax", &Bin::eta_high);
}

std::string write_point(const Manifest& manifest, const RingerSettings& settings,
                        std::size_t index) {
    const WorkingPoint& point = manifest.working_points[index];
    const std::size_t count = manifest.networks.size() / settings.ensembles;
    const auto first = manifest.networks.begin() +
                       static_cast<std::ptrdiff_t>(settings.ensemble_of(index) * count);
    const std::vector<NetworkFile> networks(first, first + static_cast<std::ptrdiff_t>(count));
    const std::string barcode = settings.half_rings ? "1" : "0";
    TuningWriter writer;
    writer.add("__name__", manifest.name);
    writer.add("__version__", manifest.version);
    writer.add("__operation__", camel_case(point.name));
    writer.add("__signature__", "Electron");
    writer.add("Model__size", std::to_string(count));
    writer.add_list("Model__barcode", std::vector<std::string>(count, barcode));
    add_edges(writer, "Model__", networks);
    add_each(writer, "Model__path", networks,
             [](const NetworkFile& entry) { return "models/" + entry.file; });
    const std::size_t bins = point.bins.size();
    writer.add("Threshold__size", std::to_string(bins));
    add_edges(writer, "Threshold__", point.bins);
    add_each(writer, "Threshold__slope", point.bins,
             [](const ThresholdBin& bin) { return number_text(bin.slope); });
    add_each(writer, "Threshold__offset", point.bins,
             [](const ThresholdBin& bin) { return number_text(bin.offset); });
    writer.add_list("Threshold__MaxAverageMu",
                    std::vector<std::string>(bins, number_text(point.mu_high)));
    writer.add_list("Threshold__MinAverageMu",
                    std::vector<std::string>(bins, number_text(point.mu_low)));
    return writer.text();
}

tl::expected<RingerSettings, std::string> exportable_settings(const ModelFiles& files) {
    const Manifest& manifest = files.manifest;
    if (manifest.kind != "ringer") {
        return tl::unexpected("kind is " + manifest.kind +
                              " (the layout is of ringers); give a model of kind ringer");
    }
    auto settings = read_ringer_settings(manifest);
    if (!settings) {
        return settings;
    }
    if (settings->normalisation != RingNormalisation::absolute_sum || settings->inclusive ||
        settings->final_activation != FinalActivation::none) {
        return tl::unexpected(
            fmt::format("the model has normalisation {}, inclusive {} and final_activation {} (the "
                        "layout has no place for them); right are absolute_sum, 0 and 0",
                        to_string(settings->normalisation), settings->inclusive ? 1 : 0,
                        static_cast<int>(settings->final_activation)));
    }
    if (manifest.working_points.empty()) {
        return tl::unexpected(
            std::string("the model has no working point (there is one file for each); "
                        "calibrate it first"));
    }
    if (auto named = check_network_names(files); !named) {
        return tl::unexpected(named.error());
    }
    return settings;
}

}  // namespace

tl::expected<void, std::string> check_network_names(const ModelFiles& files) {
    std::map<std::string, std::string> hashes;
    for (const NetworkFile& entry : files.manifest.networks) {
        const auto [known, is_new] = hashes.emplace(entry.file, entry.sha256);
        if (!is_new && known->second != entry.sha256) {
            return tl::unexpected("two different networks are called " + entry.file +
                                  "; give each a name of its own");
        }
    }
    return {};
}

tl::expected<std::vector<AthenaFile>, std::string> export_athena_ringer(const ModelFiles& files) {
    const auto settings = exportable_settings(files);
    if (!settings) {
        return tl::unexpected(settings.error());
    }
    const Manifest& manifest = files.manifest;
    std::vector<AthenaFile> tuning;
    for (std::size_t i = 0; i < manifest.working_points.size(); ++i) {
        const std::string file =
            fmt::format("{}{}{}.conf", kTuningPrefix, camel_case(manifest.working_points[i].name),
                        kTuningSuffix);
        tuning.push_back({file, write_point(manifest, *settings, i)});
    }
    for (std::size_t i = 0; i < manifest.networks.size(); ++i) {
        tuning.push_back({"models/" + manifest.networks[i].file, files.networks[i]});
    }
    return tuning;
}

}  // namespace tamis::models
