#include "config/mistake_list.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace tamis::config {

void MistakeList::add(const Place& place, std::string problem, std::string remedy) {
    if (!is_full()) {
        mistakes_.push_back(
            {file_, place.line, place.column, std::move(problem), std::move(remedy)});
    }
}

Mistakes MistakeList::take() {
    std::stable_sort(mistakes_.begin(), mistakes_.end(), [](const Mistake& a, const Mistake& b) {
        return std::tie(a.line, a.column) < std::tie(b.line, b.column);
    });
    if (is_full()) {
        const Mistake& last = mistakes_.back();
        mistakes_.push_back({file_, last.line, last.column,
                             "more than " + std::to_string(kMaxMistakes) + " mistakes",
                             "correct these first"});
    }
    return std::exchange(mistakes_, {});
}

}  // namespace tamis::config
