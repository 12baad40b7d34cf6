#include "config/menu_checks.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/field_words.hpp"
#include "config/nearest_name.hpp"

namespace tamis::config {

namespace {

// The values of one quantity that conditions leave over.
struct Interval {
    double low = -std::numeric_limits<double>::infinity();
    double high = std::numeric_limits<double>::infinity();
    bool low_open = false;
    bool high_open = false;

    void raise(double value, bool open) {
        if (value > low || (value == low && open)) {
            low = value;
            low_open = open;
        }
    }
    void lower(double value, bool open) {
        if (value < high || (value == high && open)) {
            high = value;
            high_open = open;
        }
    }
    [[nodiscard]] bool is_empty() const {
        return low > high || (low == high && (low_open || high_open));
    }
};

void narrow(Interval& interval, const schema::Condition& condition) {
    switch (condition.comparison_case()) {
        case schema::Condition::kAbove:
            return interval.raise(condition.above(), true);
        case schema::Condition::kAtLeast:
            return interval.raise(condition.at_least(), false);
        case schema::Condition::kBelow:
            return interval.lower(condition.below(), true);
        case schema::Condition::kAtMost:
            return interval.lower(condition.at_most(), false);
        case schema::Condition::kEqual:
            interval.raise(condition.equal(), false);
            return interval.lower(condition.equal(), false);
        case schema::Condition::COMPARISON_NOT_SET:
            return;
    }
}

class MenuCheck {
 public:
    MenuCheck(TextReader& reader, const schema::Menu& menu, const MenuContext& context)
        : reader_(reader), menu_(menu), context_(context) {}

    Mistakes run(const std::filesystem::path& directory) {
        collect_names("stream", menu_.stream(), streams_);
        collect_names("model", menu_.model(), models_);
        std::vector<std::string_view> paths;
        collect_names("path", menu_.path(), paths);
        check_debug_stream();
        read_manifests(directory);
        for (int i = 0; i < menu_.path_size(); ++i) {
            check_path(menu_.path(i), reader_.child(reader_.root(), "path", i));
        }
        return std::move(elsewhere_);
    }

 private:
    template <typename Entries>
    void collect_names(const char* field, const Entries& entries,
                       std::vector<std::string_view>& names) {
        std::map<std::string_view, int> lines;
        for (int i = 0; i < entries.size(); ++i) {
            if (!entries[i].has_name()) {
                continue;
            }
            const Block block = reader_.child(reader_.root(), field, i);
            const Place place = reader_.place_of(block, "name");
            const auto [first, is_new] = lines.emplace(entries[i].name(), place.line);
            if (is_new) {
                names.push_back(entries[i].name());
            } else {
                reader_.add(place,
                            "there are two blocks " + in_quotes(field) + " named " +
                                in_quotes(entries[i].name()) + " (the first in line " +
                                std::to_string(first->second) + ")",
                            "give each a name of its own");
            }
        }
    }

    void check_debug_stream() {
        if (menu_.has_debug_stream() && !knows(streams_, menu_.debug_stream()) &&
            !reader_.is_damaged("Menu.stream") && !reader_.is_damaged("Stream.name")) {
            reader_.add(reader_.root(), "debug_stream",
                        "no stream is named " + in_quotes(menu_.debug_stream()),
                        name_remedy(menu_.debug_stream(), streams_));
        }
    }

    void read_manifests(const std::filesystem::path& directory) {
        for (int i = 0; i < menu_.model_size(); ++i) {
            const schema::Model& model = menu_.model(i);
            if (!model.has_directory() || model.directory().empty()) {
                continue;
            }
            auto manifest = context_.manifest_of(directory / model.directory());
            if (manifest) {
                manifests_.emplace(model.name(), std::move(*manifest));
                continue;
            }
            const Mistakes& mistakes = manifest.error();
            const Block block = reader_.child(reader_.root(), "model", i);
            const bool is_missing =
                mistakes.size() == 1 && mistakes.front().line == 1 && mistakes.front().column == 1;
            if (is_missing) {
                reader_.add(block, "directory",
                            "model " + in_quotes(model.name()) + ": " + mistakes.front().problem,
                            mistakes.front().remedy);
            } else {
                reader_.add(block, "directory",
                            "the manifest of model " + in_quotes(model.name()) + " is not right",
                            "see its own lines");
                elsewhere_.insert(elsewhere_.end(), mistakes.begin(), mistakes.end());
            }
        }
    }

