#include "models/network_model.hpp"

#include <algorithm>
#include <cmath>
#include <gsl/assert>
#include <limits>
#include <numeric>

#include "engine/network.hpp"
#include "engine/refusal.hpp"
#include "models/int8_parameters.hpp"
#include "models/model_hash.hpp"
#include "models/score_reduction.hpp"
#include "models/working_point.hpp"

namespace tamis::models {
namespace {

constexpr std::size_t kMostContributions = 64;
// Floats of one port in one batch: wide rows (images) get small batches.
constexpr std::size_t kMostBatchFloats = std::size_t{1} << 17;
constexpr std::size_t kMostBatchRows = 64;

std::size_t total_size(std::span<const engine::NetworkPort> ports) {
    return std::accumulate(
        ports.begin(), ports.end(), std::size_t{0},
        [](std::size_t sum, const engine::NetworkPort& port) { return sum + port.row_size; });
}

// What scorer and table form share; immutable.
struct NetworkScoring {
    std::shared_ptr<const engine::Network> network;
    std::vector<FeatureSpec> features;  // empty: the row enters as it is
    ScoreReduction reduction;
    std::size_t row_size = 0;
    std::size_t output_size = 0;  // of all outputs together

    // A reconstruction error is a sum of one term an input; any other score has its outputs.
    [[nodiscard]] bool has_terms() const noexcept {
        return reduction.reduction == Reduction::mean_squared_error;
    }
    // Values that explain an event; 0 where they would be too many.
    [[nodiscard]] std::size_t explanation_size() const noexcept {
        const std::size_t size = has_terms() ? row_size : output_size;
        return size <= kMostContributions ? size : 0;
    }
};

// Runs batches of rows. One thread; allocates in the constructor only.
class RowEvaluator {
 public:
    explicit RowEvaluator(const NetworkScoring& scoring)
        : scoring_(&scoring),
          runner_(scoring.network),
          row_(scoring.row_size),
          failed_(false),
          capacity_(scoring.network->max_batch()) {}

    [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }

    // Normalises a row and lays it out over the network's inputs.
    void write_row(std::size_t index, std::span<const float> values) noexcept {
        normalise(values);
        std::size_t from = 0;
        for (std::size_t port = 0; port < runner_.network().inputs().size(); ++port) {
            const std::size_t size = runner_.network().inputs()[port].row_size;
            const auto part = std::span(row_).subspan(from, size);
            std::copy(part.begin(), part.end(), runner_.input(port).subspan(index * size).begin());
            from += size;
        }
    }
    void score(std::size_t rows) noexcept {
        failed_ = runner_.run(rows) == engine::RunStatus::failed;
    }
    [[nodiscard]] bool is_finite(std::size_t index) const noexcept {
        return !failed_ && runner_.row_is_finite(index);
    }
    [[nodiscard]] std::span<const float> output_row(std::size_t port,
                                                    std::size_t index) const noexcept {
        const std::size_t size = runner_.network().outputs()[port].row_size;
        return runner_.output(port).subspan(index * size, size);
    }
    [[nodiscard]] float score_of(std::size_t index) noexcept {
        if (scoring_->has_terms()) {
            read_row(index);
        }
        return reduce(scoring_->reduction, output_row(scoring_->reduction.output, index), row_);
    }
    // All outputs one after the other.
    void copy_outputs(std::size_t index, std::span<float> to) const noexcept {
        auto next = to.begin();
        for (std::size_t port = 0; port < runner_.network().outputs().size(); ++port) {
            const auto output = output_row(port, index);
            next = std::copy(output.begin(), output.end(), next);
        }
    }

    // The terms or outputs of a row.
    void copy_explanation(std::size_t index, std::span<float> to) noexcept {
        if (!scoring_->has_terms()) {
            copy_outputs(index, to);
            return;
        }
        read_row(index);
        const auto output = output_row(scoring_->reduction.output, index);
        for (std::size_t i = 0; i < to.size(); ++i) {
            const double difference = double{output[i]} - row_[i];
            to[i] = static_cast<float>(difference * difference / static_cast<double>(to.size()));
        }
    }

 private:
    void normalise(std::span<const float> values) noexcept {
        std::copy(values.begin(), values.end(), row_.begin());
        for (std::size_t i = 0; i < scoring_->features.size(); ++i) {
            const FeatureSpec& feature = scoring_->features[i];
            row_[i] = static_cast<float>((double{values[i]} - feature.offset) / feature.scale);
        }
    }
    void read_row(std::size_t index) noexcept {
        auto next = row_.begin();
        for (std::size_t port = 0; port < runner_.network().inputs().size(); ++port) {
            const std::size_t size = runner_.network().inputs()[port].row_size;
            const auto part = runner_.input(port).subspan(index * size, size);
            next = std::copy(part.begin(), part.end(), next);
        }
    }

