#include "daemon/evaluation/baseline_section.hpp"

#include <fmt/core.h>

#include <array>
#include <iterator>

#include "daemon/evaluation/svg_plot.hpp"
#include "models/vae/published_results.hpp"

namespace tamis::daemon {

namespace {

using Json = nlohmann::ordered_json;
using models::vae::find_published;
using models::vae::kPublishedFractions;
using models::vae::PublishedCurve;

// Why ours and the published figures differ: what is known of it.
constexpr std::array kDifferences = {
    "The samples differ. Published: Pythia 8 and Delphes. Ours: a parametric generator whose "
    "features "
    "were compared with the published histograms, process by process; correlations between "
    "features "
    "are those of its kinematics. The published network itself, weights and all, has areas of .94, "
    ".85, .73 and .92 on our events (published .91, .85, .75, .92; streams/synthetic).",
    "The training differs. Published: 3.45 million events of raw features, 159 epochs, a "
    "divergence "
    "that is not the Kullback-Leibler one. Ours: features and outputs scaled while learning, the "
    "exact "
    "divergence. The columns kl therefore mean different things, and ours of the divergence alone "
    "is "
    "far weaker.",
    "Published scores draw z at random each time; ours take its mean, so an event always scores "
    "alike.",
    "The published autoencoder and PCA take raw features; ours are shown for raw and for "
    "standardised "
    "ones. How many components the published PCA keeps is not said; ours keeps as many as the "
    "autoencoder's middle is wide.",
    "The published supervised bounds are boosted trees (150, depth 3; not built here) and a "
    "network "
    "of unpublished size; ours is a network like the encoder, of fewer events.",
};

template <class... Values>
void add(std::string& text, fmt::format_string<Values...> format, Values&&... values) {
    fmt::format_to(std::back_inserter(text), format, std::forward<Values>(values)...);
}

std::string published_efficiency(const PublishedCurve* published, double fraction) {
    if (published == nullptr) return {};
    for (std::size_t i = 0; i < kPublishedFractions.size(); ++i) {
        if (kPublishedFractions[i] == fraction && published->efficiency[i]) {
            return fmt::format("<br><small>published {:.3g}</small>", *published->efficiency[i]);
        }
    }
    return {};
}

void signal_table(const BaselineComparison& comparison, std::size_t signal, std::string& text) {
    const std::string& name = comparison.signals[signal];
    add(text,
        "<h3>{}</h3>\n<div class=\"wide\"><table><tr><th>score</th><th>ROC area</th>"
        "<th>published</th><th>lead of the VAE</th>",
        escaped(name));
    for (const double fraction : comparison.fractions) add(text, "<th>at {:g}</th>", fraction);
    text += "</tr>\n";
    for (const ComparedMethod& method : comparison.methods) {
        const MethodOnSignal& on = method.by_signal[signal];
        const auto* const published = find_published(method.method, name);
        add(text,
            "<tr><td>{}</td><td>{:.4f} <small>&plusmn; {:.4f}</small></td><td>{}</td><td>{}</td>",
            escaped(method.name), on.area, on.area_error,
            published == nullptr ? "" : fmt::format("{:.4f}", published->area),
            &method == comparison.methods.data()
                ? ""
                : fmt::format("{:+.4f} <small>&plusmn; {:.4f}</small>", on.lead, on.lead_error));
        for (std::size_t at = 0; at < on.efficiencies.size(); ++at) {
            const EfficiencyAt& efficiency = on.efficiencies[at];
            add(text, "<td>{:.3g} <small>{:.2g} to {:.2g}</small>{}</td>",
                efficiency.efficiency.value, efficiency.with_threshold.low,
                efficiency.with_threshold.high,
                published_efficiency(published, comparison.fractions[at]));
        }
        text += "</tr>\n";
    }
    if (const auto* const trees = find_published("bdt", name); trees != nullptr) {
        add(text,
            "<tr><td>boosted trees, supervised</td><td>not built</td><td>{:.4f}</td><td></td>",
            trees->area);
        for (const double fraction : comparison.fractions) {
            add(text, "<td>{}</td>", published_efficiency(trees, fraction));
        }
        text += "</tr>\n";
    }
    text += "</table></div>\n";
}

Plot comparison_plot(const BaselineComparison& comparison, std::size_t signal) {
    const double one = 1.0 / static_cast<double>(comparison.background_events);
    Plot plot{.title = "ROC of every score: " + comparison.signals[signal],
              .x = {"background fraction accepted", true, one, 1},
              .y = {"signal efficiency", true, 1e-4, 1},
              .legend = Legend::beside};
    for (const ComparedMethod& method : comparison.methods) {
        PlotLine line{.name = method.name, .is_dashed = method.knows_signals};
        for (const RocPoint& point : method.by_signal[signal].roc) {
            line.x.push_back(point.background);
            line.y.push_back(point.signal);
        }
        plot.lines.push_back(std::move(line));
    }
    return plot;
}

}  // namespace

std::string baseline_section(const BaselineComparison& comparison) {
    std::string text = "<h2>Beside what it has to beat</h2>\n";
    add(text,
        "<p>All scores of the same {} background events and the same signal events. Errors of "
        "areas "
        "and of their differences are those of DeLong et al.; intervals of efficiencies cover with "
        "95 % the signal's count at either end of the threshold's own 95 % interval.</p>\n",
        comparison.background_events);
    for (std::size_t signal = 0; signal < comparison.signals.size(); ++signal) {
        signal_table(comparison, signal, text);
    }
    text += "<div class=\"plots\">\n";
    for (std::size_t signal = 0; signal < comparison.signals.size(); ++signal) {
        text += to_svg(comparison_plot(comparison, signal));
    }
    text +=
        "</div>\n<h3>Where the VAE's score does not beat a score that knows no signal</h3>\n<ul>\n";
    for (const std::string& verdict : comparison.verdicts) {
        add(text, "<li>{}</li>\n", escaped(verdict));
    }
    if (comparison.verdicts.empty()) text += "<li>nowhere on these samples</li>\n";
    text += "</ul>\n<h3>The scores</h3>\n<dl>\n";
    for (const ComparedMethod& method : comparison.methods) {
        add(text, "<dt>{}</dt><dd>{}</dd>\n", escaped(method.name), escaped(method.how));
    }
    text += "</dl>\n<h3>Why ours and the published figures differ</h3>\n<ul>\n";
    for (const char* const difference : kDifferences) add(text, "<li>{}</li>\n", difference);
    return text + "</ul>\n";
}

Json baseline_json(const BaselineComparison& comparison) {
    Json json{{"background_events", comparison.background_events},
              {"fractions", comparison.fractions},
              {"methods", Json::array()},
              {"not_beaten", comparison.verdicts}};
    for (const ComparedMethod& method : comparison.methods) {
        Json entry{{"name", method.name}, {"knows_signals", method.knows_signals}};
        for (std::size_t signal = 0; signal < comparison.signals.size(); ++signal) {
            const MethodOnSignal& on = method.by_signal[signal];
            Json of{{"signal", comparison.signals[signal]},
                    {"roc_area", on.area},
                    {"roc_area_error", on.area_error},
                    {"lead", on.lead},
                    {"lead_error", on.lead_error}};
            if (const auto* const published =
                    find_published(method.method, comparison.signals[signal]);
                published != nullptr) {
                of["published_roc_area"] = published->area;
            }
            for (const EfficiencyAt& at : on.efficiencies) {
                of["efficiencies"].push_back({{"value", at.efficiency.value},
                                              {"low", at.with_threshold.low},
                                              {"high", at.with_threshold.high}});
            }
            entry["signals"].push_back(std::move(of));
        }
        json["methods"].push_back(std::move(entry));
    }
    return json;
}

std::string contamination_section(const ContaminationStudy& study) {
    std::string text = "<h2>Signal in the training sample</h2>\n";
    add(text,
        "<p>The VAE trained anew on {} events for {} epochs, with some of them {}, and judged on "
        "the same events each time.</p>\n<div class=\"wide\"><table><tr><th>fraction</th>"
        "<th>events</th><th>ROC area</th><th>change</th>",
        study.training_events, study.options.epochs, escaped(study.signal));
    for (const double fraction : study.options.background_fractions) {
        add(text, "<th>efficiency at {:g}</th>", fraction);
    }
    text += "</tr>\n";
    for (const auto& training : study.trainings) {
        add(text,
            "<tr><td>{:g}</td><td>{}</td><td>{:.4f} <small>&plusmn; {:.4f}</small></td>"
            "<td>{:+.4f} <small>&plusmn; {:.4f}</small></td>",
            training.fraction, training.signal_events, training.area, training.area_error,
            training.change, training.change_error);
        for (const double efficiency : training.efficiencies) {
            add(text, "<td>{:.3g}</td>", efficiency);
        }
        text += "</tr>\n";
    }
    text += "</table></div>\n<small>published, A to four leptons, efficiency at 5.38e-6:";
    for (const auto& [fraction, efficiency] : models::vae::kPublishedContamination) {
        add(text, " {:g} at a fraction of {:g};", efficiency, fraction);
    }
    return text + " the errors are those of the samples judged, not of another training</small>\n";
}

Json contamination_json(const ContaminationStudy& study) {
    Json json{{"signal", study.signal},
              {"training_events", study.training_events},
              {"background_fractions", study.options.background_fractions},
              {"trainings", Json::array()}};
    for (const auto& training : study.trainings) {
        json["trainings"].push_back({{"fraction", training.fraction},
                                     {"signal_events", training.signal_events},
                                     {"roc_area", training.area},
                                     {"roc_area_error", training.area_error},
                                     {"change", training.change},
                                     {"change_error", training.change_error},
                                     {"efficiencies", training.efficiencies}});
    }
    return json;
}

}  // namespace tamis::daemon
