#include "daemon/evaluation/evaluation_page.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>
#include <span>

#include "daemon/evaluation/calibration_section.hpp"
#include "daemon/evaluation/evaluation_plots.hpp"
#include "daemon/evaluation/seed_filter_section.hpp"
#include "daemon/evaluation/svg_plot.hpp"
#include "models/vae/published_results.hpp"

namespace tamis::daemon {

namespace {

constexpr const char* kStyle = R"(
body{font:15px/1.5 system-ui,sans-serif;color:#222;background:#fff;max-width:1340px;margin:2em auto;padding:0 1em}
h1{font-size:1.6em;margin:0}h2{font-size:1.2em;margin:1.6em 0 .4em;border-bottom:1px solid #ddd}h3{font-size:1em;margin:1em 0 .2em}
table{border-collapse:collapse;margin:.4em 0}td,th{padding:.15em .8em;text-align:right;border-bottom:1px solid #eee}
td:first-child,th:first-child{text-align:left}.wide{overflow-x:auto}small{color:#666}td small{white-space:nowrap}
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(560px,100%),1fr));gap:1em}
svg{width:100%;height:auto}svg text{font-size:12px}svg .title{font-size:14px;font-weight:600}
.grid{stroke:#e6e6e6}.mark{stroke:#666;stroke-dasharray:2 3}.curve{fill:none;stroke-width:1.6}.tick{fill:#555}
.legend{paint-order:stroke;stroke:#fff;stroke-width:4px}
pre{background:#f6f6f6;padding:.6em;overflow-x:auto;font-size:13px}dt{font-weight:600}dd{margin:0 0 .3em 1.5em}
)";

class Page {
 public:
    Page(const models::Model& model, const ModelEvaluation& evaluation)
        : manifest_(model.manifest()), hash_(model.hash()), evaluation_(evaluation) {}

    [[nodiscard]] std::string text(const ReportParts& parts, const EvaluationOrigin& origin) {
        add("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
            "<meta name=\"viewport\" content=\"width=device-width\"><title>{0}</title>"
            "<style>{1}</style></head><body>\n<h1>{0}</h1>\n"
            "<small>model of kind {2}, version {3}, hash {4:016x}</small>\n",
            escaped(manifest_.name), kStyle, escaped(manifest_.kind), escaped(manifest_.version),
            hash_);
        working_points();
        composition();
        rejections();
        if (manifest_.kind == "seed_filter") text_ += seed_filter_section(evaluation_);
        plots();
        if (parts.baselines) text_ += baseline_section(*parts.baselines);
        if (parts.contamination) text_ += contamination_section(*parts.contamination);
        text_ += calibration_section(manifest_, evaluation_);
        inputs(parts.ranking);
        removal(parts.removal);
        provenance(origin);
        text_ += "</body></html>\n";
        return std::move(text_);
    }

 private:
    template <class... Values>
    void add(fmt::format_string<Values...> format, Values&&... values) {
        fmt::format_to(std::back_inserter(text_), format, std::forward<Values>(values)...);
    }

    static std::string with_error(const Fraction& fraction) {
        return fmt::format("{:.3g} <small>{:.2g} to {:.2g}</small>", fraction.value,
                           fraction.interval.low, fraction.interval.high);
    }

    // Fraction of each process that each working point accepts.
    void working_points() {
        text_ +=
            "<h2>Confusion by process: accepted at each working point</h2>\n<div "
            "class=\"wide\"><table>"
            "<tr><th>sample</th><th>rows</th><th>without score</th><th>ROC area</th>";
        for (const auto& point : manifest_.working_points) {
            add("<th>{}</th>", escaped(point.name));
        }
        text_ += "</tr>\n";
        for (const auto& sample : evaluation_.samples) {
            add("<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td>", escaped(sample.name),
                sample.events, sample.unscored,
                sample.roc_area ? fmt::format("{:.4f}", *sample.roc_area) : "background");
            for (const auto& fraction : sample.working_points) {
                add("<td>{}</td>", with_error(fraction));
            }
            text_ += "</tr>\n";
        }
        text_ += "</table></div>\n<small>with 95 % intervals (Clopper and Pearson)</small>\n";
    }

    [[nodiscard]] bool accepts_any(std::size_t point) const {
        return std::ranges::any_of(evaluation_.composition, [point](const AcceptedShares& process) {
            return process.shares[point] > 0;
        });
    }

    // As the published table: which processes the accepted background is made of.
    void composition() {
        if (evaluation_.composition.empty()) return;
        text_ +=
            "<h3>What the accepted background is made of</h3>\n<div class=\"wide\"><table>"
            "<tr><th>process</th><th>all</th>";
        for (const auto& point : manifest_.working_points) {
            add("<th>{}</th>", escaped(point.name));
        }
        text_ += "<th>published at 5.38e-6</th></tr>\n";
        for (const AcceptedShares& process : evaluation_.composition) {
            add("<tr><td>{}</td><td>{:.1f} %</td>", escaped(process.process), 100 * process.weight);
            for (std::size_t at = 0; at < process.shares.size(); ++at) {
                if (accepts_any(at)) {
                    add("<td>{:.1f} %</td>", 100 * process.shares[at]);
                } else {
                    text_ += "<td>none</td>";
                }
            }
            const auto* const published =
                std::ranges::find(models::vae::kPublishedShares, process.process,
                                  &models::vae::PublishedShare::process);
            add("<td>{}</td></tr>\n", published == models::vae::kPublishedShares.end()
                                          ? ""
                                          : fmt::format("{:.0f} %", 100 * published->share));
        }
        text_ +=
            "</table></div>\n<small>each process's accepted fraction above times its part of the "
            "mix</small>\n";
    }

    void rejections() {
        if (evaluation_.samples.size() < 2) return;
        text_ +=
            "<h2>Signal efficiency at fixed background rejection</h2>\n<div class=\"wide\">"
            "<table><tr><th>sample</th>";
        for (const auto& at : evaluation_.samples.back().at_rejection) {
            add("<th>{:g} %</th>", 100 * at.rejection);
        }
        text_ += "</tr>\n";
        for (const auto& sample : std::span(evaluation_.samples).subspan(1)) {
            add("<tr><td>{}</td>", escaped(sample.name));
            for (const auto& at : sample.at_rejection)
                add("<td>{}</td>", with_error(at.efficiency));
            text_ += "</tr>\n";
        }
        text_ += "</table></div>\n";
    }

    void plots() {
        text_ += "<h2>Curves</h2>\n<div class=\"plots\">\n";
        if (evaluation_.samples.size() > 1) text_ += to_svg(roc_plot(evaluation_));
        text_ += to_svg(score_plot(evaluation_, manifest_));
        for (const auto& dependence : evaluation_.dependences) {
            text_ += to_svg(dependence_plot(dependence, evaluation_));
        }
        const Plot training = training_plot(manifest_.provenance.report);
        if (!training.lines.empty()) text_ += to_svg(training);
        text_ += "</div>\n";
    }

    void inputs(std::span<const RankedInput> ranking) {
        if (ranking.empty()) return;
        text_ +=
            "<h2>Inputs, by how much the ROC area falls without them</h2>\n<table>"
            "<tr><th>input</th><th>values</th><th>area lost</th></tr>\n";
        for (const auto& input : ranking) {
            add("<tr><td>{}</td><td>{}</td><td>{:.4f}</td></tr>\n", escaped(input.name),
                input.inputs, input.area_loss);
        }
        text_ +=
            "</table>\n<small>each exchanged between rows at random; mean over the "
            "signals</small>\n";
    }

    void removal(const std::vector<RemovedInput>& removed) {
        if (removed.empty()) return;
        text_ +=
            "<h2>Inputs, taken away one after the other</h2>\n<table><tr><th>removed</th>"
            "<th>values</th><th>ROC area left</th></tr>\n";
        for (const auto& input : removed) {
            add("<tr><td>{}</td><td>{}</td><td>{:.4f}</td></tr>\n", escaped(input.name),
                input.inputs, input.area_left);
        }
        text_ +=
            "</table>\n<small>each time the input that is missed least of those left, until none "
            "is; a removed input has the background's median in every row, the model is not "
            "trained anew; mean over the signals</small>\n";
    }

    void provenance(const EvaluationOrigin& origin) {
        const auto& made = manifest_.provenance;
        text_ += "<h2>Where it comes from</h2>\n<dl>\n";
        const auto entry = [&](const char* name, const std::string& value) {
            if (!value.empty()) add("<dt>{}</dt><dd>{}</dd>\n", name, escaped(value));
        };
        entry("evaluated by", origin.command);
        entry("on", origin.data);
        entry("with", origin.build);
        entry("model made by", made.command);
        entry("from", made.data);
        entry("seed", std::to_string(made.seed));
        entry("built with", made.build);
        for (const auto& network : manifest_.networks) {
            entry(escaped(network.file).c_str(), "SHA-256 " + network.sha256);
        }
        text_ += "</dl>\n";
        if (made.report.empty()) return;
        text_ += "<h2>Report of the training</h2>\n<pre>";
        for (const auto& line : made.report) add("{}\n", escaped(line));
        text_ += "</pre>\n";
    }

    const models::Manifest& manifest_;
    std::uint64_t hash_;
    const ModelEvaluation& evaluation_;
    std::string text_;
};

}  // namespace

std::string evaluation_page(const models::Model& model, const ModelEvaluation& evaluation,
                            const ReportParts& parts, const EvaluationOrigin& origin) {
    return Page(model, evaluation).text(parts, origin);
}

}  // namespace tamis::daemon
