#include "models/ringer/ringer_json.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "models/ringer/ringer_settings.hpp"

namespace tamis::models {

namespace {

using nlohmann::ordered_json;

constexpr std::size_t kMostNetworks = 1024;
constexpr std::size_t kMostNodes = 4096;
constexpr std::size_t kJsonGoldenRows = 5;
constexpr double kJsonTolerance = 1e-5;

tl::unexpected<std::string> refuse(const std::string& where, const std::string& what) {
    return tl::unexpected(where + ": " + what);
}

struct PublishedNetwork {
    std::vector<std::size_t> nodes;
    std::vector<double> weights, bias;
    NetworkFile bin;
    double threshold = 0;
};

// `count` numbers, all finite; any number of them where it is 0.
tl::expected<std::vector<double>, std::string> read_numbers(const ordered_json& object,
                                                            const char* key, std::size_t count,
                                                            const std::string& where) {
    const auto found = object.find(key);
    const std::string wanted = count == 0 ? "numbers" : std::to_string(count) + " numbers";
    if (found == object.end() || !found->is_array()) {
        return refuse(where,
                      std::string("\"") + key + "\" is not there; give an array of " + wanted);
    }
    std::vector<double> numbers;
    numbers.reserve(found->size());
    for (const ordered_json& each : *found) {
        if (!each.is_number() || !std::isfinite(each.get<double>())) {
            return refuse(where, std::string("\"") + key + "\" holds what is no finite number; " +
                                     "give an array of " + wanted);
        }
        numbers.push_back(each.get<double>());
    }
    if (count != 0 && numbers.size() != count) {
        return refuse(where, std::string("\"") + key + "\" has " + std::to_string(numbers.size()) +
                                 " numbers; give " + wanted);
    }
    return numbers;
}

tl::expected<std::vector<std::size_t>, std::string> read_nodes(const ordered_json& object,
                                                               const std::string& where) {
    const auto numbers = read_numbers(object, "nodes", 0, where);
    if (!numbers) {
        return tl::unexpected(numbers.error());
    }
    std::vector<std::size_t> nodes;
    for (const double number : *numbers) {
        if (!(number >= 1 && number <= static_cast<double>(kMostNodes)) ||
            number != std::floor(number)) {
            return refuse(where, "\"nodes\" are no counts of units; give whole numbers of 1 to " +
                                     std::to_string(kMostNodes));
        }
        nodes.push_back(static_cast<std::size_t>(number));
    }
    if (nodes.size() < 2 || nodes.front() != kRingCount || nodes.back() != 1) {
        return refuse(where,
                      "\"nodes\" do not lead from 100 rings to 1 output; give [100, ..., 1]");
    }
    return nodes;
}

tl::expected<PublishedNetwork, std::string> read_network(const ordered_json& object,
                                                         const std::string& where) {
    PublishedNetwork network;
    const auto nodes = read_nodes(object, where);
    if (!nodes) {
        return tl::unexpected(nodes.error());
    }
    network.nodes = *nodes;
    std::size_t weights = 0, biases = 0;
    for (std::size_t layer = 1; layer < network.nodes.size(); ++layer) {
        weights += network.nodes[layer - 1] * network.nodes[layer];
        biases += network.nodes[layer];
    }
    auto read_weights = read_numbers(object, "weights", weights, where);
    auto read_bias = read_numbers(object, "bias", biases, where);
    if (!read_weights || !read_bias) {
        return tl::unexpected(read_weights ? read_bias.error() : read_weights.error());
    }
    network.weights = std::move(*read_weights);
    network.bias = std::move(*read_bias);
    return network;
}

tl::expected<PublishedNetwork, std::string> read_bin_network(const ordered_json& object,
                                                             const std::string& where) {
    auto network = read_network(object, where);
    if (!network) {
        return network;
    }
    const auto et = read_numbers(object, "et", 2, where);
    const auto eta = read_numbers(object, "eta", 2, where);
    if (!et || !eta) {
        return tl::unexpected(et ? eta.error() : et.error());
    }
    if (!((*et)[0] < (*et)[1]) || !((*eta)[0] < (*eta)[1])) {
        return refuse(where, "\"et\" or \"eta\" is no bin; give [low, high]");
    }
    network->bin = {"", "", (*et)[0], (*et)[1], (*eta)[0], (*eta)[1]};
    const auto threshold = object.find("threshold");
    if (threshold == object.end() || !threshold->is_number() ||
        !(std::abs(threshold->get<double>()) < 1.0)) {
        return refuse(where,
                      "\"threshold\" is no number within -1 and 1 (a tanh is compared with "
                      "it); give one");
    }
    network->threshold = threshold->get<double>();
    return network;
}

std::string working_point_name(std::string name) {
    constexpr std::string_view kPrefix = "ElectronHighEnergy", kSuffix = "Conf";
    if (name.starts_with(kPrefix) && name.ends_with(kSuffix) &&
        name.size() > kPrefix.size() + kSuffix.size()) {
        name = name.substr(kPrefix.size(), name.size() - kPrefix.size() - kSuffix.size());
    }
    return name;
}

bool is_identifier(const std::string& name) {
    return !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char letter) {
        return std::isalnum(letter) != 0 || letter == '_';
    });
}

std::string lower_case(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
    return text;
}

