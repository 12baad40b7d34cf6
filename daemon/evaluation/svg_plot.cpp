#include "daemon/evaluation/svg_plot.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>

namespace tamis::daemon {

namespace {

constexpr double kWidth = 640;
constexpr double kHeight = 400;
constexpr double kLeft = 68;
constexpr double kRight = 16;
constexpr double kBeside = 132;  // room for a legend
constexpr double kTop = 30;
constexpr double kBottom = 48;
// Okabe and Ito (2008): told apart by everybody; grey and brown added.
constexpr std::array kColours = {"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00",
                                 "#56b4e9", "#000000", "#999999", "#8c510a"};

// Of an axis: values to places in the picture.
class Scale {
 public:
    Scale(const PlotAxis& axis, double begin, double end) : axis_(axis), begin_(begin), end_(end) {}
    [[nodiscard]] double operator()(double value) const {
        const double inside = std::clamp(value, axis_.low, axis_.high);
        const double share = (of(inside) - of(axis_.low)) / (of(axis_.high) - of(axis_.low));
        return begin_ + share * (end_ - begin_);
    }
    [[nodiscard]] std::vector<double> ticks() const {
        return axis_.is_log ? decades() : round_steps();
    }

 private:
    [[nodiscard]] double of(double value) const { return axis_.is_log ? std::log10(value) : value; }
    [[nodiscard]] std::vector<double> decades() const {
        const double first = std::ceil(std::log10(axis_.low) - 1e-9);
        const double last = std::floor(std::log10(axis_.high) + 1e-9);
        const double step = std::max(1.0, std::ceil((last - first) / 8));
        std::vector<double> ticks;
        for (double power = first; power <= last; power += step) {
            ticks.push_back(std::pow(10.0, power));
        }
        return ticks;
    }
    [[nodiscard]] std::vector<double> round_steps() const {
        const double rough = (axis_.high - axis_.low) / 6;
        const double unit = std::pow(10.0, std::floor(std::log10(rough)));
        double step = unit;
        for (const double factor : {2.0, 5.0, 10.0}) {
            if (step < rough) step = factor * unit;
        }
        std::vector<double> ticks;
        for (double i = std::ceil(axis_.low / step - 1e-9); i * step <= axis_.high + 1e-9 * step;
             ++i) {
            ticks.push_back(i * step + 0.0);  // no negative zero
        }
        return ticks;
    }

    const PlotAxis& axis_;
    double begin_;
    double end_;
};

class Picture {
 public:
    explicit Picture(const Plot& plot)
        : plot_(plot),
          right_(kWidth - (plot.legend == Legend::beside ? kBeside : kRight)),
          x_(plot.x, kLeft, right_),
          y_(plot.y, kHeight - kBottom, kTop) {}

    [[nodiscard]] std::string text() {
        add("<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">\n", kWidth, kHeight,
            escaped(plot_.title));
        add("<text class=\"title\" x=\"{}\" y=\"18\">{}</text>\n", kLeft, escaped(plot_.title));
        axes();
        for (const PlotMark& mark : plot_.marks) add_mark(mark);
        for (std::size_t i = 0; i < plot_.lines.size(); ++i) {
            const char* colour = kColours[i % kColours.size()];
            if (plot_.lines[i].y_low.empty()) {
                line(plot_.lines[i], colour);
            } else {
                points(plot_.lines[i], colour);
            }
        }
        legend();
        text_ += "</svg>\n";
        return std::move(text_);
    }

 private:
    template <class... Values>
    void add(fmt::format_string<Values...> format, Values&&... values) {
        fmt::format_to(std::back_inserter(text_), format, std::forward<Values>(values)...);
    }

