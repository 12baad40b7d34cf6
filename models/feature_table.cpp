#include "models/feature_table.hpp"

#include <algorithm>
#include <cmath>
#include <gsl/assert>

namespace tamis::models {
namespace {

tl::expected<std::size_t, std::string> find_column(const FeatureTable& table,
                                                   std::string_view name) {
    const auto& columns = table.columns;
    const auto found = std::find(columns.begin(), columns.end(), name);
    if (found == columns.end()) {
        std::string known;
        for (const std::string& column : columns) {
            known += (known.empty() ? "" : ", ") + column;
        }
        return tl::make_unexpected("column '" + std::string(name) + "' is missing; there are " +
                                   (known.empty() ? "none" : known));
    }
    if (std::find(found + 1, columns.end(), name) != columns.end()) {
        return tl::make_unexpected("column '" + std::string(name) +
                                   "' is there twice; right is once");
    }
    return static_cast<std::size_t>(found - columns.begin());
}

}  // namespace

std::span<const float> FeatureTable::row(std::size_t index) const noexcept {
    Expects(index < rows());
    return std::span(values).subspan(index * columns.size(), columns.size());
}

tl::expected<FeatureTable, std::string> select_columns(const FeatureTable& table,
                                                       std::span<const std::string_view> names) {
    FeatureTable selected;
    std::vector<std::size_t> positions;
    for (const std::string_view name : names) {
        const auto position = find_column(table, name);
        if (!position) {
            return tl::make_unexpected(position.error());
        }
        positions.push_back(*position);
        selected.columns.emplace_back(name);
    }
    selected.values.reserve(table.rows() * names.size());
    for (std::size_t row = 0; row < table.rows(); ++row) {
        const auto values = table.row(row);
        for (const std::size_t position : positions) {
            if (!std::isfinite(values[position])) {
                return tl::make_unexpected("row " + std::to_string(row + 1) + ", column '" +
                                           table.columns[position] +
                                           "' is not finite; right is a number");
            }
            selected.values.push_back(values[position]);
        }
    }
    return selected;
}

}  // namespace tamis::models