// Collects networks, bins and working points.
class ModelAssembly {
 public:
    explicit ModelAssembly(const RingerImport& options) : options_(options) {
        Manifest& manifest = files_.manifest;
        manifest.name = options.name;
        manifest.version = options.version;
        manifest.kind = "ringer";
        manifest.schema = "rings100";
        manifest.provenance.command = options.command;
        manifest.features = ringer_features();
    }

    void add(const PublishedNetwork& network, const std::string& file_stem) {
        engine::Graph graph = make_mlp(file_stem, network.nodes, options_.last, 0);
        set_mlp_weights(graph, network.nodes, network.weights, network.bias);
        NetworkFile bin = network.bin;
        bin.file = file_stem + ".onnx";
        add_network(files_, std::move(bin), graph);
    }

    void add_threshold(WorkingPoint& point, const PublishedNetwork& network) const {
        const double offset =
            options_.last == LastLayer::tanh ? network.threshold : std::atanh(network.threshold);
        point.bins.push_back({network.bin.et_low_gev, network.bin.et_high_gev, network.bin.eta_low,
                              network.bin.eta_high, 0, offset});
    }

    [[nodiscard]] tl::expected<ModelFiles, std::string> finish(RingerSettings settings,
                                                               std::string data) {
        settings.final_activation =
            options_.last == LastLayer::tanh ? FinalActivation::tanh : FinalActivation::none;
        Manifest& manifest = files_.manifest;
        manifest.parameters = ringer_parameters(settings);
        manifest.provenance.data = std::move(data);
        manifest.provenance.report = {
            manifest.provenance.data,
            std::to_string(manifest.networks.size()) + " networks, " +
                std::to_string(manifest.working_points.size()) + " working points; discriminant: " +
                (options_.last == LastLayer::tanh ? "tanh of the last layer"
                                                  : "last layer before its tanh")};
        const std::size_t rows = std::min(kJsonGoldenRows, manifest.networks.size());
        const auto golden =
            make_ringer_rows(std::span<const NetworkFile>(manifest.networks).first(rows));
        if (auto added = add_golden_vectors(files_, golden, kJsonTolerance); !added) {
            return tl::unexpected(added.error());
        }
        return std::move(files_);
    }

    [[nodiscard]] Manifest& manifest() { return files_.manifest; }

 private:
    const RingerImport& options_;
    ModelFiles files_;
};

tl::expected<ModelFiles, std::string> import_ensembles(const ordered_json& ensembles,
                                                       const RingerImport& options) {
    ModelAssembly assembly(options);
    std::size_t bins = 0;
    for (const auto& [name, networks] : ensembles.items()) {
        WorkingPoint point;
        point.name = working_point_name(name);
        if (!is_identifier(point.name) || !networks.is_array() || networks.empty()) {
            return refuse("ensembles", "\"" + name +
                                           "\" is no working point; give letters and digits and "
                                           "an array of networks");
        }
        bins = bins == 0 ? networks.size() : bins;
        if (networks.size() != bins || networks.size() > kMostNetworks) {
            return refuse("ensembles", "\"" + name + "\" has " + std::to_string(networks.size()) +
                                           " networks; give each ensemble the same bins, at most " +
                                           std::to_string(kMostNetworks));
        }
        for (std::size_t i = 0; i < networks.size(); ++i) {
            const std::string where = "ensembles." + name + "[" + std::to_string(i) + "]";
            const auto network = read_bin_network(networks[i], where);
            if (!network) {
                return tl::unexpected(network.error());
            }
            assembly.add(*network, lower_case(point.name) + "_bin" + std::to_string(i));
            assembly.add_threshold(point, *network);
        }
        assembly.manifest().working_points.push_back(std::move(point));
    }
    RingerSettings settings;
    settings.ensembles = assembly.manifest().working_points.size();
    settings.inclusive = true;
    return assembly.finish(settings, "published networks: " + std::to_string(settings.ensembles) +
                                         " ensembles of " + std::to_string(bins) +
                                         " bins, decision discriminant >= threshold");
}

tl::expected<ModelFiles, std::string> import_single(const ordered_json& object,
                                                    const RingerImport& options) {
    const auto network = read_network(object, "network");
    if (!network) {
        return tl::unexpected(network.error());
    }
    ModelAssembly assembly(options);
    assembly.add(*network, "network");
    WorkingPoint point;
    point.name = "default";
    assembly.add_threshold(point, *network);
    assembly.manifest().working_points.push_back(std::move(point));
    RingerSettings settings;
    settings.normalisation = RingNormalisation::sequential;
    return assembly.finish(settings,
                           "published network: one for all bins, sequential normalisation");
}

}  // namespace

tl::expected<ModelFiles, std::string> import_ringer_json(std::string_view json_text,
                                                         const RingerImport& options) {
    const ordered_json document =
        ordered_json::parse(json_text.begin(), json_text.end(), nullptr, false);
    if (document.is_discarded() || !document.is_object()) {
        return tl::unexpected(std::string("not a JSON object; give ringer networks as JSON"));
    }
    const auto ensembles = document.find("ensembles");
    if (ensembles != document.end() && ensembles->is_object() && !ensembles->empty()) {
        return import_ensembles(*ensembles, options);
    }
    if (document.contains("nodes")) {
        return import_single(document, options);
    }
    return tl::unexpected(std::string(
        "neither \"ensembles\" nor \"nodes\" is there (the form is not known); give one of them"));
}

}  // namespace tamis::models
