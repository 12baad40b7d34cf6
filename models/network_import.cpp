#include "models/network_import.hpp"

#include <cmath>
#include <utility>

#include "models/model_loader.hpp"

namespace tamis::models {
namespace {

constexpr double kGoldenTolerance = 1e-4;

// Zeros, and values between -1 and 1 that differ from place to place.
std::vector<std::vector<float>> golden_rows(std::size_t row_size) {
    std::vector<std::vector<float>> rows(2, std::vector<float>(row_size));
    for (std::size_t i = 0; i < row_size; ++i) {
        rows[1][i] = static_cast<float>(std::sin(0.7 * static_cast<double>(i) + 0.3));
    }
    return rows;
}

}  // namespace

tl::expected<ModelFiles, std::string> import_onnx(const std::filesystem::path& file) {
    NetworkFile entry;
    entry.file = file.filename().string();
    auto bytes = read_network_file(entry, file.parent_path());
    if (!bytes) {
        return tl::make_unexpected(bytes.error());
    }
    ModelFiles files;
    files.manifest.name = file.stem().string();
    files.manifest.version = "1.0";
    files.manifest.kind = "onnx";
    files.manifest.schema = file.stem().string();
    files.manifest.provenance.data = "network of " + entry.file;
    add_network(files, std::move(entry), std::move(*bytes));
    const auto model = load_model(files.manifest, files.networks);
    if (!model) {
        return tl::make_unexpected(model.error());
    }
    const auto rows = golden_rows((*model)->input_columns().size());
    if (auto golden = add_golden_vectors(files, rows, kGoldenTolerance); !golden) {
        return tl::make_unexpected(golden.error());
    }
    return files;
}

}  // namespace tamis::models
