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

tl::expected<models::ModelFiles, ExitStatus> read_model_files(
    const std::filesystem::path& directory) {
    models::ModelFiles files;
    auto manifest = config::read_model_directory(directory);
    if (!manifest) {
        std::cerr << config::to_string(manifest.error());
        return tl::unexpected(EX_CONFIG);
    }
    files.manifest = *std::move(manifest);
    for (const models::NetworkFile& entry : files.manifest.networks) {
        auto bytes = models::read_network_file(entry, directory);
        if (!bytes) {
            return tl::unexpected(fail(EX_DATAERR, bytes.error()));
        }
        files.networks.push_back(*std::move(bytes));
    }
    return files;
}

ExitStatus write_model(const models::ModelFiles& files, const std::filesystem::path& directory,
                       Say say) {
    if (const auto loaded = models::load_model(files.manifest, files.networks); !loaded) {
        return fail(EX_DATAERR, loaded.error());
    }
    const auto text = config::manifest_text(files.manifest);
    if (const auto read = config::parse_manifest(text, std::string(config::kManifestFileName));
        !read) {
        std::cerr << config::to_string(read.error());
        return EX_DATAERR;
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
    if (say == Say::done) {
        fmt::print("{}: model {} of kind {} written, hash {:016x}\n", directory.string(),
                   files.manifest.name, files.manifest.kind, (*model)->hash());
    }
    return EX_OK;
}

}  // namespace tamis::daemon
