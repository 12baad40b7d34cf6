// Columns of text for a person: the first column to the left, the others to the right.
#pragma once

#include <string>
#include <vector>

namespace tamis::daemon {

class TextTable {
 public:
    explicit TextTable(std::vector<std::string> header);
    void add_row(std::vector<std::string> cells);
    // Every line begins with `indent` spaces and ends with a newline.
    [[nodiscard]] std::string to_string(std::size_t indent = 2) const;

 private:
    std::vector<std::vector<std::string>> rows_;  // the header is the first
};

}  // namespace tamis::daemon
