#include "models/novelty/isolation_model.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <gsl/assert>
#include <limits>
#include <utility>
#include <vector>

#include "engine/network.hpp"
#include "engine/onnx_reader.hpp"
#include "engine/refusal.hpp"
#include "models/high_level_scorer.hpp"
#include "models/model_hash.hpp"
#include "models/novelty/isolation_walk.hpp"
#include "models/working_point.hpp"

namespace tamis::models {
namespace {

// Rows the encoder takes at once; a scorer with more events goes in steps.
constexpr std::size_t kEncoderBatch = 64;
constexpr std::array kTermNames = {"distance", "neighbour_distance", "neighbour_spread"};

// What scorer and table form share; immutable.
struct IsolationScoring {
    std::shared_ptr<const engine::Network> encoder;
    IsolationWalk walk;
};

// Runs batches of rows. One thread; allocates in the constructor only.
class IsolationEvaluator {
 public:
    static constexpr std::size_t kTerms = kTermNames.size();

    explicit IsolationEvaluator(const IsolationScoring& scoring)
        : walk_(&scoring.walk),
          scratch_(scoring.walk),
          runner_(scoring.encoder),
          at_(scoring.walk.width()) {}

    [[nodiscard]] std::size_t capacity() const noexcept { return kEncoderBatch; }
    [[nodiscard]] std::span<float> row(std::size_t index) noexcept {
        return runner_.input(0).subspan(index * kHighLevelFeatureCount, kHighLevelFeatureCount);
    }
    void score(std::size_t rows) noexcept {
        failed_ = runner_.run(rows) == engine::RunStatus::failed;
    }
    // The event's place; only where is_finite.
    [[nodiscard]] std::span<const float> place(std::size_t index) const noexcept {
        return runner_.output(0).subspan(index * at_.size(), at_.size());
    }
    // False where the row or the answer is not finite: the answer then means nothing.
    [[nodiscard]] bool answer(std::size_t index, float& score,
                              std::span<float, kTerms> terms) noexcept {
        if (failed_ || !runner_.row_is_finite(index)) {
            return false;
        }
        const auto from = place(index);
        std::copy(from.begin(), from.end(), at_.begin());
        const IsolationAnswer answer = walk_->answer(at_, scratch_);
        score = static_cast<float>(answer.isolation);
        terms[0] = static_cast<float>(answer.distance);
        terms[1] = static_cast<float>(answer.usual);
        terms[2] = static_cast<float>(answer.spread);
        return std::isfinite(score) && std::isfinite(terms[0]);
    }

 private:
    const IsolationWalk* walk_;
    IsolationWalk::Scratch scratch_;
    engine::NetworkRunner runner_;
    std::vector<double> at_;
    bool failed_ = false;
};

class IsolationModel final : public Model {
 public:
    IsolationModel(Manifest manifest, IsolationScoring scoring)
        : manifest_(std::move(manifest)),
          scoring_(std::move(scoring)),
          hash_(model_hash(manifest_)),
          feature_names_(kFeatureNames.begin(), kFeatureNames.end()),
          term_names_(kTermNames.begin(), kTermNames.end()),
          score_columns_{"score"} {
        score_columns_.insert(score_columns_.end(), term_names_.begin(), term_names_.end());
        const std::string& latent = scoring_.encoder->outputs()[0].name;
        for (std::size_t axis = 0; axis < scoring_.walk.width(); ++axis) {
            score_columns_.push_back(latent + "_" + std::to_string(axis));
        }
    }

    [[nodiscard]] const Manifest& manifest() const noexcept override { return manifest_; }
    [[nodiscard]] std::uint64_t hash() const noexcept override { return hash_; }
    [[nodiscard]] std::span<const std::string> contribution_names() const noexcept override {
        return term_names_;
    }
    [[nodiscard]] std::unique_ptr<Scorer> make_scorer(std::size_t max_events) const override {
        return std::make_unique<HighLevelScorer<IsolationEvaluator>>(manifest_, max_events,
                                                                     scoring_);
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
        const std::size_t width = score_columns_.size();
        Expects(answers.size() == count * width);
        IsolationEvaluator evaluator(scoring_);
        for (std::size_t first = 0; first < count; first += evaluator.capacity()) {
            const std::size_t step = std::min(evaluator.capacity(), count - first);
            for (std::size_t i = 0; i < step; ++i) {
                const auto row =
                    rows.subspan((first + i) * kHighLevelFeatureCount, kHighLevelFeatureCount);
                std::copy(row.begin(), row.end(), evaluator.row(i).begin());
            }
            evaluator.score(step);
            for (std::size_t i = 0; i < step; ++i) {
                const auto answer = answers.subspan((first + i) * width, width);
                if (!evaluator.answer(i, answer[0],
                                      answer.subspan<1, IsolationEvaluator::kTerms>())) {
                    std::fill(answer.begin(), answer.end(),
                              std::numeric_limits<float>::quiet_NaN());
                    continue;
                }
                const auto place = evaluator.place(i);
                std::copy(place.begin(), place.end(),
                          answer.subspan(1 + IsolationEvaluator::kTerms).begin());
            }
        }
    }

