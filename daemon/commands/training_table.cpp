#include "daemon/commands/training_table.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "streams/table_file.hpp"

namespace tamis::daemon {

namespace {

tl::expected<std::vector<std::size_t>, std::string> find_columns(const streams::NumberTable& table,
                                                                 const TrainingColumns& columns) {
    std::vector<std::string> names = columns.features;
    if (!columns.label.empty()) {
        names.push_back(columns.label);
    }
    if (!columns.nuisance.empty()) {
        names.push_back(columns.nuisance);
    }
    std::vector<std::size_t> positions;
    std::string missing;
    for (const std::string& name : names) {
        const auto found = table.find_column(name);
        positions.push_back(found.value_or(0));
        constexpr std::size_t kLongestList = 200;
        if (!found && missing.size() < kLongestList) {
            missing += (missing.empty() ? "" : ", ") + name;
        }
    }
    if (!missing.empty()) {
        return tl::unexpected(
            fmt::format("{}: columns are missing: {}; the header row must name "
                        "all {} that this recipe learns from",
                        table.place_of_names(), missing, names.size()));
    }
    return positions;
}

tl::expected<std::uint8_t, std::string> label_of(double value, const TrainingColumns& columns,
                                                 const std::string& place) {
    if (value != 0 && value != 1) {
        return tl::unexpected(
            fmt::format("{}: column {}: {} is no label; right is 1 for signal or 0 for background",
                        place, columns.label, value));
    }
    return static_cast<std::uint8_t>(value);
}

tl::expected<void, std::string> read_rows(const streams::NumberTable& table,
                                          const std::vector<std::size_t>& positions,
                                          const TrainingColumns& columns, TrainingTable& read) {
    read.features.values.reserve(table.row_count() * columns.features.size());
    for (std::size_t row = 0; row < table.row_count(); ++row) {
        const auto place = [&] { return table.place_of_row(row); };
        for (std::size_t i = 0; i < positions.size(); ++i) {
            const auto value = table.row(row)[positions[i]];
            if (!std::isfinite(static_cast<float>(value))) {
                return tl::unexpected(
                    fmt::format("{}: column {}: empty or not finite; every row "
                                "needs a number",
                                place(), table.columns[positions[i]]));
            }
            if (i < columns.features.size()) {
                read.features.values.push_back(static_cast<float>(value));
                continue;
            }
            if (i == columns.features.size() + (columns.label.empty() ? 0 : 1)) {
                read.nuisance.push_back(static_cast<float>(value));
                continue;
            }
            const auto label = label_of(value, columns, place());
            if (!label) {
                return tl::unexpected(label.error());
            }
            read.labels.push_back(*label);
        }
    }
    return {};
}

}  // namespace

tl::expected<void, std::string> check_features(const models::FeatureTable& table,
                                               const TrainingColumns& columns,
                                               const std::string& origin) {
    if (table.rows() < columns.least_rows) {
        return tl::unexpected(fmt::format("{}: {} rows; right are {} or more", origin, table.rows(),
                                          columns.least_rows));
    }
    for (std::size_t column = columns.may_be_constant; column < table.columns.size(); ++column) {
        const float first = table.row(0)[column];
        std::size_t row = 1;
        while (row < table.rows() && table.row(row)[column] == first) {
            ++row;
        }
        if (row == table.rows()) {
            return tl::unexpected(
                fmt::format("{}: column {}: {} in every row from the first to the last; right is a "
                            "feature that differs between events",
                            origin, table.columns[column], first));
        }
    }
    return {};
}

tl::expected<TrainingTable, std::string> read_training_table(const std::filesystem::path& file,
                                                             const TrainingColumns& columns) {
    const auto table = streams::read_table_file(file);
    if (!table) {
        return tl::unexpected(table.error());
    }
    return select_training_table(*table, columns);
}

tl::expected<TrainingTable, std::string> select_training_table(const streams::NumberTable& table,
                                                               const TrainingColumns& columns) {
    const auto positions = find_columns(table, columns);
    if (!positions) {
        return tl::unexpected(positions.error());
    }
    for (const std::size_t position : *positions) {
        if (!table.words[position].empty()) {
            return tl::unexpected(table.words[position]);
        }
    }
    TrainingTable read;
    read.features.columns = columns.features;
    if (auto rows = read_rows(table, *positions, columns, read); !rows) {
        return tl::unexpected(rows.error());
    }
    if (auto checked = check_features(read.features, columns, table.file.string()); !checked) {
        return tl::unexpected(checked.error());
    }
    if (!columns.label.empty() && std::adjacent_find(read.labels.begin(), read.labels.end(),
                                                     std::not_equal_to<>()) == read.labels.end()) {
        return tl::unexpected(fmt::format(
            "{}: column {}: {} in every row; right are both classes, 1 for signal and 0 for "
            "background",
            table.place_of_row(0), columns.label, read.labels.front()));
    }
    return read;
}

}  // namespace tamis::daemon
