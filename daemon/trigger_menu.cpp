#include "daemon/trigger_menu.hpp"

#include <algorithm>
#include <gsl/assert>
#include <optional>
#include <set>
#include <string_view>

namespace tamis::daemon {
namespace {

using Mistakes = std::vector<std::string>;

std::string in_quotes(std::string_view text) { return std::string(1, '\'').append(text) + '\''; }

// "a, b, c": what there is, for a message about what there is not.
template <class Range, class Name>
std::string listed(const Range& range, Name name) {
    std::string list;
    for (const auto& element : range) {
        list.append(list.empty() ? "" : ", ").append(name(element));
    }
    return list.empty() ? "none" : list;
}

template <class Range>
std::optional<std::size_t> find_named(const Range& range, std::string_view name) {
    const auto found = std::find_if(range.begin(), range.end(),
                                    [&](const auto& element) { return element.name == name; });
    if (found == range.end()) {
        return std::nullopt;
    }
    return static_cast<std::size_t>(found - range.begin());
}

constexpr auto kName = [](const auto& element) { return std::string_view(element.name); };

class PathCompiler {
 public:
    PathCompiler(const config::Menu& menu, std::span<const models::Model* const> models,
                 Mistakes& mistakes)
        : menu_(menu), models_(models), mistakes_(mistakes) {}

    TriggerPath compile(const config::Path& path) {
        where_ = "path " + in_quotes(path.name) + ": ";
        TriggerPath compiled{.name = path.name,
                             .kind = path.kind,
                             .seed = compile_seed(path.seed),
                             .cut = std::nullopt,
                             .prescale = Prescale(path.name, path.prescale),
                             .streams = 0,
                             .takes_incomplete = path.takes_incomplete,
                             .veto_reason = "veto " + path.name};
        if (path.cut) {
            compiled.cut = compile_cut(*path.cut);
        }
        for (const std::string& stream : path.streams) {
            compiled.streams |= stream_bit(stream);
        }
        if (path.streams.empty() && path.kind != config::PathKind::veto) {
            report("it has no stream (an accepted event must go somewhere); name one of " +
                   listed(menu_.streams, kName));
        }
        return compiled;
    }

    streams::StreamMask stream_bit(const std::string& name) {
        const auto found = find_named(menu_.streams, name);
        if (!found) {
            report("stream " + in_quotes(name) + " is not in the menu; name one of " +
                   listed(menu_.streams, kName));
            return 0;
        }
        return *found < streams::kMaxStreams ? streams::StreamMask{1} << *found : 0;
    }

 private:
    void report(const std::string& what) { mistakes_.push_back(where_ + what); }

    Seed compile_seed(const config::Seed& seed) {
        Seed compiled;
        for (const auto& alternative : seed.any_of) {
            auto& conditions = compiled.emplace_back();
            for (const auto& condition : alternative) {
                add_condition(condition, conditions);
            }
        }
        return compiled;
    }

    void add_condition(const config::SeedCondition& condition,
                       std::vector<SeedCondition>& conditions) {
        const auto quantity = models::find_quantity(condition.quantity);
        if (!quantity) {
            report("quantity " + in_quotes(condition.quantity) + " is not known; name one of " +
                   listed(models::quantity_names(), [](auto name) { return name; }));
            return;
        }
        conditions.push_back(
            {.quantity = *quantity, .comparison = condition.comparison, .value = condition.value});
    }

    std::optional<ModelCut> compile_cut(const config::ModelCut& cut) {
        const auto model = find_named(menu_.models, cut.model);
        if (!model) {
            report("model " + in_quotes(cut.model) + " is not in the menu; name one of " +
                   listed(menu_.models, kName));
            return std::nullopt;
        }
        if (cut.working_point.has_value() == cut.threshold.has_value()) {
            report("the cut on model " + in_quotes(cut.model) +
                   " needs either a working point or a threshold; give exactly one");
            return std::nullopt;
        }
        ModelCut compiled{.model = *model, .working_point = std::nullopt, .threshold = 0};
        if (cut.threshold) {
            compiled.threshold = static_cast<float>(*cut.threshold);
            return compiled;
        }
        compiled.working_point = models_[*model]->find_working_point(*cut.working_point);
        if (!compiled.working_point) {
            report("working point " + in_quotes(*cut.working_point) + " is not one of model " +
                   in_quotes(cut.model) + "; name one of " +
                   listed(models_[*model]->manifest().working_points, kName));
        }
        return compiled;
    }

    const config::Menu& menu_;
    std::span<const models::Model* const> models_;
    Mistakes& mistakes_;
    std::string where_;
};

}  // namespace

tl::expected<TriggerMenu, Mistakes> TriggerMenu::compile(
    const config::Menu& menu, std::span<const models::Model* const> models) {
    Expects(models.size() == menu.models.size());
    Mistakes mistakes;
    if (menu.streams.size() > streams::kMaxStreams) {
        mistakes.push_back("the menu has " + std::to_string(menu.streams.size()) +
                           " streams (a decision has a bit for each of " +
                           std::to_string(streams::kMaxStreams) + "); join some of them");
    }
    TriggerMenu compiled;
    compiled.name_ = menu.name;
    compiled.version_ = menu.version;
    compiled.models_.assign(models.begin(), models.end());
    PathCompiler compiler(menu, models, mistakes);
    compiled.debug_streams_ = compiler.stream_bit(menu.debug_stream);
    std::set<std::string_view> names;
    for (const config::Path& path : menu.paths) {
        if (!names.insert(path.name).second) {
            mistakes.push_back("path " + in_quotes(path.name) +
                               " is there twice; give each path its own name");
        }
        compiled.paths_.push_back(compiler.compile(path));
    }
    if (!mistakes.empty()) {
        return tl::unexpected(std::move(mistakes));
    }
    compiled.context_.menu_hash = menu.hash;
    for (std::size_t i = 0; i < models.size(); ++i) {
        compiled.context_.model_hashes.push_back(models[i]->hash());
        compiled.context_.model_names.push_back(menu.models[i].name);
    }
    for (const config::MenuStream& stream : menu.streams) {
        compiled.context_.stream_names.push_back(stream.name);
    }
    return compiled;
}

}  // namespace tamis::daemon
