#include "daemon/evaluation/input_ranking.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/random.hpp"
#include "models/calibration.hpp"

namespace tamis::daemon {

namespace {

constexpr std::size_t kMaxRows = 4'000;
constexpr std::size_t kMaxRemovalRows = 1'000;  // scored once a pair of inputs
// More inputs than that are windows or rings: they are exchanged together.
constexpr std::size_t kMaxSingleInputs = 64;

struct InputGroup {
    std::string name;
    std::vector<std::size_t> columns;
};

std::vector<InputGroup> groups_of(std::span<const std::string> columns) {
    std::vector<InputGroup> groups;
    for (std::size_t column = 0; column < columns.size(); ++column) {
        std::string name = columns[column];
        if (columns.size() > kMaxSingleInputs) {
            name.erase(name.find_last_not_of("0123456789") + 1);
        }
        const auto same = std::ranges::find(groups, name, &InputGroup::name);
        if (same == groups.end()) {
            groups.push_back({name, {column}});
        } else {
            same->columns.push_back(column);
        }
    }
    return groups;
}

std::vector<float> scores_of(const models::Model& model, const models::FeatureTable& table) {
    const auto columns = model.score_columns();
    std::vector<float> answers(table.rows() * columns.size());
    model.score_table(table.values, answers);
    const auto at = static_cast<std::size_t>(std::ranges::find(columns, "score") - columns.begin());
    std::vector<float> scores;
    for (std::size_t row = 0; row < table.rows(); ++row) {
        const float score = answers[row * columns.size() + at];
        if (!std::isnan(score)) scores.push_back(score);
    }
    return scores;
}

double mean_area(const models::Model& model, std::span<const models::FeatureTable> tables) {
    const auto background = scores_of(model, tables.front());
    double sum = 0;
    for (const auto& table : tables.subspan(1)) {
        const auto signal = scores_of(model, table);
        if (background.empty() || signal.empty()) continue;
        sum += models::roc_area(background, signal);
    }
    return sum / static_cast<double>(tables.size() - 1);
}

// Rows of all samples in a random order (Fisher and Yates).
std::vector<std::size_t> random_order(std::size_t count, std::uint64_t seed) {
    std::vector<std::size_t> order(count);
    std::iota(order.begin(), order.end(), std::size_t{0});
    for (std::size_t left = count; left > 1; --left) {
        std::swap(order[left - 1], order[engine::random_below(left, seed, 0, left)]);
    }
    return order;
}

// The group's columns of each row from another row, of whichever sample.
std::vector<models::FeatureTable> exchanged(std::span<const models::FeatureTable> tables,
                                            const InputGroup& group,
                                            const std::vector<std::size_t>& order) {
    std::vector<std::span<const float>> rows;
    for (const auto& table : tables) {
        for (std::size_t row = 0; row < table.rows(); ++row) rows.push_back(table.row(row));
    }
    std::vector<models::FeatureTable> changed(tables.begin(), tables.end());
    std::size_t next = 0;
    for (auto& table : changed) {
        const std::size_t width = table.columns.size();
        for (std::size_t row = 0; row < table.rows(); ++row, ++next) {
            for (const std::size_t column : group.columns) {
                table.values[row * width + column] = rows[order[next]][column];
            }
        }
    }
    return changed;
}

std::vector<models::FeatureTable> first_rows(std::span<const models::Sample> samples,
                                             std::size_t most) {
    std::vector<models::FeatureTable> tables;
    for (const auto& sample : samples) {
        auto& table = tables.emplace_back();
        table.columns = sample.table.columns;
        const auto count = std::min(sample.table.rows(), most) * table.columns.size();
        table.values.assign(sample.table.values.begin(),
                            sample.table.values.begin() + static_cast<std::ptrdiff_t>(count));
    }
    return tables;
}

std::vector<float> medians_of(const models::FeatureTable& table) {
    std::vector<float> medians;
    std::vector<float> values(table.rows());
    for (std::size_t column = 0; column < table.columns.size(); ++column) {
        for (std::size_t row = 0; row < values.size(); ++row) values[row] = table.row(row)[column];
        std::ranges::nth_element(values,
                                 values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2));
        medians.push_back(values[values.size() / 2]);
    }
    return medians;
}

void flatten(std::vector<models::FeatureTable>& tables, const InputGroup& group,
             const std::vector<float>& medians) {
    for (auto& table : tables) {
        const std::size_t width = table.columns.size();
        for (std::size_t row = 0; row < table.rows(); ++row) {
            for (const std::size_t column : group.columns) {
                table.values[row * width + column] = medians[column];
            }
        }
    }
}

}  // namespace

std::vector<RemovedInput> remove_inputs(const models::Model& model,
                                        std::span<const models::Sample> samples) {
    std::vector<RemovedInput> removed;
    if (samples.size() < 2) return removed;
    auto tables = first_rows(samples, kMaxRemovalRows);
    const auto medians = medians_of(tables.front());
    auto left = groups_of(model.input_columns());
    while (!left.empty()) {
        std::size_t least = 0;
        double best = -1;
        for (std::size_t i = 0; i < left.size(); ++i) {
            auto without = tables;
            flatten(without, left[i], medians);
            const double area = mean_area(model, without);
            if (area > best) {
                best = area;
                least = i;
            }
        }
        removed.push_back({left[least].name, left[least].columns.size(), best});
        flatten(tables, left[least], medians);
        left.erase(left.begin() + static_cast<std::ptrdiff_t>(least));
    }
    return removed;
}

std::vector<RankedInput> rank_inputs(const models::Model& model,
                                     std::span<const models::Sample> samples, std::uint64_t seed) {
    std::vector<RankedInput> ranking;
    if (samples.size() < 2) return ranking;
    const auto tables = first_rows(samples, kMaxRows);
    std::size_t rows = 0;
    for (const auto& table : tables) rows += table.rows();
    const double area = mean_area(model, tables);
    const auto order = random_order(rows, seed);
    for (const auto& group : groups_of(model.input_columns())) {
        ranking.push_back({group.name, group.columns.size(),
                           area - mean_area(model, exchanged(tables, group, order))});
    }
    std::ranges::stable_sort(ranking, std::ranges::greater(), &RankedInput::area_loss);
    return ranking;
}

}  // namespace tamis::daemon
