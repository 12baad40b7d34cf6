#include "config/mistake.hpp"

namespace tamis::config {

std::string to_string(const Mistake& mistake) {
    return mistake.file + ':' + std::to_string(mistake.line) + ':' +
           std::to_string(mistake.column) + ": " + mistake.problem + "; " + mistake.remedy;
}

std::string to_string(const Mistakes& mistakes) {
    std::string lines;
    for (const Mistake& mistake : mistakes) {
        lines += to_string(mistake) + '\n';
    }
    return lines;
}

}  // namespace tamis::config
