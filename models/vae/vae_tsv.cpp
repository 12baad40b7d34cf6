#include "models/vae/vae_tsv.hpp"

#include <charconv>
#include <cmath>
#include <fstream>
#include <map>
#include <string_view>

#include "engine/refusal.hpp"
#include "models/vae/vae_manifest.hpp"
#include "models/vae/vae_network.hpp"

namespace tamis::models {
namespace {

using engine::Shape;
using engine::Tensor;

constexpr double kPublishedBeta = 0.3;

using NamedWeights = std::map<std::string, Tensor>;

// What stands before the next `separator`, which is taken off `text` with it.
std::string_view next_field(std::string_view& text, char separator) {
    const std::size_t end = text.find(separator);
    const std::string_view field = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    return field;
}

template <class Number>
bool read_number(std::string_view field, Number& number) {
    const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), number);
    return error == std::errc{} && end == field.data() + field.size();
}

tl::expected<Shape, std::string> read_shape(std::string_view field) {
    std::vector<std::int64_t> dimensions;
    while (!field.empty()) {
        std::int64_t dimension = 0;
        if (!read_number(next_field(field, 'x'), dimension)) {
            return engine::refuse("the shape is not numbers joined by 'x'");
        }
        dimensions.push_back(dimension);
    }
    return Shape::make(dimensions);
}

// "name<tab>shape<tab>values"; names carry Keras's ":0".
tl::expected<void, std::string> read_weight(std::string_view line, NamedWeights& weights) {
    std::string name(next_field(line, '\t'));
    if (name.ends_with(":0")) {
        name.resize(name.size() - 2);
    }
    const auto shape = read_shape(next_field(line, '\t'));
    if (!shape) {
        return engine::refuse("weight '" + name + "': " + shape.error());
    }
    Tensor tensor(*shape);
    std::size_t count = 0;
    while (!line.empty()) {
        float value = 0;
        const std::string_view field = next_field(line, ',');
        if (!read_number(field, value) || !std::isfinite(value)) {
            return engine::refuse("weight '" + name + "': '" + std::string(field) +
                                  "' is no finite number");
        }
        if (count < tensor.values.size()) {
            tensor.values[count] = value;
        }
        ++count;
    }
    if (count != tensor.values.size()) {
        return engine::refuse("weight '" + name + "' has " + std::to_string(count) +
                              " values; right are the " + std::to_string(tensor.values.size()) +
                              " of its shape " + shape->text());
    }
    if (!weights.emplace(name, std::move(tensor)).second) {
        return engine::refuse("weight '" + name + "' is given twice; right is once");
    }
    return {};
}

tl::expected<NamedWeights, std::string> read_weights(const std::filesystem::path& path) {
    std::ifstream file(path);
    if (!file) {
        return engine::refuse(path.string() +
                              ": cannot be read; right is a file of weights (name, shape, values)");
    }
    NamedWeights weights;
    std::string line;
    for (std::size_t number = 1; std::getline(file, line); ++number) {
        if (line.ends_with('\r')) {
            line.pop_back();
        }
        if (line.empty() || line.starts_with('#')) {
            continue;
        }
        if (auto read = read_weight(line, weights); !read) {
            return engine::refuse(path.string() + ":" + std::to_string(number) + ": " +
                                  read.error());
        }
    }
    return weights;
}

tl::expected<Tensor, std::string> take(NamedWeights& weights, const std::string& name,
                                       const Shape& shape) {
    const auto found = weights.find(name);
    if (found == weights.end()) {
        return engine::refuse("weight '" + name + "' is missing; right is one of shape " +
                              shape.text());
    }
    if (found->second.shape != shape) {
        return engine::refuse("weight '" + name + "' has shape " + found->second.shape.text() +
                              "; right is " + shape.text());
    }
    return std::move(found->second);
}

tl::expected<void, std::string> set_graph_weights(NamedWeights& weights, engine::Graph& graph) {
    for (auto& [name, tensor] : graph.weights) {
        auto taken = take(weights, name, tensor.shape);
        if (!taken) {
            return engine::refuse(taken.error());
        }
        tensor = std::move(*taken);
    }
    return {};
}

// A dense layer of one constant input, which is itself a layer with a zero kernel: its bias.
tl::expected<std::vector<double>, std::string> prior_parameter(NamedWeights& weights,
                                                               const std::string& layer,
                                                               double constant,
                                                               std::int64_t latent) {
    const auto kernel = take(weights, layer + "/kernel", {1, latent});
    const auto bias = take(weights, layer + "/bias", {latent});
    if (!kernel || !bias) {
        return engine::refuse(kernel ? bias.error() : kernel.error());
    }
    std::vector<double> values;
    for (std::size_t j = 0; j < static_cast<std::size_t>(latent); ++j) {
        values.push_back(constant * kernel->values[j] + bias->values[j]);
    }
    return values;
}

tl::expected<vae::VaeParameters, std::string> read_prior(NamedWeights& weights,
                                                         std::int64_t latent) {
    const auto constant = take(weights, "h1_prior/bias", {1});
    if (!constant) {
        return engine::refuse(constant.error());
    }
    auto mean = prior_parameter(weights, "L_prior_mean", constant->values[0], latent);
    auto sigma = prior_parameter(weights, "L_prior_sigma_preAct", constant->values[0], latent);
    if (!mean || !sigma) {
        return engine::refuse(mean ? sigma.error() : mean.error());
    }
    for (double& value : *sigma) {
        value = vae::pisrlu(value);
    }
    return vae::VaeParameters{.prior_mean = std::move(*mean),
                              .prior_sigma = std::move(*sigma),
                              .beta = kPublishedBeta,
                              .divergence = vae::DivergenceForm::as_published};
}

// Two plain events by hand, a W to electron and a Z to two electrons.
std::vector<std::vector<float>> golden_rows() {
    return {{38.1F, 0, 0, 0, 35, 0, 35, 0.02F, 0, 0, -28, 3, 60, 0, 1, 0, 1, 1, 1, 261, 114},
            {80, 14, 0, 0, 12, 91.2F, 48, 0.01F, 0.02F, 0, -5, 2, 12, 0, 2, 0, 2, -1, 1, 270, 120}};
}

}  // namespace

tl::expected<ModelFiles, std::string> import_vae_tsv(const std::filesystem::path& file) {
    auto weights = read_weights(file);
    if (!weights) {
        return engine::refuse(weights.error());
    }
    const vae::VaeShape shape;
    engine::Graph graph = vae::make_scoring_graph(shape);
    auto set = set_graph_weights(*weights, graph);
    auto parameters = read_prior(*weights, shape.latent);
    if (!set || !parameters) {
        return engine::refuse(file.string() + ": " + (set ? parameters.error() : set.error()));
    }
    ModelFiles files;
    files.manifest = vae::make_vae_manifest(file.stem().string(), *parameters);
    files.manifest.provenance.data = "weights of " + file.filename().string();
    NetworkFile entry;
    entry.file = vae::kNetworkFileName;
    add_network(files, std::move(entry), graph);
    const auto rows = golden_rows();
    if (auto golden = add_golden_vectors(files, rows, kGoldenTolerance); !golden) {
        return engine::refuse(golden.error());
    }
    return files;
}

}  // namespace tamis::models
