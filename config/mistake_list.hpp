// The mistakes of one text while it is read: in any order, and not endlessly many.
#pragma once

#include <string>

#include "config/mistake.hpp"
#include "config/text_tokens.hpp"

namespace tamis::config {

class MistakeList {
 public:
    static constexpr std::size_t kMaxMistakes = 100;

    explicit MistakeList(std::string file) : file_(std::move(file)) {}

    void add(const Place& place, std::string problem, std::string remedy);
    [[nodiscard]] bool is_full() const noexcept { return mistakes_.size() >= kMaxMistakes; }
    [[nodiscard]] bool is_empty() const noexcept { return mistakes_.empty(); }

    // In the order of the text. A full list ends with a line that says so.
    [[nodiscard]] Mistakes take();

 private:
    std::string file_;
    Mistakes mistakes_;
};

}  // namespace tamis::config
