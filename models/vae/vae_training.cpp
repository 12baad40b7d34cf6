#include "models/vae/vae_training.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <gsl/assert>
#include <utility>

#include "engine/random.hpp"
#include "engine/refusal.hpp"
#include "models/vae/likelihoods.hpp"

namespace tamis::models::vae {
namespace {

// Ports of encoder and decoder by position.
constexpr std::size_t kMu = 0, kSigma = 1;
constexpr std::size_t kPar1 = 0, kPar2 = 1, kPar3 = 2;
// The published prior starts at mean 0 and a raw sigma of 1.
constexpr float kFirstPriorSigmaRaw = 1;

engine::OptimizerConfig optimizer_config(const VaeTrainingOptions& options) {
    engine::OptimizerConfig config;
    config.learning_rate = options.learning_rate;
    const engine::Constraint limited{.l2 = 0, .max_norm = options.max_norm};
    config.of_parameter = {{"Encoder_h2/kernel", limited}, {"Decoder_h1/kernel", limited}};
    return config;
}

template <class Values>
auto row_of(Values values, std::size_t row, std::size_t width) {
    return values.subspan(row * width, width);
}

// The decoder's outputs of one row as parameters of the likelihoods, before their activations.
struct ScaledRow {
    std::array<float, kHighLevelFeatureCount> par1;
    std::array<float, kScaledFeatures> par2_raw;
    std::array<float, kZeroFeatures> par3_raw;
};

template <std::size_t N>
void apply(const ColumnScaling& scaling, std::span<const float> network,
           std::array<float, N>& raw) {
    for (std::size_t i = 0; i < N; ++i) {
        raw[i] = static_cast<float>(scaling.offset[i] + scaling.scale[i] * network[i]);
    }
}

// The chain rule through apply(), times the row's weight in the mean.
template <std::size_t N>
void apply_gradient(const ColumnScaling& scaling, const std::array<float, N>& raw, double weight,
                    std::span<float> network) {
    for (std::size_t i = 0; i < N; ++i) {
        network[i] = static_cast<float>(scaling.scale[i] * raw[i] * weight);
    }
}

}  // namespace

tl::expected<std::unique_ptr<VaeTraining>, std::string> VaeTraining::create(
    const VaeTrainingOptions& options, const FeatureTable& table) {
    Expects(table.columns.size() == kHighLevelFeatureCount && table.rows() > 0);
    auto encoder = engine::TrainableNetwork::create(make_encoder(options.shape, options.seed),
                                                    {.mini_batch = options.mini_batch});
    auto decoder = engine::TrainableNetwork::create(
        make_decoder(options.shape, options.seed),
        {.mini_batch = options.mini_batch, .input_gradients = true});
    if (!encoder || !decoder) {
        return engine::refuse(encoder ? decoder.error() : encoder.error());
    }
    return std::make_unique<VaeTraining>(options, table, std::move(*encoder), std::move(*decoder));
}

VaeTraining::VaeTraining(const VaeTrainingOptions& options, const FeatureTable& table,
                         Network encoder, Network decoder)
    : options_(options),
      table_(&table),
      inputs_(robust_scaling(table)),
      heads_(marginal_scaling(table)),
      encoder_(std::move(encoder)),
      decoder_(std::move(decoder)),
      latent_(static_cast<std::size_t>(options.shape.latent)),
      noise_(options.mini_batch * latent_),
      correlation_(options.mini_batch),
      row_losses_(options.mini_batch),
      row_weights_(options.mini_batch),
      row_others_(options.mini_batch),
      prior_(2 * latent_),
      prior_gradient_(2 * latent_),
      optimizer_(optimizer_config(options)) {
    Expects(!options.decorrelation.is_wanted() || options.decorrelation.of.size() == table.rows());
    std::fill(prior_.begin() + static_cast<std::ptrdiff_t>(latent_), prior_.end(),
              kFirstPriorSigmaRaw);
    const auto of_encoder = encoder_->parameters();
    const auto of_decoder = decoder_->parameters();
    parameters_.assign(of_encoder.begin(), of_encoder.end());
    parameters_.insert(parameters_.end(), of_decoder.begin(), of_decoder.end());
    engine::TrainableParameter& prior = parameters_.emplace_back();
    prior.name = "prior";
    prior.shape = {2, options.shape.latent};
    prior.values = prior_;
    prior.gradient = prior_gradient_;
}

double VaeTraining::prior_sigma(std::size_t dimension) const {
    return pisrlu(prior_[latent_ + dimension]);
}

void VaeTraining::sample_latent(std::span<const std::size_t> rows, std::uint64_t pass) {
    const std::uint64_t stream = engine::stream_of("vae latent noise") + pass;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const auto mu = row_of(encoder_->output(kMu), i, latent_);
        const auto sigma_raw = row_of(encoder_->output(kSigma), i, latent_);
        const auto z = row_of(decoder_->input(0), i, latent_);
        for (std::size_t j = 0; j < latent_; ++j) {
            float& noise = noise_[i * latent_ + j];
            noise = engine::random_normal(options_.seed, stream, rows[i] * latent_ + j);
            z[j] = static_cast<float>(mu[j] + pisrlu(sigma_raw[j]) * noise);
        }
    }
}

