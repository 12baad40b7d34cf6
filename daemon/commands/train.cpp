// tamis train: a model's files from its recipe. The same recipe, seed and input give the same
// bytes.
#include <fmt/core.h>
#include <sysexits.h>

#include <filesystem>
#include <memory>
#include <string>

#include "daemon/commands/command.hpp"
#include "daemon/commands/model_directory.hpp"
#include "models/ringer/ringer_recipe.hpp"
#include "models/seed_filter/seed_filter_recipe.hpp"
#include "models/vae/vae_recipe.hpp"
#include "models/vae/vae_samples.hpp"
#include "streams/csv_table.hpp"

namespace tamis::daemon {

namespace {

struct TrainOptions {
    std::string kind;
    std::filesystem::path output;
    std::filesystem::path input;       // VAE only
    std::filesystem::path checkpoint;  // not the ringer's
    std::uint64_t seed = 0;            // 0: the recipe's own
    std::size_t events = 0;            // 0: the recipe's own
    std::size_t epochs = 0;            // 0: the recipe's own
};

void say(const std::string& line) { fmt::print(stderr, "{}\n", line); }

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
    if (!options.input.empty()) {
        text += fmt::format(" --input {}", options.input.filename().string());
    }
    return text;
}

// Training and calibration halves of a table that the user brings.
tl::expected<models::VaeSamples, std::string> read_vae_samples(const TrainOptions& options) {
    const auto table = streams::read_csv_table(options.input);
    if (!table) {
        return tl::unexpected(table.error());
    }
    models::VaeSamples samples;
    samples.training.columns = table->columns;
    samples.calibration.columns = table->columns;
    for (std::size_t index = 0; index < table->row_count(); ++index) {
        auto& half = index % 2 == 0 ? samples.training : samples.calibration;
        for (const double value : table->row(index)) {
            half.values.push_back(static_cast<float>(value));
        }
    }
    samples.description = fmt::format("{}: {} rows, every second one for calibration",
                                      options.input.filename().string(), table->row_count());
    return samples;
}

tl::expected<models::ModelFiles, std::string> train_vae(const TrainOptions& options) {
    models::VaeRecipe recipe;
    models::VaeSampleRequest request;
    if (options.seed != 0) {
        recipe.training.seed = options.seed;
        request.seed = options.seed;
    }
    if (options.events != 0) {
        request.training = options.events;
        request.calibration = 2 * options.events;
        request.each_signal = options.events / 8 + 1;
    }
    if (options.epochs != 0) {
        recipe.max_epochs = options.epochs;
    }
    recipe.checkpoint = options.checkpoint;
    models::VaeSamples samples;
    if (options.input.empty()) {
        say(fmt::format("generating {} training and {} calibration events, {} of each signal",
                        request.training, request.calibration, request.each_signal));
        samples = models::synthetic_vae_samples(request);
    } else {
        auto read = read_vae_samples(options);
        if (!read) {
            return tl::unexpected(read.error());
        }
        samples = *std::move(read);
    }
    return models::train_vae(recipe, samples, [](const models::VaeEpoch& epoch) {
        say(
            fmt::format("epoch {:3}: training loss {:.4f}, validation loss {:.4f}, learning rate "
                        "{:.0e}, {:.0f} "
                        "events/s",
                        epoch.number, epoch.training_loss, epoch.validation_loss,
                        epoch.learning_rate, epoch.events_per_second));
    });
}

tl::expected<models::ModelFiles, std::string> train_ringer(const TrainOptions& options) {
    models::RingerRecipe recipe;
    recipe.seed = options.seed != 0 ? options.seed : recipe.seed;
    recipe.events = options.events != 0 ? options.events : recipe.events;
    recipe.training.max_epochs = options.epochs != 0 ? options.epochs : recipe.training.max_epochs;
    return models::train_ringer(recipe, say);
}

tl::expected<models::ModelFiles, std::string> train_seed_filter(const TrainOptions& options) {
    models::SeedFilterRecipe recipe;
    recipe.seed = options.seed != 0 ? options.seed : recipe.seed;
    recipe.training_doublets = options.events != 0 ? options.events : recipe.training_doublets;
    recipe.max_epochs = options.epochs != 0 ? options.epochs : recipe.max_epochs;
    recipe.checkpoint = options.checkpoint;
    return models::train_seed_filter(recipe, say);
}

ExitStatus train(const TrainOptions& options) {
    if (!options.input.empty() && options.kind != "vae") {
        return fail(EX_USAGE, "--input goes with vae; the other recipes generate their samples");
    }
    if (!options.checkpoint.empty() && options.kind == "ringer") {
        return fail(EX_USAGE,
                    "--checkpoint goes with vae and seed-filter; each network of a ringer trains "
                    "in seconds");
    }
    if (!options.input.empty() && !std::filesystem::exists(options.input)) {
        return fail(EX_NOINPUT, fmt::format("{}: no such file", options.input.string()));
    }
    auto files = options.kind == "vae"      ? train_vae(options)
                 : options.kind == "ringer" ? train_ringer(options)
                                            : train_seed_filter(options);
    if (!files) {
        return fail(EX_DATAERR, files.error());
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
    command->add_option("kind", options->kind, "vae, ringer or seed-filter")
        ->required()
        ->check(CLI::IsMember({"vae", "ringer", "seed-filter"}));
    command->add_option("--output", options->output, "Directory to write the model to")->required();
    command->add_option("--input", options->input,
                        "CSV file of background events to train the VAE on; default: synthetic");
    command->add_option("--checkpoint", options->checkpoint,
                        "File written after each epoch; where it exists, training goes on from it");
    command->add_option("--seed", options->seed, "Of samples, first weights and shuffling");
    command->add_option("--events", options->events,
                        "Size of the training sample (doublets for the seed filter)");
    command->add_option("--epochs", options->epochs, "Epochs at most");
    command->footer("Example:\n  tamis train vae --output models/mine --seed 7 --events 100000");
    command->callback([options, &status] { status = train(*options); });
}

}  // namespace tamis::daemon