    void axes() {
        for (const double tick : x_.ticks()) {
            add("<line class=\"grid\" x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1}\" y2=\"{2}\"/>"
                "<text class=\"tick\" x=\"{0:.1f}\" y=\"{3}\" "
                "text-anchor=\"middle\">{4:.3g}</text>\n",
                x_(tick), kTop, kHeight - kBottom, kHeight - kBottom + 16, tick);
        }
        for (const double tick : y_.ticks()) {
            add("<line class=\"grid\" x1=\"{1}\" x2=\"{2}\" y1=\"{0:.1f}\" y2=\"{0:.1f}\"/>"
                "<text class=\"tick\" x=\"{3}\" y=\"{4:.1f}\" text-anchor=\"end\">{5:.3g}</text>\n",
                y_(tick), kLeft, right_, kLeft - 6, y_(tick) + 4, tick);
        }
        add("<text class=\"label\" x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text>\n",
            (kLeft + right_) / 2, kHeight - 10, escaped(plot_.x.label));
        add("<text class=\"label\" x=\"14\" y=\"{0}\" text-anchor=\"middle\" "
            "transform=\"rotate(-90 14 {0})\">{1}</text>\n",
            (kTop + kHeight - kBottom) / 2, escaped(plot_.y.label));
    }

    void add_mark(const PlotMark& mark) {
        add("<line class=\"mark\" x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1}\" y2=\"{2}\"/>"
            "<text class=\"tick\" transform=\"rotate(-90 {3:.1f} {4})\" x=\"{3:.1f}\" y=\"{4}\" "
            "text-anchor=\"end\">{5}</text>\n",
            x_(mark.x), kTop, kHeight - kBottom, x_(mark.x) - 3, kTop + 2, escaped(mark.name));
    }

    void line(const PlotLine& of, const char* colour) {
        std::string path;
        bool is_down = false;
        for (std::size_t i = 0; i < of.x.size(); ++i) {
            if (std::isnan(of.y[i])) {
                is_down = false;
                continue;
            }
            fmt::format_to(std::back_inserter(path), "{}{:.1f} {:.1f}", is_down ? "L" : "M",
                           x_(of.x[i]), y_(of.y[i]));
            is_down = true;
        }
        add("<path class=\"curve\" stroke=\"{}\"{} d=\"{}\"/>\n", colour,
            of.is_dashed ? " stroke-dasharray=\"5 4\"" : "", path);
    }

    void points(const PlotLine& of, const char* colour) {
        for (std::size_t i = 0; i < of.x.size(); ++i) {
            if (std::isnan(of.y[i])) continue;
            add("<path class=\"curve\" stroke=\"{0}\" d=\"M{1:.1f} {2:.1f}V{3:.1f}\"/>"
                "<circle fill=\"{0}\" cx=\"{1:.1f}\" cy=\"{4:.1f}\" r=\"3\"/>\n",
                colour, x_(of.x[i]), y_(of.y_low[i]), y_(of.y_high[i]), y_(of.y[i]));
        }
    }

    // Beneath the title: names in their colours.
    void legend() {
        double at = kTop + 14;
        const bool is_right = plot_.legend == Legend::right;
        const double x = plot_.legend == Legend::left ? kLeft + 8
                         : is_right                   ? right_ - 8
                                                      : right_ + 8;
        for (std::size_t i = 0; i < plot_.lines.size(); ++i) {
            if (plot_.lines[i].name.empty()) continue;
            add("<text class=\"legend\" fill=\"{}\" x=\"{}\" y=\"{}\" "
                "text-anchor=\"{}\">{}</text>\n",
                kColours[i % kColours.size()], x, at, is_right ? "end" : "start",
                escaped(plot_.lines[i].name));
            at += 15;
        }
    }

    const Plot& plot_;
    double right_;  // where the frame ends
    Scale x_;
    Scale y_;
    std::string text_;
};

}  // namespace

std::string to_svg(const Plot& plot) { return Picture(plot).text(); }

std::string escaped(const std::string& text) {
    std::string result;
    for (const char character : text) {
        switch (character) {
            case '&':
                result += "&amp;";
                break;
            case '<':
                result += "&lt;";
                break;
            case '>':
                result += "&gt;";
                break;
            case '"':
                result += "&quot;";
                break;
            default:
                result += character;
        }
    }
    return result;
}

}  // namespace tamis::daemon
