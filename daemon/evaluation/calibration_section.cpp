#include "daemon/evaluation/calibration_section.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>

#include "daemon/evaluation/evaluation_plots.hpp"
#include "daemon/evaluation/svg_plot.hpp"

namespace tamis::daemon {

namespace {

std::string target_of(const models::WorkingPoint& point) {
    switch (point.target) {
        case models::PointTarget::background_fraction:
            return fmt::format("fraction {:g}", point.wanted);
        case models::PointTarget::signal_efficiency:
            return fmt::format("efficiency {:g}", point.wanted);
        case models::PointTarget::rate:
            return fmt::format("{:g} Hz of {:g} Hz", point.wanted, point.input_rate_hz);
        case models::PointTarget::unstated:
            break;
    }
    return "not stated";
}

std::string threshold_of(const models::WorkingPoint& point) {
    if (point.bins.size() != 1 || point.bins.front().slope != 0) {
        return fmt::format("{} bins", point.bins.size());
    }
    const models::ThresholdBin& bin = point.bins.front();
    std::string text = fmt::format("{:.5g}", bin.offset);
    if (bin.offset_low && bin.offset_high) {
        text += fmt::format(" <small>{:.4g} to {:.4g}</small>", *bin.offset_low, *bin.offset_high);
    }
    return text + (bin.extrapolated ? " <small>extrapolated</small>" : "");
}

// Whether two 95 % intervals of the same fraction share a value.
bool agree(const models::WorkingPoint& point, const Fraction& found) {
    return found.interval.low <= point.background_fraction_high &&
           found.interval.high >= point.background_fraction_low;
}

}  // namespace

std::string calibration_section(const models::Manifest& manifest,
                                const ModelEvaluation& evaluation) {
    if (manifest.working_points.empty()) return {};
    std::string text =
        "<h2>Calibration</h2>\n<div class=\"wide\"><table><tr><th>working point</th><th>wanted</th>"
        "<th>threshold</th><th>background when set</th><th>background here</th><th></th></tr>\n";
    const auto& background = evaluation.samples.front();
    for (std::size_t i = 0; i < manifest.working_points.size(); ++i) {
        const models::WorkingPoint& point = manifest.working_points[i];
        const Fraction& found = background.working_points[i];
        fmt::format_to(
            std::back_inserter(text),
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{:.3g} <small>{:.2g} to {:.2g}</small></td>"
            "<td>{:.3g} <small>{:.2g} to {:.2g}</small></td><td>{}</td></tr>\n",
            escaped(point.name), target_of(point), threshold_of(point), point.background_fraction,
            point.background_fraction_low, point.background_fraction_high, found.value,
            found.interval.low, found.interval.high, agree(point, found) ? "agree" : "differ");
    }
    return text +
           "</table></div>\n<small>95 % intervals; where they differ the samples are not of "
           "one population, or it is the one case in twenty</small>\n<div class=\"plots\">" +
           to_svg(p_value_plot(background)) + "</div>\n";
}

}  // namespace tamis::daemon