    const NetworkScoring* scoring_;
    engine::NetworkRunner runner_;
    std::vector<float> row_;
    bool failed_;
    std::size_t capacity_;
};

class NetworkScorer final : public Scorer {
 public:
    NetworkScorer(const Manifest& manifest, const NetworkScoring& scoring, std::size_t max_events)
        : manifest_(&manifest),
          scoring_(&scoring),
          needs_pileup_(has_pileup_thresholds(manifest)),
          evaluator_(scoring),
          explanation_size_(scoring.explanation_size()),
          verdicts_(max_events),
          explanations_(max_events * explanation_size_),
          queued_(evaluator_.capacity()) {}

    void score(std::span<EventInputs* const> events) noexcept override {
        Expects(events.size() <= verdicts_.size());
        std::size_t rows = 0;
        for (std::size_t i = 0; i < events.size(); ++i) {
            verdicts_[i] = {};
            if (needs_pileup_) {
                verdicts_[i].pileup = pileup_of(*events[i]);
            }
            const auto features = events[i]->payloads().features(manifest_->schema);
            if (!features) {
                verdicts_[i].status = status_of(features.error());
                continue;
            }
            if ((*features)->values.size() != scoring_->row_size) {
                verdicts_[i].status = ScoreStatus::malformed_input;
                continue;
            }
            evaluator_.write_row(rows, (*features)->values);
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
        if (status(position) != ScoreStatus::scored) {
            return {};
        }
        return {
            .contributions =
                std::span(explanations_).subspan(position * explanation_size_, explanation_size_),
            .kept = {}};
    }

 private:
    struct Verdict {
        ScoreStatus status = ScoreStatus::not_applicable;
        float score = 0;
        float pileup = 0;  // where thresholds ask for it
    };

    void score_queued(std::size_t rows) noexcept {
        evaluator_.score(rows);
        for (std::size_t row = 0; row < rows; ++row) {
            const std::size_t position = queued_[row];
            Verdict& verdict = verdicts_[position];
            const float score = evaluator_.is_finite(row) ? evaluator_.score_of(row)
                                                          : std::numeric_limits<float>::quiet_NaN();
            if (!std::isfinite(score)) {
                verdict.status = ScoreStatus::non_finite_input;
                continue;
            }
            verdict.status = ScoreStatus::scored;
            verdict.score = score;
            if (explanation_size_ > 0) {
                evaluator_.copy_explanation(
                    row, std::span(explanations_)
                             .subspan(position * explanation_size_, explanation_size_));
            }
        }
    }

    const Manifest* manifest_;
    const NetworkScoring* scoring_;
    bool needs_pileup_;
    RowEvaluator evaluator_;
    std::size_t explanation_size_;
    std::vector<Verdict> verdicts_;
    std::vector<float> explanations_;  // events x explanation_size
    std::vector<std::size_t> queued_;  // event position of each row of the evaluator
};

std::vector<std::string> make_output_columns(std::span<const engine::NetworkPort> outputs) {
    std::vector<std::string> columns;
    for (const engine::NetworkPort& port : outputs) {
        for (std::size_t i = 0; i < port.row_size; ++i) {
            // "score" is the answer's own column.
            const bool plain = port.row_size == 1 && port.name != "score";
            columns.push_back(plain ? port.name : port.name + "_" + std::to_string(i));
        }
    }
    return columns;
}

std::vector<std::string> make_input_columns(const NetworkScoring& scoring) {
    std::vector<std::string> columns;
    for (std::size_t i = 0; i < scoring.row_size; ++i) {
        std::string& column = columns.emplace_back("x");
        column.append(std::to_string(i));
        if (!scoring.features.empty()) {
            column = scoring.features[i].name;
        }
    }
    return columns;
}

class NetworkModel final : public Model {
 public:
    NetworkModel(Manifest manifest, NetworkScoring scoring)
        : manifest_(std::move(manifest)),
          scoring_(std::move(scoring)),
          hash_(model_hash(manifest_)),
          input_columns_(make_input_columns(scoring_)),
          output_columns_(make_output_columns(scoring_.network->outputs())),
          contribution_names_(scoring_.has_terms() ? input_columns_ : output_columns_),
          score_columns_{"score"} {
        score_columns_.insert(score_columns_.end(), output_columns_.begin(), output_columns_.end());
        if (scoring_.explanation_size() == 0) {
            contribution_names_.clear();
        }
    }

