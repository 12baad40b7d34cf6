#include "config/nearest_name.hpp"

#include <algorithm>
#include <cctype>
#include <vector>

namespace tamis::config {

namespace {

constexpr std::size_t kMaxComparedLength = 128;  // what is longer is near to nothing
constexpr std::size_t kMaxNamesListed = 12;

std::string folded(std::string_view name) {
    std::string result(name);
    std::transform(result.begin(), result.end(), result.begin(), [](unsigned char letter) {
        return letter == '-' ? '_' : static_cast<char>(std::tolower(letter));
    });
    return result;
}

}  // namespace

// Optimal string alignment distance: Levenshtein's table with one more case for neighbours swapped.
std::size_t edit_distance(std::string_view left, std::string_view right) {
    const std::string a = folded(left);
    const std::string b = folded(right);
    std::vector<std::size_t> before(b.size() + 1);
    std::vector<std::size_t> last(b.size() + 1);
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) {
        last[j] = j;
    }
    for (std::size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            row[j] = std::min({last[j] + 1, row[j - 1] + 1, replaced});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                row[j] = std::min(row[j], before[j - 2] + 1);
            }
        }
        std::swap(before, last);
        std::swap(last, row);
    }
    return last[b.size()];
}

std::optional<std::string_view> nearest_name(std::string_view name,
                                             std::span<const std::string_view> known) {
    if (name.size() > kMaxComparedLength) {
        return std::nullopt;
    }
    std::optional<std::string_view> nearest;
    std::size_t least = std::max<std::size_t>(1, (name.size() + 1) / 3) + 1;
    for (const std::string_view candidate : known) {
        const std::size_t distance = edit_distance(name, candidate);
        if (distance < least) {
            least = distance;
            nearest = candidate;
        }
    }
    return nearest;
}

std::string name_remedy(std::string_view name, std::span<const std::string_view> known) {
    if (known.empty()) {
        return "none is known here";
    }
    if (const auto nearest = nearest_name(name, known)) {
        std::string question = "did you mean \"";
        question.append(*nearest);
        return question += "\"?";
    }
    std::string list = "known: ";
    for (std::size_t i = 0; i < std::min(known.size(), kMaxNamesListed); ++i) {
        list += (i == 0 ? "" : ", ") + std::string(known[i]);
    }
    if (known.size() > kMaxNamesListed) {
        list += ", and " + std::to_string(known.size() - kMaxNamesListed) + " more";
    }
    return list;
}

}  // namespace tamis::config
