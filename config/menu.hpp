// A trigger menu as plain data (design 3.4): which events are wanted, by which model, how often,
// and where they go. config/menu_reader makes it from text; daemon/trigger_menu compiles it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tamis::config {

enum class Comparison : std::uint8_t { above, at_least, below, at_most, equal };

// quantity (a name of models::quantity_names()) compared with a value.
struct SeedCondition {
    std::string quantity;
    Comparison comparison = Comparison::at_least;
    double value = 0;
};

// All conditions of one alternative must hold; one alternative is enough. No alternative: every
// event.
struct Seed {
    std::vector<std::vector<SeedCondition>> any_of;
};

enum class PathKind : std::uint8_t {
    select,        // seed, then model if there is one
    pass_through,  // a random fraction, by the prescale alone
    force_accept,  // the seed alone, never prescaled, and no veto stops it
    veto,  // an event that passes is refused by all other paths but force_accept and pass_through
};

// Where a score must lie.
struct ModelCut {
    std::string model;                         // name in Menu::models
    std::optional<std::string> working_point;  // of the model's manifest; or
    std::optional<double> threshold;           // a number: passes when score > threshold
};

struct Path {
    std::string name;
    PathKind kind = PathKind::select;
    Seed seed;
    std::optional<ModelCut> cut;
    std::uint32_t prescale =
        1;  // one of N on average, by a hash of (run, event, path name); 0 switches the path off
    std::vector<std::string> streams;
    bool takes_incomplete = false;  // decides events that lack a source, too
};

struct MenuModel {
    std::string name;
    std::string directory;  // resolved: absolute or relative to the working directory
};

struct MenuStream {
    std::string name;
    std::string description;
};

struct Menu {
    std::string name;
    std::string version;
    std::vector<MenuModel> models;
    std::vector<MenuStream> streams;
    std::string
        debug_stream;  // where incomplete, malformed and crashing events go; one of `streams`
    std::vector<Path> paths;
    std::uint64_t hash = 0;  // of the menu's meaning: comments and layout do not count
    std::string text;        // as read, to be attached to recordings
};

}  // namespace tamis::config
