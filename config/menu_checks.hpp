// What a menu means, checked: names that must be known or unique, seeds that can hold, what each
// kind of path needs.
//
// For menu_reader only: it shows Protobuf. Cold path.
#pragma once

#include <filesystem>

#include "config/menu.pb.h"
#include "config/menu_reader.hpp"
#include "config/mistake.hpp"
#include "config/text_reader.hpp"

namespace tamis::config {

// Adds to the reader's mistakes; gives those that lie in other files (manifests).
[[nodiscard]] Mistakes check_menu(TextReader& reader, const schema::Menu& menu,
                                  const std::filesystem::path& directory,
                                  const MenuContext& context);

}  // namespace tamis::config
