#include "streams/recording/json_row.hpp"

#include <limits>

#include "streams/recording/event_source.hpp"

namespace tamis::streams {

JsonRow::JsonRow(std::string_view text) {
    try {
        object_ = nlohmann::json::parse(text);
        if (!object_.is_object()) {
            refuse({}, "not a JSON object");
        }
    } catch (const nlohmann::json::parse_error& error) {
        refuse("byte " + std::to_string(error.byte), "not JSON");
    } catch (const nlohmann::json::exception& error) {  // a number out of range
        refuse({}, error.what());
    }
}

void JsonRow::refuse(std::string column, std::string what) {
    if (!problem_) {
        problem_ = RowProblem{0, std::move(column), std::move(what)};
    }
}

bool JsonRow::has(std::string_view name) const {
    return object_.is_object() && object_.find(name) != object_.end();
}

const nlohmann::json* JsonRow::find(std::string_view name) {
    if (problem_) {
        return nullptr;
    }
    const auto found = object_.find(name);
    if (found == object_.end()) {
        refuse(std::string(name), "absent");
        return nullptr;
    }
    return &*found;
}

const nlohmann::json* JsonRow::find_array(std::string_view name) {
    const nlohmann::json* const value = find(name);
    if (value != nullptr && !value->is_array()) {
        refuse(std::string(name), "not an array");
        return nullptr;
    }
    return value;
}

std::uint64_t JsonRow::count(std::string_view name, std::uint64_t most) {
    const nlohmann::json* const value = find(name);
    if (value == nullptr) {
        return 0;
    }
    if (!value->is_number_unsigned() || value->get<std::uint64_t>() > most) {
        refuse(std::string(name), "not an integer from 0 to " + std::to_string(most));
        return 0;
    }
    return value->get<std::uint64_t>();
}

std::uint64_t JsonRow::count_or_wrapped(std::string_view name) {
    const nlohmann::json* const value = find(name);
    if (value != nullptr && value->is_number_integer() && !value->is_number_unsigned() &&
        value->get<std::int64_t>() >= std::numeric_limits<std::int32_t>::min()) {
        return static_cast<std::uint32_t>(value->get<std::int64_t>());
    }
    return count(name);
}

std::string JsonRow::text(std::string_view name) {
    const nlohmann::json* const value = find(name);
    if (value == nullptr) {
        return {};
    }
    if (!value->is_string()) {
        refuse(std::string(name), "not a string");
        return {};
    }
    return value->get<std::string>();
}

void JsonRow::read_numbers(const nlohmann::json& list, const std::string& column,
                           std::span<double> values) {
    if (!list.is_array() || list.size() < values.size()) {
        refuse(column, "not an array of " + std::to_string(values.size()) + " numbers");
        return;
    }
    for (std::size_t index = 0; index < values.size(); ++index) {
        const nlohmann::json& value = list[index];
        if (!value.is_number() || !is_storable(value.get<double>())) {
            refuse(column + "[" + std::to_string(index) + "]", "not a finite number");
            return;
        }
        values[index] = value.get<double>();
    }
}

}  // namespace tamis::streams