    void check_path(const schema::Path& path, const Block& block) {
        for (int i = 0; i < path.seed_size(); ++i) {
            check_seed(path.seed(i), reader_.child(block, "seed", i));
        }
        check_cut(path, block);
        check_streams(path, block);
        check_kind(path, block);
    }

    void check_seed(const schema::Seed& seed, const Block& block) {
        std::map<std::string_view, Interval> left_over;
        for (int i = 0; i < seed.all_size(); ++i) {
            const schema::Condition& condition = seed.all(i);
            const Block place = reader_.child(block, "all", i);
            if (condition.comparison_case() == schema::Condition::COMPARISON_NOT_SET) {
                check_comparison(place);
                continue;
            }
            if (!condition.has_quantity()) {
                continue;
            }
            const std::string& quantity = condition.quantity();
            if (!knows(context_.quantities, quantity)) {
                reader_.add(place, "quantity", "no quantity is named " + in_quotes(quantity),
                            name_remedy(quantity, context_.quantities));
                continue;
            }
            Interval& interval = left_over[quantity];
            const bool was_empty = interval.is_empty();
            narrow(interval, condition);
            if (interval.is_empty() && !was_empty) {
                reader_.add(place.place,
                            "no event can pass: " + quantity +
                                " is asked to be two things at once in this seed",
                            "change a limit, or write a second seed { ... } if either may hold");
            }
        }
    }

    void check_comparison(const Block& condition) {
        for (const char* field : {"above", "at_least", "below", "at_most", "equal"}) {
            if (reader_.is_damaged(condition, field)) {
                return;
            }
        }
        reader_.add(condition.place, "this condition compares with nothing",
                    "add one of above, at_least, below, at_most, equal");
    }

    void check_cut(const schema::Path& path, const Block& block) {
        const bool has_cut = path.cut_case() != schema::Path::CUT_NOT_SET;
        if (!path.has_model()) {
            if (has_cut && !reader_.is_damaged(block, "model")) {
                const char* field = path.has_threshold() ? "threshold" : "working_point";
                reader_.add(block, field, in_quotes(field) + " without a model",
                            "add model: \"...\", or remove the " + std::string(field));
            }
            return;
        }
        if (!knows(models_, path.model())) {
            if (!reader_.is_damaged("Menu.model") && !reader_.is_damaged("Model.name")) {
                reader_.add(block, "model", "no model is named " + in_quotes(path.model()),
                            name_remedy(path.model(), models_));
            }
            return;
        }
        if (!has_cut) {
            if (!reader_.is_damaged(block, "threshold") &&
                !reader_.is_damaged(block, "working_point")) {
                reader_.add(block, "model", "no score is asked of model " + in_quotes(path.model()),
                            "add working_point: \"...\" or threshold: NUMBER");
            }
            return;
        }
        if (path.has_working_point()) {
            check_working_point(path, block);
        }
    }

    void check_working_point(const schema::Path& path, const Block& block) {
        const auto manifest = manifests_.find(path.model());
        if (manifest == manifests_.end()) {
            return;  // the model itself is reported
        }
        std::vector<std::string_view> points;
        for (const models::WorkingPoint& point : manifest->second.working_points) {
            points.emplace_back(point.name);
        }
        if (!knows(points, path.working_point())) {
            reader_.add(block, "working_point",
                        "model " + in_quotes(path.model()) + " has no working point " +
                            in_quotes(path.working_point()),
                        name_remedy(path.working_point(), points));
        }
    }

