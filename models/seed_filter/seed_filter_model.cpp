#include "models/seed_filter/seed_filter_model.hpp"

#include <algorithm>
#include <cmath>
#include <gsl/assert>
#include <limits>

#include "models/model_hash.hpp"
#include "models/seed_filter/doublet_runner.hpp"
#include "models/seed_filter/seed_filter_scorer.hpp"

namespace tamis::models {

namespace {

std::vector<std::string> make_score_columns(const Manifest& manifest) {
    std::vector<std::string> names = {"score"};
    for (const WorkingPoint& point : manifest.working_points) {
        names.push_back("pass_" + point.name);
    }
    return names;
}

// A row of the table as a doublet of the wire.
class TableDoublet {
 public:
    // False where the row is no doublet.
    [[nodiscard]] bool read(std::span<const float> row) {
        row_ = row;
        for (std::size_t i = 0; i < kWindowPixels; ++i) {
            if (!read_charge(row[i], inner_, i) ||
                !read_charge(row[kWindowPixels + i], outer_, i)) {
                return false;
            }
        }
        return is_whole(row[kLayers], 255) && is_whole(row[kLayers + 1], 255);
    }
    [[nodiscard]] DoubletView view() const {
        return {inner_, outer_, static_cast<std::uint8_t>(row_[kLayers]),
                static_cast<std::uint8_t>(row_[kLayers + 1]),
                row_.subspan<kLayers + 2, kDoubletFeatures>()};
    }

 private:
    static constexpr std::size_t kLayers = 2 * kWindowPixels;
    using Bytes = std::array<std::uint8_t, 2 * kWindowPixels>;

    static bool is_whole(float value, float high) {
        return value >= 0 && value <= high && value == std::floor(value);
    }
    static bool read_charge(float value, Bytes& window, std::size_t pixel) {
        if (!is_whole(value, 65535)) {
            return false;
        }
        const auto adc = static_cast<unsigned>(value);
        window[2 * pixel] = static_cast<std::uint8_t>(adc & 0xFFU);
        window[2 * pixel + 1] = static_cast<std::uint8_t>(adc >> 8U);
        return true;
    }

    std::span<const float> row_;
    Bytes inner_{}, outer_{};
};

class SeedFilterModel final : public Model {
 public:
    SeedFilterModel(Manifest manifest, const SeedFilterSettings& settings, DoubletNetwork network)
        : manifest_(std::move(manifest)),
          settings_(settings),
          network_(std::move(network)),
          hash_(model_hash(manifest_)),
          input_columns_(doublet_columns()),
          score_columns_(make_score_columns(manifest_)) {}

    [[nodiscard]] const Manifest& manifest() const noexcept override { return manifest_; }
    [[nodiscard]] std::uint64_t hash() const noexcept override { return hash_; }
    [[nodiscard]] std::span<const std::string> contribution_names() const noexcept override {
        return {};  // one per doublet
    }
    [[nodiscard]] std::unique_ptr<Scorer> make_scorer(std::size_t max_events) const override {
        return make_seed_filter_scorer(manifest_, network_, settings_.primary_point, max_events);
    }
    [[nodiscard]] std::span<const std::string> input_columns() const noexcept override {
        return input_columns_;
    }
    [[nodiscard]] std::span<const std::string> score_columns() const noexcept override {
        return score_columns_;
    }
    void score_table(std::span<const float> rows, std::span<float> answers) const override;

 private:
    Manifest manifest_;
    SeedFilterSettings settings_;
    DoubletNetwork network_;
    std::uint64_t hash_;
    std::vector<std::string> input_columns_, score_columns_;
};

void SeedFilterModel::score_table(std::span<const float> rows, std::span<float> answers) const {
    const std::size_t count = rows.size() / kDoubletColumns;
    const std::size_t width = score_columns_.size();
    Expects(rows.size() == count * kDoubletColumns && answers.size() == count * width);
    DoubletRunner runner(network_);
    std::vector<TableDoublet> block(kDoubletBatch);  // doublets live until the runner is flushed
    for (std::size_t i = 0; i < count; ++i) {
        TableDoublet& doublet = block[i % kDoubletBatch];
        if (doublet.read(rows.subspan(i * kDoubletColumns, kDoubletColumns))) {
            runner.add(doublet.view(), &answers[i * width]);
        } else {
            answers[i * width] = std::numeric_limits<float>::quiet_NaN();
        }
        if (i % kDoubletBatch == kDoubletBatch - 1 || i + 1 == count) {
            runner.flush();
        }
    }
    for (std::size_t i = 0; i < count; ++i) {
        const std::span<float> answer = answers.subspan(i * width, width);
        for (std::size_t point = 0; point + 1 < width; ++point) {
            const double threshold = manifest_.working_points[point].bins[0].offset;
            answer[1 + point] = answer[0] > threshold ? 1.0F : 0.0F;
        }
    }
}

}  // namespace

tl::expected<std::shared_ptr<const Model>, std::string> load_seed_filter(
    const Manifest& manifest, std::vector<engine::Graph> networks) {
    Expects(networks.size() == manifest.networks.size());
    const auto settings = read_seed_filter_settings(manifest);
    if (!settings) {
        return tl::unexpected(settings.error());
    }
    auto network = make_doublet_network(*settings, networks);
    if (!network) {
        return tl::unexpected(network.error());
    }
    return std::make_shared<const SeedFilterModel>(manifest, *settings, std::move(*network));
}

}  // namespace tamis::models
