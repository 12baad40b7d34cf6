#include "models/vae/vae_model.hpp"

#include <algorithm>
#include <cmath>
#include <gsl/assert>
#include <limits>

#include "engine/double_network.hpp"
#include "engine/refusal.hpp"
#include "models/high_level_scorer.hpp"
#include "models/model_hash.hpp"
#include "models/vae/vae_evaluator.hpp"
#include "models/vae/vae_network.hpp"
#include "models/working_point.hpp"

namespace tamis::models {
namespace {

using vae::VaeEvaluator;
using vae::VaeParameters;
using vae::VaeScore;

// Rows the network takes at once; a scorer with more events goes in steps.
constexpr std::size_t kNetworkBatch = 64;

tl::expected<VaeParameters, std::string> read_parameters(const Manifest& manifest,
                                                         std::size_t latent) {
    auto mean = read_parameter(manifest, "prior_mean", latent);
    auto sigma = read_parameter(manifest, "prior_sigma", latent);
    auto beta = read_parameter(manifest, "beta", 1);
    auto published = read_parameter(manifest, "divergence_as_published", 1);
    for (const auto* parameter : {&mean, &sigma, &beta, &published}) {
        if (!*parameter) {
            return engine::refuse(parameter->error());
        }
    }
    if (std::any_of(sigma->begin(), sigma->end(), [](double value) { return value <= 0; })) {
        return engine::refuse(
            "parameter 'prior_sigma' has a value of 0 or less; right are widths above 0");
    }
    return VaeParameters{.prior_mean = std::move(*mean),
                         .prior_sigma = std::move(*sigma),
                         .beta = beta->front(),
                         .divergence = published->front() != 0 ? vae::DivergenceForm::as_published
                                                               : vae::DivergenceForm::exact};
}

tl::expected<void, std::string> check_port(const engine::NetworkPort& port, std::string_view name,
                                           std::size_t row_size) {
    if (port.name != name || port.row_size != row_size) {
        return engine::refuse("network port '" + port.name + "' of " +
                              std::to_string(port.row_size) + " values; right is '" +
                              std::string(name) + "' of " + std::to_string(row_size));
    }
    return {};
}

tl::expected<void, std::string> check_ports(const engine::DoubleNetwork& network) {
    if (network.outputs().size() != vae::kOutputPorts.size()) {
        return engine::refuse("the network has " + std::to_string(network.outputs().size()) +
                              " outputs; right are mu, sigma_raw, par1, par2_raw, par3_raw");
    }
    const std::size_t latent = network.outputs()[0].row_size;
    const std::array<std::size_t, 5> sizes = {latent, latent, kHighLevelFeatureCount,
                                              vae::kScaledFeatures, vae::kZeroFeatures};
    auto checked = check_port(network.input(), vae::kInputPort, kHighLevelFeatureCount);
    for (std::size_t i = 0; i < sizes.size() && checked; ++i) {
        checked = check_port(network.outputs()[i], vae::kOutputPorts[i], sizes[i]);
    }
    return checked;
}

std::vector<std::string> make_score_columns() {
    std::vector<std::string> columns = {"score", "nll", "kl", "total", "mu2"};
    for (const std::string_view feature : kFeatureNames) {
        columns.push_back("nll_" + std::string(feature));
    }
    return columns;
}

class VaeModel final : public Model {
 public:
    VaeModel(Manifest manifest, VaeParameters parameters,
             std::shared_ptr<const engine::DoubleNetwork> network)
        : manifest_(std::move(manifest)),
          parameters_(std::move(parameters)),
          network_(std::move(network)),
          hash_(model_hash(manifest_)),
          feature_names_(kFeatureNames.begin(), kFeatureNames.end()),
          score_columns_(make_score_columns()) {}

    [[nodiscard]] const Manifest& manifest() const noexcept override { return manifest_; }
    [[nodiscard]] std::uint64_t hash() const noexcept override { return hash_; }
    [[nodiscard]] std::span<const std::string> contribution_names() const noexcept override {
        return feature_names_;
    }
    [[nodiscard]] std::unique_ptr<Scorer> make_scorer(std::size_t max_events) const override {
        return std::make_unique<HighLevelScorer<VaeEvaluator>>(manifest_, max_events, parameters_,
                                                               network_, kNetworkBatch);
    }
    [[nodiscard]] std::span<const std::string> input_columns() const noexcept override {
        return feature_names_;
    }
    [[nodiscard]] std::span<const std::string> score_columns() const noexcept override {
        return score_columns_;
    }

    void score_table(std::span<const float> rows, std::span<float> answers) const override {
        Expects(rows.size() % kHighLevelFeatureCount == 0);
        const std::size_t count = rows.size() / kHighLevelFeatureCount;
        Expects(answers.size() == count * score_columns_.size());
        VaeEvaluator evaluator(parameters_, network_, kNetworkBatch);
        for (std::size_t first = 0; first < count; first += evaluator.capacity()) {
            const std::size_t step = std::min(evaluator.capacity(), count - first);
            for (std::size_t i = 0; i < step; ++i) {
                const auto row =
                    rows.subspan((first + i) * kHighLevelFeatureCount, kHighLevelFeatureCount);
                std::copy(row.begin(), row.end(), evaluator.row(i).begin());
            }
            evaluator.score(step);
            for (std::size_t i = 0; i < step; ++i) {
                write_answer(
                    evaluator, i,
                    answers.subspan((first + i) * score_columns_.size(), score_columns_.size()));
            }
        }
    }

 private:
    static void write_answer(const VaeEvaluator& evaluator, std::size_t row,
                             std::span<float> answer) {
        if (!evaluator.is_finite(row)) {
            std::fill(answer.begin(), answer.end(), std::numeric_limits<float>::quiet_NaN());
            return;
        }
        const VaeScore& score = evaluator.score_of(row);
        const std::array<double, 5> sums = {score.nll, score.nll, score.kl, score.total, score.mu2};
        const auto next = std::transform(sums.begin(), sums.end(), answer.begin(),
                                         [](double sum) { return static_cast<float>(sum); });
        std::copy(score.terms.begin(), score.terms.end(), next);
    }

    Manifest manifest_;
    VaeParameters parameters_;
    std::shared_ptr<const engine::DoubleNetwork> network_;
    std::uint64_t hash_;
    std::vector<std::string> feature_names_;
    std::vector<std::string> score_columns_;
};

}  // namespace

tl::expected<std::shared_ptr<const Model>, std::string> load_vae(
    const Manifest& manifest, std::vector<engine::Graph> networks) {
    if (networks.size() != 1) {
        return engine::refuse("the manifest lists " + std::to_string(networks.size()) +
                              " networks; right is one");
    }
    auto checked = check_high_level_features(manifest).and_then(
        [&manifest] { return check_pileup_thresholds(manifest); });
    if (!checked) {
        return engine::refuse(checked.error());
    }
    auto network = engine::DoubleNetwork::compile(networks.front());
    if (!network) {
        return engine::refuse(network.error());
    }
    if (auto ports = check_ports(**network); !ports) {
        return engine::refuse(ports.error());
    }
    auto parameters = read_parameters(manifest, (*network)->outputs()[0].row_size);
    if (!parameters) {
        return engine::refuse(parameters.error());
    }
    return std::make_shared<const VaeModel>(manifest, std::move(*parameters), std::move(*network));
}

}  // namespace tamis::models
