#include "models/vae/vae_model.hpp"

#include <algorithm>
#include <cmath>
#include <gsl/assert>
#include <limits>

#include "engine/double_network.hpp"
#include "engine/refusal.hpp"
#include "models/high_level_row.hpp"
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

class VaeScorer final : public Scorer {
 public:
    VaeScorer(const Manifest& manifest, const VaeParameters& parameters,
              std::shared_ptr<const engine::DoubleNetwork> network, std::size_t max_events)
        : manifest_(&manifest),
          needs_pileup_(has_pileup_thresholds(manifest)),
          evaluator_(parameters, std::move(network), kNetworkBatch),
          verdicts_(max_events),
          queued_(evaluator_.capacity()) {}

    void score(std::span<EventInputs* const> events) noexcept override {
        Expects(events.size() <= verdicts_.size());
        std::size_t rows = 0;
        for (std::size_t i = 0; i < events.size(); ++i) {
            verdicts_[i] = {};
            if (needs_pileup_) {
                verdicts_[i].pileup = pileup_of(*events[i]);
            }
            verdicts_[i].status = write_high_level_row(*events[i], evaluator_.row(rows));
            if (verdicts_[i].status != ScoreStatus::scored) {
                continue;
            }
            queued_[rows++] = i;
            if (rows == queued_.size()) {
                score_queued(rows);
                rows = 0;
            }
        }
        score_queued(rows);
    }

    [[nodiscard]] ScoreStatus status(std::size_t position) const noexcept override {
        return verdicts_[position].status;
    }
    [[nodiscard]] float score_of(std::size_t position) const noexcept override {
        return verdicts_[position].score;
    }
    [[nodiscard]] Cut cut(std::size_t position, std::size_t working_point) const noexcept override {
        return pileup_cut(manifest_->working_points[working_point], score_of(position),
                          verdicts_[position].pileup, status(position));
    }
    [[nodiscard]] Explanation explanation(std::size_t position) const noexcept override {
        const Verdict& verdict = verdicts_[position];
        if (verdict.status != ScoreStatus::scored) {
            return {};
        }
        return {.contributions = verdict.terms, .kept = {}};
    }

 private:
    struct Verdict {
        ScoreStatus status = ScoreStatus::not_applicable;
        float score = 0;
        float pileup = 0;  // where thresholds ask for it
        std::array<float, kHighLevelFeatureCount> terms{};
    };

    void score_queued(std::size_t rows) noexcept {
        evaluator_.score(rows);
        for (std::size_t row = 0; row < rows; ++row) {
            Verdict& verdict = verdicts_[queued_[row]];
            if (!evaluator_.is_finite(row)) {
                verdict.status = ScoreStatus::non_finite_input;
                continue;
            }
            verdict.status = ScoreStatus::scored;
            verdict.score = static_cast<float>(evaluator_.score_of(row).nll);
            verdict.terms = evaluator_.score_of(row).terms;
        }
    }

    const Manifest* manifest_;
    bool needs_pileup_;
    VaeEvaluator evaluator_;
    std::vector<Verdict> verdicts_;
    std::vector<std::size_t> queued_;  // event position of each row of the evaluator
};

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
        return std::make_unique<VaeScorer>(manifest_, parameters_, network_, max_events);
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