    void check_streams(const schema::Path& path, const Block& block) {
        for (int i = 0; i < path.stream_size(); ++i) {
            const std::string& stream = path.stream(i);
            if (!knows(streams_, stream)) {
                if (!reader_.is_damaged("Menu.stream") && !reader_.is_damaged("Stream.name")) {
                    reader_.add(block, "stream", i, "no stream is named " + in_quotes(stream),
                                name_remedy(stream, streams_));
                }
            } else if (stream == menu_.debug_stream()) {
                reader_.add(block, "stream", i,
                            "a path cannot feed the debug stream " + in_quotes(stream),
                            "it is for events that could not be decided: name another stream");
            } else if (std::find(path.stream().begin(), path.stream().begin() + i, stream) !=
                       path.stream().begin() + i) {
                reader_.add(block, "stream", i, "stream " + in_quotes(stream) + " is named twice",
                            "keep one");
            }
        }
    }

    void check_kind(const schema::Path& path, const Block& block) {
        const bool has_seed = path.seed_size() > 0 || reader_.is_damaged(block, "seed");
        const bool has_model = path.has_model() || reader_.is_damaged(block, "model");
        const bool has_stream = path.stream_size() > 0 || reader_.is_damaged(block, "stream");
        if (reader_.is_damaged(block, "kind")) {
            return;
        }
        if (path.kind() != schema::Path::VETO && !has_stream) {
            reader_.add(block.place, "this path feeds no stream", "add stream: \"...\"");
        }
        switch (path.kind()) {
            case schema::Path::SELECT:
                if (!has_seed && !has_model && path.cut_case() == schema::Path::CUT_NOT_SET) {
                    reader_.add(block.place, "this path selects every event",
                                "add a seed or a model, or write kind: PASS_THROUGH");
                }
                break;
            case schema::Path::PASS_THROUGH:
                forbid(block, "seed", path.seed_size() > 0, "a PASS_THROUGH path",
                       "remove it, or write kind: SELECT");
                forbid(block, "model", path.has_model(), "a PASS_THROUGH path",
                       "remove it, or write kind: SELECT");
                break;
            case schema::Path::FORCE_ACCEPT:
                forbid(block, "model", path.has_model(), "a FORCE_ACCEPT path",
                       "remove it, or write kind: SELECT");
                forbid(block, "prescale", path.has_prescale() && path.prescale() != 1,
                       "a FORCE_ACCEPT path", "remove it, or write kind: SELECT");
                if (!has_seed) {
                    reader_.add(block.place, "this path accepts every event",
                                "add a seed, or write kind: PASS_THROUGH");
                }
                break;
            case schema::Path::VETO:
                forbid(block, "prescale", path.has_prescale() && path.prescale() != 1,
                       "a VETO path", "remove it: a veto holds always");
                forbid(block, "stream", path.stream_size() > 0, "a VETO path",
                       "remove it: a veto selects nothing");
                if (!has_seed && !has_model) {
                    reader_.add(block.place, "this path refuses every event",
                                "add a seed or a model");
                }
                break;
        }
    }

    void forbid(const Block& block, const char* field, bool is_given, const char* owner,
                const char* remedy) {
        if (is_given) {
            const bool is_repeated =
                block.message->GetDescriptor()->FindFieldByName(field)->is_repeated();
            reader_.add(block, field, is_repeated ? 0 : -1,
                        std::string(owner) + " has no " + in_quotes(field), remedy);
        }
    }

    [[nodiscard]] static bool knows(std::span<const std::string_view> names,
                                    std::string_view name) {
        return std::find(names.begin(), names.end(), name) != names.end();
    }

    TextReader& reader_;
    const schema::Menu& menu_;
    const MenuContext& context_;
    std::vector<std::string_view> streams_;
    std::vector<std::string_view> models_;
    std::map<std::string, models::Manifest, std::less<>> manifests_;
    Mistakes elsewhere_;
};

}  // namespace

Mistakes check_menu(TextReader& reader, const schema::Menu& menu,
                    const std::filesystem::path& directory, const MenuContext& context) {
    return MenuCheck(reader, menu, context).run(directory);
}

}  // namespace tamis::config
