#include "daemon/commands/model_directory.hpp"

#include <fmt/core.h>
#include <sysexits.h>

#include <iostream>

#include "config/manifest_file.hpp"
#include "models/model_loader.hpp"

namespace tamis::daemon {

tl::expected<std::shared_ptr<const models::Model>, ExitStatus> open_model(
    const std::filesystem::path& directory) {
    const auto manifest = config::read_model_directory(directory);
    if (!manifest) {
        std::cerr << config::to_string(manifest.error());
        return tl::unexpected(EX_CONFIG);
    }
    auto model = models::load_model(*manifest, directory);
    if (!model) {
        return tl::unexpected(
            fail(EX_DATAERR, fmt::format("{}: {}", directory.string(), model.error())));
    }
    return *std::move(model);
}

ExitStatus write_model(const models::ModelFiles& files, const std::filesystem::path& directory) {
    // Before anything is written: what the node could not read again must not be.
    const auto read_back = config::parse_manifest(config::manifest_text(files.manifest),
                                                  std::string(config::kManifestFileName));
    if (!read_back) {
        return fail(EX_DATAERR, fmt::format("the model cannot be described ({})",
                                            config::to_string(read_back.error().front())));
    }
    const auto networks = models::write_networks(files, directory);
    if (!networks) {
        return fail(EX_IOERR, networks.error());
    }
    const auto manifest =
        config::write_manifest(files.manifest, directory / config::kManifestFileName);
    if (!manifest) {
        return fail(EX_IOERR, manifest.error());
    }
    const auto model = open_model(directory);
    if (!model) {
        return model.error();
    }
    fmt::print("{}: model {} of kind {} written, hash {:016x}\n", directory.string(),
               files.manifest.name, files.manifest.kind, (*model)->hash());
    return EX_OK;
}

}  // namespace tamis::daemon
