#include "models/model_loader.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <system_error>

#include "engine/refusal.hpp"
#include "models/catalogue.hpp"
#include "models/model_hash.hpp"

namespace tamis::models {
namespace {

namespace fs = std::filesystem;

bool lies_within_directory(const fs::path& file) {
    return !file.empty() && file.is_relative() &&
           std::none_of(file.begin(), file.end(),
                        [](const fs::path& part) { return part == ".."; });
}

std::string describe_mismatch(std::size_t vector, const std::string& column, float answer,
                              double expected) {
    std::array<char, 200> text{};
    std::snprintf(text.data(), text.size(),
                  "golden vector %zu: column '%s' is %.9g, not %.9g (the network, the manifest or "
                  "this machine's arithmetic differs)",
                  vector, column.c_str(), static_cast<double>(answer), expected);
    return std::string(text.data()) + "; right are the files as they were trained";
}

tl::expected<void, std::string> check_golden_vector(const Model& model, std::size_t index) {
    const GoldenVector& golden = model.manifest().golden[index];
    const auto columns = model.score_columns();
    if (golden.input.size() != model.input_columns().size() ||
        golden.output.size() != columns.size()) {
        return engine::refuse("golden vector " + std::to_string(index) + " has " +
                              std::to_string(golden.input.size()) + " inputs and " +
                              std::to_string(golden.output.size()) + " outputs; right are " +
                              std::to_string(model.input_columns().size()) + " and " +
                              std::to_string(columns.size()));
    }
    const std::vector<float> row(golden.input.begin(), golden.input.end());
    std::vector<float> answer(columns.size());
    model.score_table(row, answer);
    for (std::size_t i = 0; i < answer.size(); ++i) {
        const double allowed =
            golden.relative_tolerance * std::max(1.0, std::abs(golden.output[i]));
        // Written so that a NaN fails.
        if (!(std::abs(double{answer[i]} - golden.output[i]) <= allowed)) {
            return engine::refuse(
                describe_mismatch(index, columns[i], answer[i], golden.output[i]));
        }
    }
    return {};
}

}  // namespace

tl::expected<std::string, std::string> read_network_file(const NetworkFile& entry,
                                                         const fs::path& directory) {
    if (!lies_within_directory(entry.file)) {
        return engine::refuse("network file '" + entry.file +
                              "' leads out of the model's directory; right is a name inside it");
    }
    const fs::path path = directory / entry.file;
    std::error_code error;
    const auto size = fs::file_size(path, error);
    if (error) {
        return engine::refuse(path.string() + ": cannot be read (" + error.message() +
                              "); right is the file the manifest names");
    }
    if (size > kMaxNetworkBytes) {
        return engine::refuse(path.string() + ": has " + std::to_string(size) +
                              " bytes; right are at most " + std::to_string(kMaxNetworkBytes));
    }
    std::string bytes(size, '\0');
    std::ifstream file(path, std::ios::binary);
    file.read(bytes.data(), static_cast<std::streamsize>(size));
    if (!file) {
        return engine::refuse(path.string() + ": reading stopped before its end; try again");
    }
    return bytes;
}

tl::expected<void, std::string> check_golden_vectors(const Model& model) {
    for (std::size_t i = 0; i < model.manifest().golden.size(); ++i) {
        if (auto checked = check_golden_vector(model, i); !checked) {
            return checked;
        }
    }
    return {};
}

tl::expected<std::shared_ptr<const Model>, std::string> load_model(
    const Manifest& manifest, const std::vector<std::string>& networks) {
    if (networks.size() != manifest.networks.size()) {
        return engine::refuse("model '" + manifest.name + "': " + std::to_string(networks.size()) +
                              " networks given; right are the " +
                              std::to_string(manifest.networks.size()) + " of its manifest");
    }
    for (std::size_t i = 0; i < networks.size(); ++i) {
        const NetworkFile& entry = manifest.networks[i];
        const auto bytes = std::as_bytes(std::span(networks[i]));
        if (const std::string hash = sha256_of(bytes); hash != entry.sha256) {
            return engine::refuse(
                "model '" + manifest.name + "': " + entry.file + " has SHA-256 " + hash +
                " (the file was changed or the manifest is of another one); right is " +
                entry.sha256);
        }
    }
    auto model = make_model_of_files(manifest, networks);
    if (!model) {
        return engine::refuse("model '" + manifest.name + "': " + model.error());
    }
    if (auto golden = check_golden_vectors(**model); !golden) {
        return engine::refuse("model '" + manifest.name + "': " + golden.error());
    }
    return model;
}

tl::expected<std::shared_ptr<const Model>, std::string> load_model(const Manifest& manifest,
                                                                   const fs::path& directory) {
    std::vector<std::string> networks;
    for (const NetworkFile& entry : manifest.networks) {
        auto bytes = read_network_file(entry, directory);
        if (!bytes) {
            return engine::refuse("model '" + manifest.name + "': " + bytes.error());
        }
        networks.push_back(std::move(*bytes));
    }
    return load_model(manifest, networks);
}

}  // namespace tamis::models
