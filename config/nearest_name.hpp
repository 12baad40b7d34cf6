// The known name that a mistyped one was meant to be.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace tamis::config {

// Insertions, deletions, replacements and swaps of neighbours that turn one into the other; upper
// and lower case are the same, and so are '-' and '_'.
[[nodiscard]] std::size_t edit_distance(std::string_view left, std::string_view right);

// The nearest of `known`, the first of equals; nothing when none is near (more than a third of the
// letters differ).
[[nodiscard]] std::optional<std::string_view> nearest_name(std::string_view name,
                                                           std::span<const std::string_view> known);

// What to tell who wrote `name`: `did you mean "x"?` or, with nothing near, `known: a, b, c`
// (at most twelve), or `none is known here`.
[[nodiscard]] std::string name_remedy(std::string_view name,
                                      std::span<const std::string_view> known);

}  // namespace tamis::config
