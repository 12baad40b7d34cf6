// A plot of lines, points and marks as SVG text for an HTML page: no script, no file beside it.
// Cold path; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tamis::daemon {

struct PlotAxis {
    std::string label = {};
    bool is_log = false;  // then 0 < low
    double low = 0;
    double high = 1;  // above low
};

// Values outside an axis lie on its edge; NaN breaks a line.
struct PlotLine {
    std::string name = {};  // for the legend; empty: none
    std::vector<double> x = {};
    std::vector<double> y = {};
    // As long as y, or empty: points with error bars instead of a line.
    std::vector<double> y_low = {};
    std::vector<double> y_high = {};
    bool is_dashed = false;
};

// A vertical line.
struct PlotMark {
    double x = 0;
    std::string name;
};

// In the corner that the curves leave free, or beside the frame.
enum class Legend : std::uint8_t { right, left, beside };

struct Plot {
    std::string title = {};
    PlotAxis x = {};
    PlotAxis y = {};
    std::vector<PlotLine> lines = {};  // colours in this order, nine before they repeat
    std::vector<PlotMark> marks = {};
    Legend legend = Legend::right;
};

[[nodiscard]] std::string to_svg(const Plot& plot);

// Characters that mean something to HTML, replaced.
[[nodiscard]] std::string escaped(const std::string& text);

}  // namespace tamis::daemon
