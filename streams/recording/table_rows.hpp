// Rows of named fields: a CSV file without quotes whose first line names the columns, or a JSON
// array of flat objects, one object a line. For the readers of this folder.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "streams/recording/imported_event.hpp"
#include "streams/recording/text_lines.hpp"

namespace tamis::streams {

class TableRows {
 public:
    // `lines` must outlive the object. Reads the columns' names.
    explicit TableRows(TextLines& lines);

    // Takes the next row; false at the end. A row that is malformed has a problem().
    bool next();

    [[nodiscard]] bool has_column(std::string_view name) const;
    [[nodiscard]] const std::vector<std::string>& columns() const noexcept { return columns_; }
    // Fields of the row taken last. What is absent or no number is the row's problem; then 0.
    double number(std::string_view name);
    std::uint64_t count(std::string_view name, std::uint64_t most = UINT64_MAX);
    // Empty where there is none.
    [[nodiscard]] std::string_view text(std::string_view name) const;
    void refuse(std::string_view column, std::string what);
    [[nodiscard]] const std::optional<RowProblem>& problem() const noexcept { return problem_; }
    [[nodiscard]] std::uint64_t line() const noexcept { return lines_.line_number(); }

 private:
    [[nodiscard]] std::optional<std::size_t> place_of(std::string_view name) const;
    void split_csv(std::string_view line);
    void read_json(std::string_view line);

    TextLines& lines_;
    bool is_json_ = false;
    std::vector<std::string> columns_;
    std::unordered_map<std::string, std::size_t> places_;
    std::vector<std::string> fields_;
    std::optional<RowProblem> problem_;
};

}  // namespace tamis::streams
