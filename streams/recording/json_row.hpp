// One JSON object of a file, read field by field. The first field that is absent or of another kind
// is the row's problem; later reads give zeros. For the readers of this folder.
#pragma once

#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "streams/recording/imported_event.hpp"

namespace tamis::streams {

class JsonRow {
 public:
    // Any bytes: what is no JSON object is the row's problem.
    explicit JsonRow(std::string_view text);

    [[nodiscard]] const std::optional<RowProblem>& problem() const noexcept { return problem_; }
    void refuse(std::string column, std::string what);

    [[nodiscard]] bool has(std::string_view name) const;
    // An integer from 0 to `most`.
    std::uint64_t count(std::string_view name, std::uint64_t most = UINT64_MAX);
    // The same, and negative numbers from -2^31: what was an unsigned 32-bit number and was stored
    // as a signed one is given as it was.
    std::uint64_t count_or_wrapped(std::string_view name);
    std::string text(std::string_view name);
    // An array of at least Size numbers that fit a float.
    template <std::size_t Size>
    std::array<double, Size> numbers(std::string_view name) {
        std::array<double, Size> values{};
        if (const auto* list = find_array(name)) {
            read_numbers(*list, std::string(name), values);
        }
        return values;
    }
    // An array of such arrays.
    template <std::size_t Size>
    std::vector<std::array<double, Size>> table(std::string_view name) {
        std::vector<std::array<double, Size>> rows;
        if (const auto* list = find_array(name)) {
            for (std::size_t index = 0; index < list->size() && !problem_; ++index) {
                read_numbers((*list)[index], std::string(name) + "[" + std::to_string(index) + "]",
                             rows.emplace_back());
            }
        }
        return rows;
    }
    [[nodiscard]] const nlohmann::json& object() const noexcept { return object_; }

 private:
    const nlohmann::json* find(std::string_view name);
    const nlohmann::json* find_array(std::string_view name);
    void read_numbers(const nlohmann::json& list, const std::string& column,
                      std::span<double> values);

    nlohmann::json object_;
    std::optional<RowProblem> problem_;
};

}  // namespace tamis::streams