 private:
    Manifest manifest_;
    IsolationScoring scoring_;
    std::uint64_t hash_;
    std::vector<std::string> feature_names_, term_names_, score_columns_;
};

tl::expected<std::shared_ptr<const engine::Network>, std::string> read_encoder(
    const std::string& file, const std::string& bytes) {
    const auto graph = engine::read_onnx(std::as_bytes(std::span(bytes)));
    if (!graph) {
        return engine::refuse(file + ": " + graph.error());
    }
    auto encoder = engine::Network::compile(*graph, {.max_batch = kEncoderBatch});
    if (!encoder) {
        return engine::refuse(file + ": " + encoder.error());
    }
    const auto inputs = (*encoder)->inputs();
    const auto outputs = (*encoder)->outputs();
    if (inputs.size() != 1 || inputs[0].row_size != kHighLevelFeatureCount || outputs.size() != 1 ||
        outputs[0].row_size > kMostLatent) {
        return engine::refuse(file + ": has " + std::to_string(inputs.size()) + " inputs and " +
                              std::to_string(outputs.size()) +
                              " outputs, or rows of another length; right are one input of 21 "
                              "values and one output of at most " +
                              std::to_string(kMostLatent));
    }
    return encoder;
}

tl::expected<std::size_t, std::string> read_neighbours(const Manifest& manifest) {
    const auto value = read_parameter(manifest, "neighbours", 1);
    if (!value) {
        return engine::refuse(value.error());
    }
    const double count = value->front();
    if (count != std::floor(count) || count < 1 || count > static_cast<double>(kMostNeighbours)) {
        return engine::refuse(
            "parameter 'neighbours' is no whole number that the kind takes; right are 1 to " +
            std::to_string(kMostNeighbours));
    }
    return static_cast<std::size_t>(count);
}

tl::expected<IsolationReference, std::string> read_reference(const std::string& file,
                                                             const std::string& bytes,
                                                             std::size_t width,
                                                             std::size_t neighbours) {
    const std::size_t point_bytes = width * sizeof(float);
    if (bytes.empty() || bytes.size() % point_bytes != 0) {
        return engine::refuse(file + ": has " + std::to_string(bytes.size()) +
                              " bytes; right are points of " + std::to_string(point_bytes) +
                              " bytes, as wide as the encoder's output");
    }
    if (bytes.size() / point_bytes > kMostReferencePoints) {
        return engine::refuse(file + ": has " + std::to_string(bytes.size() / point_bytes) +
                              " points (each is looked at for every event); right are at most " +
                              std::to_string(kMostReferencePoints));
    }
    return IsolationReference::make(reference_points(bytes), width, neighbours)
        .map_error([&file](const std::string& why) { return file + ": " + why; });
}

}  // namespace

std::string reference_bytes(std::span<const float> points) {
    std::string bytes;
    bytes.reserve(points.size() * sizeof(float));
    for (const float value : points) {
        const auto bits = std::bit_cast<std::uint32_t>(value);
        for (unsigned shift = 0; shift < 32; shift += 8) {
            bytes += static_cast<char>(bits >> shift & 0xFFU);
        }
    }
    return bytes;
}

std::vector<double> reference_points(const std::string& bytes) {
    Expects(bytes.size() % sizeof(float) == 0);
    std::vector<double> points(bytes.size() / sizeof(float));
    for (std::size_t i = 0; i < points.size(); ++i) {
        std::uint32_t bits = 0;
        for (std::size_t byte = 0; byte < sizeof(float); ++byte) {
            const auto part = static_cast<unsigned char>(bytes[i * sizeof(float) + byte]);
            bits |= std::uint32_t{part} << (8 * byte);
        }
        points[i] = double{std::bit_cast<float>(bits)};
    }
    return points;
}

tl::expected<std::shared_ptr<const Model>, std::string> load_isolation(
    const Manifest& manifest, std::span<const std::string> files) {
    if (files.size() != 2) {
        return engine::refuse("the manifest lists " + std::to_string(files.size()) +
                              " files; right are two: the encoder and the reference sample");
    }
    auto checked = check_high_level_features(manifest).and_then(
        [&manifest] { return check_pileup_thresholds(manifest); });
    if (!checked) {
        return engine::refuse(checked.error());
    }
    auto encoder = read_encoder(manifest.networks[0].file, files[0]);
    if (!encoder) {
        return engine::refuse(encoder.error());
    }
    const auto neighbours = read_neighbours(manifest);
    if (!neighbours) {
        return engine::refuse(neighbours.error());
    }
    const auto reference = read_reference(manifest.networks[1].file, files[1],
                                          (*encoder)->outputs()[0].row_size, *neighbours);
    if (!reference) {
        return engine::refuse(reference.error());
    }
    return std::make_shared<const IsolationModel>(
        manifest, IsolationScoring{std::move(*encoder), IsolationWalk(*reference)});
}

}  // namespace tamis::models
