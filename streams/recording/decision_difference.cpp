#include "streams/recording/decision_difference.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdio>
#include <utility>

namespace tamis::streams {
namespace {

std::string describe(std::string_view what, std::string_view recorded, std::string_view now) {
    std::string text(what);
    text.append(": ").append(recorded).append(" recorded, ").append(now).append(" now");
    return text;
}

std::string describe(float value) {
    std::array<char, 48> text{};
    std::snprintf(text.data(), text.size(), "%.9g (%08x)", static_cast<double>(value),
                  std::bit_cast<std::uint32_t>(value));
    return text.data();
}

std::string_view describe(bool value) { return value ? "yes" : "no"; }

bool is_same(float left, float right) {
    return std::bit_cast<std::uint32_t>(left) == std::bit_cast<std::uint32_t>(right);
}

std::string join_sorted(std::vector<std::string> names) {
    std::sort(names.begin(), names.end());
    std::string text;
    for (const std::string& name : names) {
        text += text.empty() ? name : ", " + name;
    }
    return text.empty() ? "none" : text;
}

std::vector<std::string> names_of(StreamMask streams, const DecisionContext& context) {
    std::vector<std::string> names;
    for (; streams != 0; streams &= streams - 1) {
        const auto bit = static_cast<std::size_t>(std::countr_zero(streams));
        names.push_back(bit < context.stream_names.size() ? context.stream_names[bit]
                                                          : "stream " + std::to_string(bit));
    }
    return names;
}

const PathResult* find_path(const std::vector<PathResult>& results, std::uint32_t path) {
    const auto found = std::ranges::find(results, path, &PathResult::path);
    return found == results.end() ? nullptr : &*found;
}

// The two decisions and what was in force for each.
struct Comparison {
    const RecordedDecision& recorded;
    const Decision& now;
    const DecisionContext& context;
    const std::vector<DecidingPath>& paths;

    [[nodiscard]] DifferenceCause menu_or_build() const {
        return recorded.menu_hash == context.menu_hash ? DifferenceCause::build
                                                       : DifferenceCause::menu;
    }
    [[nodiscard]] std::string name_of(std::uint32_t path) const {
        return " of path " +
               (path < paths.size() ? paths[path].name : "number " + std::to_string(path));
    }
    [[nodiscard]] bool has_same_model(std::uint32_t path) const {
        if (path >= paths.size() || !paths[path].model) {
            return true;
        }
        const std::size_t model = *paths[path].model;
        return model < recorded.model_hashes.size() && model < context.model_hashes.size() &&
               recorded.model_hashes[model] == context.model_hashes[model];
    }
    [[nodiscard]] std::optional<DecisionDifference> of_path(const PathResult& before,
                                                            const PathResult& after) const;
    [[nodiscard]] std::optional<DecisionDifference> of_paths() const;
};

std::optional<DecisionDifference> Comparison::of_path(const PathResult& before,
                                                      const PathResult& after) const {
    const std::string path = name_of(before.path);
    if (!is_same(before.score, after.score)) {
        return DecisionDifference{
            has_same_model(before.path) ? menu_or_build() : DifferenceCause::model,
            describe("score" + path, describe(before.score), describe(after.score))};
    }
    std::string text;
    if (before.accepted != after.accepted) {
        text = describe("verdict" + path, describe(before.accepted), describe(after.accepted));
    } else if (before.prescaled_away != after.prescaled_away) {
        text = describe("prescaled away" + path, describe(before.prescaled_away),
                        describe(after.prescaled_away));
    } else {
        return std::nullopt;
    }
    if (!is_same(before.threshold, after.threshold)) {
        return DecisionDifference{
            DifferenceCause::threshold,
            text + "; " +
                describe("threshold", describe(before.threshold), describe(after.threshold))};
    }
    return DecisionDifference{menu_or_build(), text};
}

// A path without a result was not seeded.
std::optional<DecisionDifference> Comparison::of_paths() const {
    for (const PathResult& before : recorded.paths) {
        const PathResult* after = find_path(now.paths, before.path);
        auto difference =
            after == nullptr
                ? DecisionDifference{menu_or_build(), describe("seed" + name_of(before.path),
                                                               describe(true), describe(false))}
                : of_path(before, *after);
        if (difference) {
            return difference;
        }
    }
    for (const PathResult& after : now.paths) {
        if (find_path(recorded.paths, after.path) == nullptr) {
            return DecisionDifference{menu_or_build(), describe("seed" + name_of(after.path),
                                                                describe(false), describe(true))};
        }
    }
    return std::nullopt;
}

}  // namespace

std::string_view to_string(DifferenceCause cause) noexcept {
    constexpr std::array<std::string_view, kDifferenceCauses> kNames = {"model", "threshold",
                                                                        "menu", "build"};
    return kNames[static_cast<std::size_t>(cause)];
}

std::optional<DecisionDifference> find_difference(const RecordedDecision& recorded,
                                                  const Decision& now,
                                                  const DecisionContext& context,
                                                  const std::vector<DecidingPath>& paths) {
    const Comparison comparison{recorded, now, context, paths};
    if (auto difference = comparison.of_paths()) {
        return difference;
    }
    if (recorded.outcome != now.outcome) {
        return DecisionDifference{
            comparison.menu_or_build(),
            describe("outcome", to_string(recorded.outcome), to_string(now.outcome))};
    }
    const std::string streams_recorded = join_sorted(recorded.streams);
    const std::string streams_now = join_sorted(names_of(now.streams, context));
    if (streams_recorded != streams_now) {
        return DecisionDifference{comparison.menu_or_build(),
                                  describe("streams", streams_recorded, streams_now)};
    }
    return std::nullopt;
}

}  // namespace tamis::streams
