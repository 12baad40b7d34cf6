// tamis train: a model's files from its recipe. The same recipe, seed and input give the same
// bytes.
#include <fmt/core.h>
#include <sysexits.h>

#include <filesystem>
#include <memory>
#include <string>

#include "daemon/commands/command.hpp"
#include "daemon/commands/isolation_training.hpp"
#include "daemon/commands/model_directory.hpp"
#include "daemon/commands/progress.hpp"
#include "daemon/commands/ringer_training.hpp"
#include "daemon/commands/training_samples.hpp"
#include "models/autoencoder/reconstruction_recipe.hpp"
#include "models/seed_filter/seed_filter_recipe.hpp"
#include "models/vae/vae_recipe.hpp"
#include "models/vae/vae_samples.hpp"

namespace tamis::daemon {

namespace {

struct TrainOptions {
    std::string kind;
    std::filesystem::path output;
    std::filesystem::path input;       // empty: synthetic
    std::filesystem::path checkpoint;  // of vae and seed-filter
    std::uint64_t seed = 0;            // 0: the recipe's own
    std::size_t events = 0;            // 0: the recipe's own
    std::size_t epochs = 0;            // 0: the recipe's own
    bool allow_constant = false;       // of autoencoder and gaussian-vae
    std::string decorrelate;           // a column; empty: none; of vae and autoencoder
    double decorrelation_weight = 20;
    RingerTrainOptions ringer;
    IsolationTrainOptions isolation;
};

// How often a training of hundreds of epochs says where it is.
constexpr std::size_t kEpochsBetweenLines = 20;

bool learns_any_table(const TrainOptions& options) {
    return options.kind == "autoencoder" || options.kind == "gaussian-vae";
}

// The options that change the outcome, as they would be typed again.
std::string command_text(const TrainOptions& options) {
    std::string text = "tamis train " + options.kind;
    if (options.seed != 0) {
        text += fmt::format(" --seed {}", options.seed);
    }
    if (options.events != 0) {
        text += fmt::format(" --events {}", options.events);
    }
    if (options.epochs != 0) {
        text += fmt::format(" --epochs {}", options.epochs);
    }
    if (options.allow_constant) {
        text += " --allow-constant";
    }
    if (!options.decorrelate.empty()) {
        text += fmt::format(" --decorrelate {} --decorrelation-weight {}", options.decorrelate,
                            options.decorrelation_weight);
    }
    text += ringer_options_text(options.ringer) + isolation_options_text(options.isolation);
    if (!options.input.empty()) {
        text += fmt::format(" --input {}", options.input.filename().string());
    }
    return text;
}

// Of a file or synthetic.
tl::expected<models::VaeSamples, std::string> vae_samples_of(const TrainOptions& options,
                                                             models::VaeSampleRequest request) {
    if (!options.input.empty()) {
        return read_vae_samples(options.input, options.decorrelate);
    }
    request.seed = options.seed != 0 ? options.seed : request.seed;
    if (options.events != 0) {
        request.training = options.events;
        request.calibration = 2 * options.events;
        request.each_signal = options.events / 8 + 1;
    }
    request.with_pileup = !options.decorrelate.empty();
    say(fmt::format("generating {} training and {} calibration events, {} of each signal",
                    request.training, request.calibration, request.each_signal));
    return models::synthetic_vae_samples(request);
}

tl::expected<models::ModelFiles, std::string> train_vae(const TrainOptions& options) {
    models::VaeRecipe recipe;
    if (options.seed != 0) {
        recipe.training.seed = options.seed;
    }
    if (options.epochs != 0) {
        recipe.max_epochs = options.epochs;
    }
    recipe.checkpoint = options.checkpoint;
    recipe.decorrelation = options.decorrelate.empty() ? 0 : options.decorrelation_weight;
    const auto samples = vae_samples_of(options, {});
    if (!samples) {
        return tl::unexpected(samples.error());
    }
    return models::train_vae(recipe, *samples, [](const models::VaeEpoch& epoch) {
        say(
            fmt::format("epoch {:3}: training loss {:.4f}, validation loss {:.4f}, learning rate "
                        "{:.0e}, {:.0f} "
                        "events/s",
                        epoch.number, epoch.training_loss, epoch.validation_loss,
                        epoch.learning_rate, epoch.events_per_second));
    });
}

// Thresholds of one in ten thousand need fewer events than the VAE's own.
tl::expected<models::ModelFiles, std::string> train_isolation_model(const TrainOptions& options) {
    models::VaeSampleRequest request;
    request.training = 20'000;
    request.calibration = 200'000;
    request.each_signal = 10'000;
    const auto samples = vae_samples_of(options, request);
    if (!samples) {
        return tl::unexpected(samples.error());
    }
    return train_isolation(options.isolation, *samples, options.seed);
}

tl::expected<models::ModelFiles, std::string> train_ringer(const TrainOptions& options) {
    return train_ringer_model({options.input, options.seed, options.events, options.epochs},
                              options.ringer, say);
}

tl::expected<models::ModelFiles, std::string> train_seed_filter(const TrainOptions& options) {
    models::SeedFilterRecipe recipe;
    recipe.seed = options.seed != 0 ? options.seed : recipe.seed;
    recipe.training_doublets = options.events != 0 ? options.events : recipe.training_doublets;
    recipe.max_epochs = options.epochs != 0 ? options.epochs : recipe.max_epochs;
    recipe.checkpoint = options.checkpoint;
    if (!options.input.empty()) {
        auto samples = read_doublet_samples(options.input, recipe.seed);
        if (!samples) {
            return tl::unexpected(samples.error());
        }
        recipe.samples = *std::move(samples);
    }
    return models::train_seed_filter(recipe, say);
}

tl::expected<models::ModelFiles, std::string> train_any_table(const TrainOptions& options) {
    auto read = read_any_table(options.input, options.allow_constant, options.decorrelate);
    if (!read) {
        return tl::unexpected(read.error());
    }
    const models::FeatureTable& table = read->features;
    models::ReconstructionRecipe recipe;
    recipe.nuisance = std::move(read->nuisance);
    recipe.nuisance_name = options.decorrelate;
    recipe.training.decorrelation = options.decorrelate.empty() ? 0 : options.decorrelation_weight;
    recipe.name = options.kind == "autoencoder" ? "autoencoder" : "gaussian_vae";
    recipe.training.kind = options.kind == "autoencoder" ? models::ReconstructionKind::denoising
                                                         : models::ReconstructionKind::gaussian;
    recipe.training.seed = options.seed != 0 ? options.seed : recipe.training.seed;
    recipe.training.most_epochs = options.epochs;
    const std::string origin =
        fmt::format("{}: {} rows", options.input.filename().string(), table.rows());
    return models::train_reconstruction_model(
        recipe, table, origin, [](const engine::EpochReport& epoch) {
            if (epoch.epoch % kEpochsBetweenLines == 1) {
                say(
                    fmt::format("epoch {:3}: training loss {:.5f}, validation loss {:.5f}, {:.0f} "
                                "rows/s",
                                epoch.epoch, epoch.training_loss, epoch.validation_loss,
                                epoch.rows_per_second));
            }
        });
}

tl::expected<models::ModelFiles, std::string> train_kind(const TrainOptions& options) {
    if (learns_any_table(options)) {
        return train_any_table(options);
    }
    return options.kind == "vae"         ? train_vae(options)
           : options.kind == "isolation" ? train_isolation_model(options)
           : options.kind == "ringer"    ? train_ringer(options)
                                         : train_seed_filter(options);
}

// Empty where the options go together.
std::string contradiction_of(const TrainOptions& options) {
    if (learns_any_table(options) && options.input.empty()) {
        return fmt::format("{} has no synthetic sample; right is --input FEATURES.csv",
                           options.kind);
    }
    if (options.allow_constant && !learns_any_table(options)) {
        return "--allow-constant goes with autoencoder and gaussian-vae";
    }
    if (!options.decorrelate.empty() && options.kind != "vae" && options.kind != "autoencoder") {
        return "--decorrelate goes with vae and autoencoder";
    }
    if (options.kind == "vae" && !options.decorrelate.empty() && options.input.empty() &&
        options.decorrelate != "average_mu") {
        return fmt::format(
            "synthetic events have no column '{}' to be independent of; right is "
            "--decorrelate average_mu",
            options.decorrelate);
    }
    if (!ringer_options_text(options.ringer).empty() && options.kind != "ringer") {
        return fmt::format("{} goes with ringer", ringer_options_text(options.ringer).substr(1));
    }
    if (!isolation_options_text(options.isolation).empty() && options.kind != "isolation") {
        return fmt::format("{} goes with isolation",
                           isolation_options_text(options.isolation).substr(1));
    }
    if (options.kind == "isolation" && options.isolation.encoder.empty()) {
        return "isolation is asked in the latent space of a model; right is --encoder DIR";
    }
    if (options.kind == "isolation" && options.epochs != 0) {
        return "--epochs is for networks that learn; the encoder of isolation has learnt";
    }
    if (!options.input.empty() && options.events != 0) {
        return "--events is the size of a synthetic sample; --input has its own";
    }
    if (!options.checkpoint.empty() && options.kind != "vae" && options.kind != "seed-filter") {
        return "--checkpoint goes with vae and seed-filter; the others train in seconds";
    }
    return {};
}

ExitStatus train(const TrainOptions& options) {
    if (const std::string why = contradiction_of(options); !why.empty()) {
        return fail(EX_USAGE, why);
    }
    if (!options.input.empty() && !std::filesystem::exists(options.input)) {
        return fail(EX_NOINPUT, fmt::format("{}: no such file", options.input.string()));
    }
    auto files = train_kind(options);
    if (!files) {
        const std::string file = options.input.string();
        const std::string encoder = options.isolation.encoder.string();
        const bool names_file = file.empty() || files.error().starts_with(file) ||
                                (!encoder.empty() && files.error().starts_with(encoder));
        return fail(EX_DATAERR, names_file ? files.error() : file + ": " + files.error());
    }
    files->manifest.provenance.command = command_text(options);
    for (const auto& line : files->manifest.provenance.report) {
        fmt::print("{}\n", line);
    }
    return write_model(*files, options.output);
}

}  // namespace

void add_train(CLI::App& program, ExitStatus& status) {
    auto* command = program.add_subcommand("train", "Train a model by its recipe");
    auto options = std::make_shared<TrainOptions>();
    command
        ->add_option(
            "kind", options->kind,
            "vae, ringer, seed-filter; isolation in the latent space of a vae; autoencoder "
            "or gaussian-vae for any table")
        ->required()
        ->check(CLI::IsMember(
            {"vae", "ringer", "seed-filter", "isolation", "autoencoder", "gaussian-vae"}));
    command->add_option("--output", options->output, "Directory to write the model to")->required();
    command->add_option(
        "--input", options->input,
        "CSV or HDF5 file (.h5, .hdf5) of rows to learn from, named as tamis score "
        "wants them, with a "
        "column label (1 signal, 0 background) for ringer and seed-filter; or, for "
        "vae and isolation, a recording (.mcap). autoencoder and gaussian-vae learn from every "
        "column but label. Default: synthetic events");
    command->add_flag("--allow-constant", options->allow_constant,
                      "A feature may have one value in every row (autoencoder, gaussian-vae)");
    command->add_option("--decorrelate", options->decorrelate,
                        "Column that the score is to be independent of (vae, autoencoder), such as "
                        "average_mu; beside the features of --input, or average_mu of synthetic "
                        "events");
    command
        ->add_option("--decorrelation-weight", options->decorrelation_weight,
                     "Weight of the squared distance correlation in the loss")
        ->check(CLI::PositiveNumber)
        ->capture_default_str();
    command->add_option("--checkpoint", options->checkpoint,
                        "File written after each epoch; where it exists, training goes on from it");
    command->add_option("--seed", options->seed, "Of samples, first weights and shuffling");
    command->add_option("--events", options->events,
                        "Size of the synthetic training sample (doublets for the seed filter)");
    command->add_option("--epochs", options->epochs, "Epochs at most");
    add_ringer_options(*command, options->ringer);
    add_isolation_options(*command, options->isolation);
    command->footer(
        "Example:\n  tamis train vae --output models/mine --seed 7 --events 100000\n"
        "  tamis train vae --input run/demo/selected.mcap --output models/mine\n"
        "  tamis train vae --input features.h5 --output models/mine\n"
        "  tamis train autoencoder --input features.csv --output models/mine --seed 7\n"
        "  tamis train autoencoder --input features.csv --output models/mine --decorrelate "
        "average_mu\n"
        "  tamis train isolation --encoder models/shipped/vae --input features.csv --output "
        "models/mine --points 4000\n"
        "  tamis train ringer --input probes.csv --output models/mine --et-edges 15,1e6 --folds "
        "10");
    command->callback([options, &status] { status = train(*options); });
}

}  // namespace tamis::daemon
