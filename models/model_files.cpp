#include "models/model_files.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <gsl/assert>
#include <system_error>

#include "engine/onnx_writer.hpp"
#include "models/model_hash.hpp"
#include "models/model_loader.hpp"
#include "streams/whole_file.hpp"

namespace tamis::models {
void add_network(ModelFiles& files, NetworkFile entry, std::string onnx) {
    entry.sha256 = sha256_of(std::as_bytes(std::span(onnx)));
    files.manifest.networks.push_back(std::move(entry));
    files.networks.push_back(std::move(onnx));
}

void add_network(ModelFiles& files, NetworkFile entry, const engine::Graph& graph) {
    auto onnx = engine::write_onnx(graph);
    Expects(onnx.has_value());
    add_network(files, std::move(entry), std::move(*onnx));
}

tl::expected<void, std::string> add_golden_vectors(ModelFiles& files,
                                                   std::span<const std::vector<float>> rows,
                                                   double relative_tolerance) {
    const auto model = load_model(files.manifest, files.networks);
    if (!model) {
        return tl::make_unexpected(model.error());
    }
    for (const std::vector<float>& row : rows) {
        Expects(row.size() == (*model)->input_columns().size());
        std::vector<float> answer((*model)->score_columns().size());
        (*model)->score_table(row, answer);
        if (!std::all_of(answer.begin(), answer.end(),
                         [](float value) { return std::isfinite(value); })) {
            return tl::make_unexpected(
                "model '" + files.manifest.name +
                "': a row chosen as golden vector has no finite score; right "
                "is a row of its own sample");
        }
        files.manifest.golden.push_back({.input = {row.begin(), row.end()},
                                         .output = {answer.begin(), answer.end()},
                                         .relative_tolerance = relative_tolerance});
    }
    return {};
}

tl::expected<void, std::string> write_networks(const ModelFiles& files,
                                               const std::filesystem::path& directory) {
    Expects(files.networks.size() == files.manifest.networks.size());
    std::error_code error;
    std::filesystem::create_directories(directory, error);
    if (error) {
        return tl::make_unexpected(directory.string() + ": cannot be made (" + error.message() +
                                   "); right is a directory this user may write to");
    }
    for (std::size_t i = 0; i < files.networks.size(); ++i) {
        auto written = streams::write_whole_file(directory / files.manifest.networks[i].file,
                                                 files.networks[i]);
        if (!written) {
            return written;
        }
    }
    return {};
}

}  // namespace tamis::models