double VaeTraining::row_loss(std::size_t batch_row, std::span<const float> x, Wanted wanted,
                             double weight) {
    ScaledRow row;
    apply(heads_.par1, row_of(decoder_->output(kPar1), batch_row, kHighLevelFeatureCount),
          row.par1);
    apply(heads_.par2_raw, row_of(decoder_->output(kPar2), batch_row, kScaledFeatures),
          row.par2_raw);
    apply(heads_.par3_raw, row_of(decoder_->output(kPar3), batch_row, kZeroFeatures), row.par3_raw);
    const DecoderRow<float> decoded{row.par1, row.par2_raw, row.par3_raw};
    if (wanted == Wanted::loss) {
        std::array<float, kHighLevelFeatureCount> terms{};
        return reconstruction_loss(x, decoded, terms);
    }
    ScaledRow gradient;
    const double loss =
        reconstruction_gradient(x, decoded, {gradient.par1, gradient.par2_raw, gradient.par3_raw});
    apply_gradient(heads_.par1, gradient.par1, weight,
                   row_of(decoder_->output_gradient(kPar1), batch_row, kHighLevelFeatureCount));
    apply_gradient(heads_.par2_raw, gradient.par2_raw, weight,
                   row_of(decoder_->output_gradient(kPar2), batch_row, kScaledFeatures));
    apply_gradient(heads_.par3_raw, gradient.par3_raw, weight,
                   row_of(decoder_->output_gradient(kPar3), batch_row, kZeroFeatures));
    return loss;
}

double VaeTraining::row_divergence(std::size_t batch_row) const {
    const auto mu = row_of(encoder_->output(kMu), batch_row, latent_);
    const auto sigma_raw = row_of(encoder_->output(kSigma), batch_row, latent_);
    double sum = 0;
    for (std::size_t j = 0; j < latent_; ++j) {
        sum += divergence_term(mu[j], pisrlu(sigma_raw[j]), prior_[j], prior_sigma(j),
                               options_.divergence)
                   .value;
    }
    return sum;
}

double VaeTraining::weigh_rows(std::span<const std::size_t> rows) {
    const auto count = static_cast<double>(rows.size());
    std::fill(row_weights_.begin(), row_weights_.end(), 1 / count);
    const DecorrelationPenalty& penalty = options_.decorrelation;
    if (!penalty.is_wanted()) {
        return 0;
    }
    for (std::size_t i = 0; i < rows.size(); ++i) {
        row_losses_[i] = row_loss(i, table_->row(rows[i]), Wanted::loss, 0);
        row_others_[i] = penalty.of[rows[i]];
    }
    std::vector<double> compressed(rows.size());
    std::vector<double> gradient(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
        compressed[i] = std::asinh(row_losses_[i]);
        if (!std::isfinite(compressed[i])) {
            return compressed[i];  // forward() says where it comes from
        }
    }
    const double correlation =
        correlation_.evaluate(compressed, std::span(row_others_).first(rows.size()), gradient);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        row_weights_[i] += penalty.weight * gradient[i] / std::hypot(1, row_losses_[i]);
    }
    // As a sum over rows, whose mean is the loss.
    return count * penalty.weight * correlation;
}

tl::expected<double, std::string> VaeTraining::forward(std::span<const std::size_t> rows,
                                                       std::uint64_t pass, Wanted wanted) {
    Expects(!rows.empty() && rows.size() <= options_.mini_batch);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const auto x = table_->row(rows[i]);
        const auto to = row_of(encoder_->input(0), i, kHighLevelFeatureCount);
        for (std::size_t k = 0; k < kHighLevelFeatureCount; ++k) {
            to[k] = static_cast<float>((x[k] - inputs_.offset[k]) / inputs_.scale[k]);
        }
    }
    const auto mode = wanted == Wanted::gradients ? engine::ForwardMode::training
                                                  : engine::ForwardMode::evaluation;
    if (!encoder_->forward(rows.size(), mode)) {
        return engine::refuse("the engine could not execute the encoder");
    }
    sample_latent(rows, pass);
    if (!decoder_->forward(rows.size(), mode)) {
        return engine::refuse("the engine could not execute the decoder");
    }
    double sum = weigh_rows(rows);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        sum += row_loss(i, table_->row(rows[i]), wanted, row_weights_[i]) +
               options_.beta * row_divergence(i);
    }
    if (!std::isfinite(sum)) {
        const std::string where = encoder_->first_non_finite() + decoder_->first_non_finite();
        return engine::refuse(
            "the loss is not finite" + (where.empty() ? where : " (" + where + ")") +
            "; right is a smaller learning rate or a sample without absurd values");
    }
    return sum;
}

