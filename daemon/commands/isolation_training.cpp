#include "daemon/commands/isolation_training.hpp"

#include <fmt/core.h>

#include "config/manifest_file.hpp"
#include "models/model_loader.hpp"
#include "models/novelty/isolation_model.hpp"
#include "models/novelty/isolation_recipe.hpp"

namespace tamis::daemon {

namespace {

tl::expected<models::ModelFiles, std::string> read_encoder_files(
    const std::filesystem::path& directory) {
    auto manifest = config::read_model_directory(directory);
    if (!manifest) {
        return tl::unexpected(config::to_string(manifest.error()));
    }
    models::ModelFiles files;
    files.manifest = *std::move(manifest);
    for (const models::NetworkFile& entry : files.manifest.networks) {
        auto bytes = models::read_network_file(entry, directory);
        if (!bytes) {
            return tl::unexpected(directory.string() + ": " + bytes.error());
        }
        files.networks.push_back(*std::move(bytes));
    }
    return files;
}

}  // namespace

void add_isolation_options(CLI::App& command, IsolationTrainOptions& options) {
    auto* group = command.add_option_group("isolation", "Of isolation alone");
    group
        ->add_option("--encoder", options.encoder,
                     "Directory of the model of kind vae whose latent space is asked")
        ->check(CLI::ExistingDirectory);
    group
        ->add_option("--points", options.points,
                     "Events of the reference sample, each of which is looked at for every event "
                     "(default 1000)")
        ->check(CLI::Range(std::size_t{1}, models::kMostReferencePoints));
    group
        ->add_option("--neighbours", options.neighbours,
                     "Points that a distance is the mean of (default 10)")
        ->check(CLI::Range(std::size_t{1}, models::kMostNeighbours));
    group->add_option("--latent", options.latent,
                      "Output of the network that is an event's place (default mu)");
}

std::string isolation_options_text(const IsolationTrainOptions& options) {
    std::string text;
    if (!options.encoder.empty()) {
        // Its name alone, as of an input: where it lies on this machine makes no difference.
        const auto path = (options.encoder / "").lexically_normal().parent_path();
        text += " --encoder " + path.filename().string();
    }
    if (options.points != 0) {
        text += fmt::format(" --points {}", options.points);
    }
    if (options.neighbours != 0) {
        text += fmt::format(" --neighbours {}", options.neighbours);
    }
    if (!options.latent.empty()) {
        text += " --latent " + options.latent;
    }
    return text;
}

tl::expected<models::ModelFiles, std::string> train_isolation(const IsolationTrainOptions& options,
                                                              const models::VaeSamples& samples,
                                                              std::uint64_t seed) {
    const auto vae = read_encoder_files(options.encoder);
    if (!vae) {
        return tl::unexpected(vae.error());
    }
    models::IsolationRecipe recipe;
    recipe.points = options.points != 0 ? options.points : recipe.points;
    recipe.neighbours = options.neighbours != 0 ? options.neighbours : recipe.neighbours;
    recipe.latent = options.latent.empty() ? recipe.latent : options.latent;
    recipe.seed = seed != 0 ? seed : recipe.seed;
    if (const auto encoder = models::isolation_encoder(*vae, recipe.latent); !encoder) {
        return tl::unexpected(options.encoder.string() + ": " + encoder.error());
    }
    return models::make_isolation_model(*vae, samples, recipe);
}

}  // namespace tamis::daemon
