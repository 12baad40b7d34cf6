#include "streams/recording/table_rows.hpp"

#include <charconv>

#include "streams/recording/event_source.hpp"
#include "streams/recording/json_row.hpp"

namespace tamis::streams {
namespace {

std::string_view trim(std::string_view text) {
    constexpr std::string_view kSpace = " \t\r";
    const std::size_t first = text.find_first_not_of(kSpace);
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

// A JSON array with one object a line: the line without the array's brackets and commas.
std::string_view object_in(std::string_view line) {
    line = trim(line);
    if (line.starts_with('[')) {
        line = trim(line.substr(1));
    }
    while (line.ends_with(',') || line.ends_with(']')) {
        line = trim(line.substr(0, line.size() - 1));
    }
    return line;
}

std::string describe(std::string_view field, std::string_view what) {
    std::string text("\"");
    text.append(field).append("\" ").append(what);
    return text;
}

}  // namespace

TableRows::TableRows(TextLines& lines) : lines_(lines) {
    const auto first = lines_.peek();
    if (!first) {
        return;
    }
    is_json_ = trim(*first).starts_with('[') || trim(*first).starts_with('{');
    if (is_json_) {
        const JsonRow row(object_in(*first));
        if (!row.problem()) {
            for (const auto& [name, value] : row.object().items()) {
                columns_.push_back(name);
            }
        }
    } else {
        split_csv(*lines_.next());
        columns_ = fields_;
    }
    for (std::size_t place = 0; place < columns_.size(); ++place) {
        places_.emplace(columns_[place], place);
    }
}

bool TableRows::has_column(std::string_view name) const { return place_of(name).has_value(); }

std::optional<std::size_t> TableRows::place_of(std::string_view name) const {
    const auto found = places_.find(std::string(name));
    return found == places_.end() ? std::nullopt : std::optional(found->second);
}

void TableRows::split_csv(std::string_view line) {
    fields_.clear();
    for (;;) {
        const std::size_t comma = line.find(',');
        fields_.emplace_back(trim(line.substr(0, comma)));
        if (comma == std::string_view::npos) {
            return;
        }
        line.remove_prefix(comma + 1);
    }
}

void TableRows::read_json(std::string_view line) {
    const JsonRow row(line);
    if (row.problem()) {
        problem_ = row.problem();
        return;
    }
    fields_.assign(columns_.size(), {});
    for (const auto& [name, value] : row.object().items()) {
        if (const auto place = place_of(name)) {
            fields_[*place] = value.is_string() ? value.get<std::string>() : value.dump();
        }
    }
}

bool TableRows::next() {
    problem_.reset();
    while (const auto line = lines_.next()) {
        const std::string_view content = is_json_ ? object_in(*line) : trim(*line);
        if (content.empty()) {
            continue;
        }
        if (is_json_) {
            read_json(content);
        } else {
            split_csv(content);
            if (fields_.size() != columns_.size()) {
                refuse({}, std::to_string(fields_.size()) + " fields, the header has " +
                               std::to_string(columns_.size()));
            }
        }
        if (problem_) {
            problem_->line = lines_.line_number();
        }
        return true;
    }
    return false;
}

std::string_view TableRows::text(std::string_view name) const {
    const auto place = place_of(name);
    return place && *place < fields_.size() ? std::string_view(fields_[*place])
                                            : std::string_view();
}

double TableRows::number(std::string_view name) {
    const std::string_view field = text(name);
    double value = 0;
    const auto [end, failure] = std::from_chars(field.data(), field.data() + field.size(), value);
    if (failure != std::errc() || end != field.data() + field.size() || !is_storable(value)) {
        refuse(name, describe(field, "is no finite number"));
        return 0;
    }
    return value;
}

std::uint64_t TableRows::count(std::string_view name, std::uint64_t most) {
    const std::string_view field = text(name);
    std::uint64_t value = 0;
    const auto [end, failure] = std::from_chars(field.data(), field.data() + field.size(), value);
    if (failure != std::errc() || end != field.data() + field.size() || value > most) {
        refuse(name, describe(field, "is no integer from 0 to " + std::to_string(most)));
        return 0;
    }
    return value;
}

void TableRows::refuse(std::string_view column, std::string what) {
    if (!problem_) {
        problem_ = RowProblem{line(), std::string(column), std::move(what)};
    }
}

}  // namespace tamis::streams