void VaeTraining::add_divergence_gradients(std::size_t batch_row, double weight) {
    const auto mu = row_of(encoder_->output(kMu), batch_row, latent_);
    const auto sigma_raw = row_of(encoder_->output(kSigma), batch_row, latent_);
    const auto d_z = row_of(decoder_->input_gradient(0), batch_row, latent_);
    const auto d_mu = row_of(encoder_->output_gradient(kMu), batch_row, latent_);
    const auto d_sigma_raw = row_of(encoder_->output_gradient(kSigma), batch_row, latent_);
    for (std::size_t j = 0; j < latent_; ++j) {
        const DivergenceTerm term = divergence_term(mu[j], pisrlu(sigma_raw[j]), prior_[j],
                                                    prior_sigma(j), options_.divergence);
        const double noise = noise_[batch_row * latent_ + j];
        d_mu[j] = static_cast<float>(d_z[j] + weight * term.d_mu);
        d_sigma_raw[j] = static_cast<float>((d_z[j] * noise + weight * term.d_sigma) *
                                            pisrlu_slope(sigma_raw[j]));
        prior_gradient_[j] += static_cast<float>(weight * term.d_prior_mean);
        prior_gradient_[latent_ + j] +=
            static_cast<float>(weight * term.d_prior_sigma * pisrlu_slope(prior_[latent_ + j]));
    }
}

bool VaeTraining::backward(std::size_t rows) {
    if (!decoder_->backward()) {
        return false;
    }
    std::fill(prior_gradient_.begin(), prior_gradient_.end(), 0.0F);
    for (std::size_t i = 0; i < rows; ++i) {
        add_divergence_gradients(i, options_.beta / static_cast<double>(rows));
    }
    return encoder_->backward();
}

tl::expected<double, std::string> VaeTraining::train_batch(std::span<const std::size_t> rows,
                                                           std::uint64_t pass) {
    const auto sum = forward(rows, pass, Wanted::gradients);
    if (!sum) {
        return sum;
    }
    if (!backward(rows.size())) {
        return engine::refuse("the engine could not execute a backward pass");
    }
    optimizer_.step(parameters_);
    return *sum / static_cast<double>(rows.size());
}

tl::expected<double, std::string> VaeTraining::mean_loss(std::span<const std::size_t> rows,
                                                         std::uint64_t pass) {
    Expects(!rows.empty());
    double sum = 0;
    for (std::size_t first = 0; first < rows.size(); first += options_.mini_batch) {
        const auto step = rows.subspan(first, std::min(options_.mini_batch, rows.size() - first));
        const auto part = forward(step, pass, Wanted::loss);
        if (!part) {
            return part;
        }
        sum += *part;
    }
    return sum / static_cast<double>(rows.size());
}

void VaeTraining::save_into(engine::Checkpoint& checkpoint) const {
    checkpoint.integers["vae/seed"] = options_.seed;
    checkpoint.integers["vae/rows"] = table_->rows();
    checkpoint.integers["vae/batch"] = options_.mini_batch;
    encoder_->save_into(checkpoint, "encoder/");
    decoder_->save_into(checkpoint, "decoder/");
    checkpoint.floats["prior"] = prior_;
    optimizer_.save_into(checkpoint);
}

void VaeTraining::restore_from(engine::CheckpointReader& checkpoint) {
    checkpoint.expect("vae/seed", options_.seed);
    checkpoint.expect("vae/rows", table_->rows());
    checkpoint.expect("vae/batch", options_.mini_batch);
    encoder_->restore_from(checkpoint, "encoder/");
    decoder_->restore_from(checkpoint, "decoder/");
    checkpoint.read("prior", prior_);
    optimizer_.restore_from(checkpoint, parameters_);
}

VaeWeights VaeTraining::weights() const {
    VaeWeights made;
    made.scoring_graph = make_scoring_graph(options_.shape);
    auto& weights = made.scoring_graph.weights;
    for (const engine::TrainableNetwork* network : {encoder_.get(), decoder_.get()}) {
        const engine::Graph trained = network->to_graph();
        for (const auto& [name, tensor] : trained.weights) {
            Expects(weights.contains(name) && weights[name].shape == tensor.shape);
            weights[name] = tensor;
        }
    }
    fold_into_inputs(inputs_, weights["Encoder_h1/kernel"], weights["Encoder_h1/bias"]);
    fold_into_outputs(heads_.par1, weights["Output_par1/kernel"], weights["Output_par1/bias"]);
    fold_into_outputs(heads_.par2_raw, weights["par2_h/kernel"], weights["par2_h/bias"]);
    fold_into_outputs(heads_.par3_raw, weights["par3_h/kernel"], weights["par3_h/bias"]);
    for (std::size_t j = 0; j < latent_; ++j) {
        made.parameters.prior_mean.push_back(prior_[j]);
        made.parameters.prior_sigma.push_back(prior_sigma(j));
    }
    made.parameters.beta = options_.beta;
    made.parameters.divergence = options_.divergence;
    return made;
}

}  // namespace tamis::models::vae
