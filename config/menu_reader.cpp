#include "config/menu_reader.hpp"

#include <gsl/assert>
#include <utility>

#include "config/menu.pb.h"
#include "config/menu_checks.hpp"
#include "config/text_reader.hpp"

namespace tamis::config {

namespace {

SeedCondition condition_of(const schema::Condition& text) {
    switch (text.comparison_case()) {
        case schema::Condition::kAbove:
            return {text.quantity(), Comparison::above, text.above()};
        case schema::Condition::kAtLeast:
            return {text.quantity(), Comparison::at_least, text.at_least()};
        case schema::Condition::kBelow:
            return {text.quantity(), Comparison::below, text.below()};
        case schema::Condition::kAtMost:
            return {text.quantity(), Comparison::at_most, text.at_most()};
        default:
            // A condition without comparison was refused before.
            Expects(text.comparison_case() == schema::Condition::kEqual);
            return {text.quantity(), Comparison::equal, text.equal()};
    }
}

PathKind kind_of(schema::Path::Kind kind) {
    switch (kind) {
        case schema::Path::PASS_THROUGH:
            return PathKind::pass_through;
        case schema::Path::FORCE_ACCEPT:
            return PathKind::force_accept;
        case schema::Path::VETO:
            return PathKind::veto;
        case schema::Path::SELECT:
            break;
    }
    return PathKind::select;
}

Path path_of(const schema::Path& text) {
    Path path;
    path.name = text.name();
    path.kind = kind_of(text.kind());
    for (const schema::Seed& seed : text.seed()) {
        auto& alternative = path.seed.any_of.emplace_back();
        for (const schema::Condition& condition : seed.all()) {
            alternative.push_back(condition_of(condition));
        }
    }
    if (text.has_model()) {
        ModelCut& cut = path.cut.emplace();
        cut.model = text.model();
        if (text.has_working_point()) {
            cut.working_point = text.working_point();
        } else {
            cut.threshold = text.threshold();
        }
    }
    path.prescale = text.prescale();
    path.streams.assign(text.stream().begin(), text.stream().end());
    path.takes_incomplete = text.takes_incomplete();
    return path;
}

Menu menu_of(const schema::Menu& text, const std::filesystem::path& directory) {
    Menu menu;
    menu.name = text.name();
    menu.version = text.version();
    for (const schema::Model& model : text.model()) {
        menu.models.push_back(
            {model.name(), (directory / model.directory()).lexically_normal().string()});
    }
    for (const schema::Stream& stream : text.stream()) {
        menu.streams.push_back({stream.name(), stream.description()});
    }
    menu.debug_stream = text.debug_stream();
    for (const schema::Path& path : text.path()) {
        menu.paths.push_back(path_of(path));
    }
    menu.hash = menu_hash(menu);
    return menu;
}

}  // namespace

tl::expected<Menu, Mistakes> parse_menu(std::string text, const std::filesystem::path& file,
                                        const MenuContext& context) {
    schema::Menu message;
    TextReader reader(file.string(), text, message);
    const std::filesystem::path directory = file.parent_path();
    Mistakes elsewhere;
    if (reader.is_structured()) {
        elsewhere = check_menu(reader, message, directory, context);
    }
    if (reader.has_mistakes()) {
        Mistakes mistakes = reader.take_mistakes();
        mistakes.insert(mistakes.end(), elsewhere.begin(), elsewhere.end());
        return tl::make_unexpected(std::move(mistakes));
    }
    Menu menu = menu_of(message, directory);
    menu.text = std::move(text);
    return menu;
}

tl::expected<Menu, Mistakes> read_menu(const std::filesystem::path& file,
                                       const MenuContext& context) {
    return read_text(file).and_then(
        [&](std::string text) { return parse_menu(std::move(text), file, context); });
}

}  // namespace tamis::config
