// What is wrong in a file a person edits, and what would be right (design 3.5). Readers of this
// folder give all mistakes of a text at once, in the order of the text.
#pragma once

#include <string>
#include <vector>

namespace tamis::config {

// line and column count from 1; columns are bytes, a tab is one.
struct Mistake {
    std::string file;
    int line = 1;
    int column = 1;
    std::string problem;
    std::string remedy;
};

using Mistakes = std::vector<Mistake>;

// "file:line:column: problem; remedy"
[[nodiscard]] std::string to_string(const Mistake& mistake);

// One per line, each ended by a newline.
[[nodiscard]] std::string to_string(const Mistakes& mistakes);

}  // namespace tamis::config