    [[nodiscard]] const Manifest& manifest() const noexcept override { return manifest_; }
    [[nodiscard]] std::uint64_t hash() const noexcept override { return hash_; }
    [[nodiscard]] std::span<const std::string> contribution_names() const noexcept override {
        return contribution_names_;
    }
    [[nodiscard]] std::unique_ptr<Scorer> make_scorer(std::size_t max_events) const override {
        return std::make_unique<NetworkScorer>(manifest_, scoring_, max_events);
    }
    [[nodiscard]] std::span<const std::string> input_columns() const noexcept override {
        return input_columns_;
    }
    [[nodiscard]] std::span<const std::string> score_columns() const noexcept override {
        return score_columns_;
    }

    void score_table(std::span<const float> rows, std::span<float> answers) const override {
        Expects(rows.size() % scoring_.row_size == 0);
        const std::size_t count = rows.size() / scoring_.row_size;
        const std::size_t width = score_columns_.size();
        Expects(answers.size() == count * width);
        RowEvaluator evaluator(scoring_);
        for (std::size_t first = 0; first < count; first += evaluator.capacity()) {
            const std::size_t step = std::min(evaluator.capacity(), count - first);
            for (std::size_t i = 0; i < step; ++i) {
                evaluator.write_row(
                    i, rows.subspan((first + i) * scoring_.row_size, scoring_.row_size));
            }
            evaluator.score(step);
            for (std::size_t i = 0; i < step; ++i) {
                const auto answer = answers.subspan((first + i) * width, width);
                if (!evaluator.is_finite(i)) {
                    std::fill(answer.begin(), answer.end(),
                              std::numeric_limits<float>::quiet_NaN());
                    continue;
                }
                answer[0] = evaluator.score_of(i);
                evaluator.copy_outputs(i, answer.subspan(1));
            }
        }
    }

 private:
    Manifest manifest_;
    NetworkScoring scoring_;
    std::uint64_t hash_;
    std::vector<std::string> input_columns_, output_columns_, contribution_names_, score_columns_;
};

std::size_t batch_rows(const engine::Graph& graph) {
    std::size_t widest = 1;
    for (const engine::GraphInput& input : graph.inputs) {
        widest = std::max(widest, input.row_shape.element_count());
    }
    return std::clamp(kMostBatchFloats / widest, std::size_t{1}, kMostBatchRows);
}

}  // namespace

tl::expected<std::shared_ptr<const Model>, std::string> load_network_model(
    const Manifest& manifest, std::vector<engine::Graph> networks) {
    if (networks.size() != 1) {
        return engine::refuse("the manifest lists " + std::to_string(networks.size()) +
                              " networks; right is one");
    }
    if (auto checked = check_pileup_thresholds(manifest); !checked) {
        return engine::refuse(checked.error());
    }
    auto ranges = read_int8_ranges(manifest);
    if (!ranges) {
        return engine::refuse(ranges.error());
    }
    auto network = engine::Network::compile(
        networks.front(), {.max_batch = batch_rows(networks.front()), .int8 = std::move(*ranges)});
    if (!network) {
        return engine::refuse(network.error());
    }
    NetworkScoring scoring{.network = *network,
                           .features = manifest.features,
                           .reduction = {},
                           .row_size = total_size((*network)->inputs()),
                           .output_size = total_size((*network)->outputs())};
    if (!manifest.features.empty() && manifest.features.size() != scoring.row_size) {
        return engine::refuse("the manifest lists " + std::to_string(manifest.features.size()) +
                              " features and the network takes " +
                              std::to_string(scoring.row_size) +
                              "; right are as many, or none for x0, x1, ...");
    }
    for (const FeatureSpec& feature : manifest.features) {
        if (!std::isfinite(feature.offset) || !std::isfinite(feature.scale) || feature.scale == 0) {
            return engine::refuse(
                "feature '" + feature.name +
                "' cannot be normalised; right are a finite offset and a scale not 0");
        }
    }
    std::vector<std::size_t> sizes;
    for (const engine::NetworkPort& port : (*network)->outputs()) {
        sizes.push_back(port.row_size);
    }
    auto reduction = read_score_reduction(manifest, sizes, scoring.row_size);
    if (!reduction) {
        return engine::refuse(reduction.error());
    }
    scoring.reduction = *reduction;
    return std::make_shared<const NetworkModel>(manifest, std::move(scoring));
}

}  // namespace tamis::models
