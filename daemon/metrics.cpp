#include "daemon/metrics.hpp"

#include <fmt/format.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "daemon/build_facts.hpp"
#include "daemon/input_metrics.hpp"
#include "daemon/steady_time.hpp"

namespace tamis::daemon {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using streams::Outcome;

using Labels = std::vector<ClientMetric::Label>;

struct Sample {
    Labels labels;
    double value = 0;
};

// Counts are exact in a double up to 2^53.
Sample sample(Labels labels, std::uint64_t value) {
    return {.labels = std::move(labels), .value = static_cast<double>(value)};
}

class Page {
 public:
    void add(std::string name, std::string help, MetricType type,
             const std::vector<Sample>& samples) {
        MetricFamily family{
            .name = std::move(name), .help = std::move(help), .type = type, .metric = {}};
        for (const Sample& each : samples) {
            ClientMetric metric;
            metric.label = each.labels;
            (type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = each.value;
            family.metric.push_back(std::move(metric));
        }
        families_.push_back(std::move(family));
    }
    void counter(std::string name, std::string help, const std::vector<Sample>& samples) {
        add(std::move(name), std::move(help), MetricType::Counter, samples);
    }
    void gauge(std::string name, std::string help, const std::vector<Sample>& samples) {
        add(std::move(name), std::move(help), MetricType::Gauge, samples);
    }
    void add(MetricFamily family) { families_.push_back(std::move(family)); }
    [[nodiscard]] std::string text() const {
        return prometheus::TextSerializer{}.Serialize(families_);
    }

 private:
    std::vector<MetricFamily> families_;
};

void add_fragments(Page& page, const streams::FragmentCounters& counters) {
    page.counter("tamis_fragments_received_total",
                 "Messages handed to the event builder; the sum of tamis_fragments_total.",
                 {sample({}, counters.received)});
    page.counter("tamis_fragments_total", "Fragments by what became of them; each is counted once.",
                 {
                     sample({{"class", "used"}}, counters.used),
                     sample({{"class", "duplicate_same"}}, counters.duplicate_same),
                     sample({{"class", "duplicate_different"}}, counters.duplicate_different),
                     sample({{"class", "duplicate_late"}}, counters.duplicate_late),
                     sample({{"class", "late"}}, counters.late),
                     sample({{"class", "malformed"}}, counters.malformed),
                     sample({{"class", "bad_checksum"}}, counters.bad_checksum),
                     sample({{"class", "unknown_source"}}, counters.unknown_source),
                     sample({{"class", "wrong_run"}}, counters.wrong_run),
                     sample({{"class", "oversize"}}, counters.oversize),
                 });
    page.counter("tamis_fragment_bytes_total", "Bytes of all messages that came whole.",
                 {sample({}, counters.received_bytes)});
}

void add_events(Page& page, const Books& books) {
    page.counter("tamis_events_opened_total",
                 "Events of which a fragment came; the sum of tamis_events_total and "
                 "tamis_events_in_flight.",
                 {sample({}, books.builder.opened)});
    std::vector<Sample> outcomes;
    for (const Outcome outcome :
         {Outcome::accepted, Outcome::rejected, Outcome::debug_incomplete, Outcome::debug_timeout,
          Outcome::debug_malformed, Outcome::debug_crash, Outcome::shed, Outcome::abandoned}) {
        std::string name(streams::to_string(outcome));
        std::replace(name.begin(), name.end(), ' ', '_');
        outcomes.push_back(sample({{"outcome", std::move(name)}}, books.of(outcome)));
    }
    page.counter("tamis_events_total", "Events by outcome; each has exactly one.", outcomes);
    page.counter("tamis_events_complete_masked_total",
                 "Events that were complete without a source that had fallen silent.",
                 {sample({}, books.builder.complete_masked)});
    page.counter("tamis_events_taken_back_total",
                 "Abandoned events that a dispatcher gave to another node.",
                 {sample({}, books.builder.taken_back)});
    page.gauge("tamis_events_in_flight", "Events opened and not yet given an outcome.",
               {sample({}, books.in_flight)});
    page.gauge(
        "tamis_event_window_seconds", "So long an event waits now for its last fragment.",
        {{.labels = {}, .value = static_cast<double>(books.builder.window_ns) * kSecondsPerNs}});
    page.counter("tamis_events_incomplete_total",
                 "Events closed before every source was seen, by cause.",
                 {
                     sample({{"cause", "window_time"}}, books.builder.incomplete_time),
                     sample({{"cause", "window_bytes"}}, books.builder.incomplete_bytes),
                     sample({{"cause", "pool_slots"}}, books.builder.incomplete_slots),
                     sample({{"cause", "end_of_input"}}, books.builder.incomplete_end),
                 });
    std::vector<Sample> deliveries;
    for (const Delivery delivery :
         {Delivery::delivered, Delivery::dropped_full, Delivery::dropped_failed,
          Delivery::dropped_draining, Delivery::dropped_no_output}) {
        deliveries.push_back(
            sample({{"result", std::string(to_string(delivery))}}, books.of(delivery)));
    }
    page.counter("tamis_deliveries_total",
                 "Accepted and debug events by what the outputs did with them.", deliveries);
    const Imbalance imbalance = books.imbalance();
    page.gauge("tamis_books_imbalance",
               "Left minus right side of each equation of the books; must be 0.",
               {
                   {{{"equation", "fragments"}}, static_cast<double>(imbalance.fragments)},
                   {{{"equation", "events"}}, static_cast<double>(imbalance.events)},
                   {{{"equation", "deliveries"}}, static_cast<double>(imbalance.deliveries)},
               });
}

void add_menu(Page& page, const NodeReport& report) {
    std::vector<Sample> paths;
    for (std::size_t i = 0; i < report.menu->paths().size(); ++i) {
        const std::string& name = report.menu->paths()[i].name;
        const PathCounters& counters = report.pipeline.run.paths[i];
        paths.push_back(sample({{"path", name}, {"result", "seeded"}}, counters.seeded));
        paths.push_back(sample({{"path", name}, {"result", "accepted"}}, counters.accepted));
        paths.push_back(
            sample({{"path", name}, {"result", "prescaled_away"}}, counters.prescaled_away));
    }
    page.counter("tamis_path_events_total",
                 "Events by path of the menu: its seed passed, accepted, kept back by the prescale "
                 "alone.",
                 paths);
    const streams::DecisionContext& context = report.menu->context();
    std::vector<Sample> streams;
    for (std::size_t i = 0; i < report.pipeline.run.streams.size(); ++i) {
        streams.push_back(
            sample({{"stream", context.stream_names[i]}}, report.pipeline.run.streams[i].events));
    }
    page.counter("tamis_stream_events_total", "Events selected for each stream of the menu.",
                 streams);
    page.gauge("tamis_menu_info", "The menu in force; always 1.",
               {sample({{"name", report.menu->name()},
                        {"version", report.menu->version()},
                        {"hash", fmt::format("{:016x}", context.menu_hash)}},
                       1)});
    std::vector<Sample> models;
    for (std::size_t i = 0; i < context.model_names.size(); ++i) {
        models.push_back(sample({{"name", context.model_names[i]},
                                 {"hash", fmt::format("{:016x}", context.model_hashes[i])}},
                                1));
    }
    page.gauge("tamis_model_info", "Models of the menu; always 1.", models);
}

void add_sources(Page& page, const NodeReport& report) {
    std::vector<Sample> fragments;
    std::vector<Sample> sequence;
    for (std::size_t i = 0; i < report.pipeline.run.sources.size(); ++i) {
        const std::string& name = report.deployment->input.sources[i].name;
        const streams::SourceCounters& counters = report.pipeline.run.sources[i];
        const auto fragment = [&](const char* what, std::uint64_t value) {
            fragments.push_back(sample({{"source", name}, {"class", what}}, value));
        };
        fragment("received", counters.received);
        fragment("used", counters.used);
        fragment("duplicate", counters.duplicates);
        fragment("late", counters.late);
        sequence.push_back(
            sample({{"source", name}, {"event", "missing"}}, counters.sequence_missing));
        sequence.push_back(
            sample({{"source", name}, {"event", "reordered"}}, counters.sequence_reordered));
        sequence.push_back(
            sample({{"source", name}, {"event", "repeated"}}, counters.sequence_repeated));
    }
    page.counter("tamis_source_fragments_total",
                 "Decoded fragments of each source: all received, and what became of them.",
                 fragments);
    page.counter("tamis_source_sequence_total",
                 "Sequence numbers of each source that were jumped over, those of them that came "
                 "after all, and numbers that came again.",
                 sequence);
}

void add_outputs(Page& page, const NodeReport& report) {
    std::vector<Sample> events;
    std::vector<Sample> bytes;
    for (std::size_t i = 0; i < report.pipeline.outputs.size(); ++i) {
        const std::string& name = report.deployment->outputs[i].name;
        const OutputCounters& counters = report.pipeline.outputs[i];
        const auto event = [&](const char* what, std::uint64_t value) {
            events.push_back(sample({{"output", name}, {"result", what}}, value));
        };
        event("delivered", counters.delivered);
        event("dropped_full", counters.dropped_full);
        event("dropped_failed", counters.dropped_failed);
        event("dropped_draining", counters.dropped_draining);
        event("blocked", counters.blocked);
        bytes.push_back(sample({{"output", name}}, counters.delivered_bytes));
    }
    page.counter("tamis_output_events_total",
                 "Events of each output by what it did with them; blocked counts tries that found "
                 "it full and were repeated.",
                 events);
    page.counter("tamis_output_bytes_total", "Bytes that each output took.", bytes);
}

void add_latency(Page& page, const LatencyHistogram& latency) {
    constexpr std::array<std::uint64_t, 3> kSteps = {1, 2, 5};
    constexpr std::uint64_t kFirstNs = 1'000;
    constexpr std::uint64_t kLastNs = 10'000'000'000;
    ClientMetric metric;
    metric.histogram.sample_count = latency.count();
    metric.histogram.sample_sum = static_cast<double>(latency.sum_ns()) * kSecondsPerNs;
    for (std::uint64_t decade = kFirstNs; decade < kLastNs; decade *= 10) {
        for (const std::uint64_t step : kSteps) {
            metric.histogram.bucket.push_back(
                {.cumulative_count = latency.count_at_most(decade * step),
                 .upper_bound = static_cast<double>(decade * step) * kSecondsPerNs});
        }
    }
    metric.histogram.bucket.push_back({.cumulative_count = latency.count(),
                                       .upper_bound = std::numeric_limits<double>::infinity()});
    page.add({.name = "tamis_decision_latency_seconds",
              .help = "From an event's last fragment to its decision; incomplete events excluded.",
              .type = MetricType::Histogram,
              .metric = {metric}});
}

void add_threads(Page& page, const NodeReport& report) {
    const TimeAccount& time = report.pipeline.run.time;
    const auto seconds = [](std::uint64_t ns) { return static_cast<double>(ns) * kSecondsPerNs; };
    page.counter("tamis_time_seconds_total",
                 "Time by state of the receiving stage: live (ready, idle), busy (ready, working), "
                 "dead (no room for another event).",
                 {
                     {{{"state", "live"}}, seconds(time.live_ns)},
                     {{{"state", "busy"}}, seconds(time.busy_ns)},
                     {{{"state", "dead"}}, seconds(time.dead_ns)},
                 });
    std::vector<Sample> busy;
    std::vector<Sample> longest;
    for (const ThreadReport& thread : report.threads) {
        busy.push_back({{{"thread", thread.name}}, seconds(thread.cycles.busy_ns)});
        longest.push_back({{{"thread", thread.name}}, seconds(thread.cycles.longest_ns)});
    }
    page.counter("tamis_thread_busy_seconds_total", "Time each thread spent in cycles with work.",
                 busy);
    page.gauge("tamis_thread_longest_cycle_seconds",
               "The longest cycle of each thread since the start.", longest);
    std::vector<Sample> events;
    std::vector<Sample> batches;
    for (std::size_t i = 0; i < report.pipeline.workers.size(); ++i) {
        const Labels worker = {{"worker", std::to_string(i)}};
        events.push_back(sample(worker, report.pipeline.workers[i].events));
        batches.push_back(sample(worker, report.pipeline.workers[i].batches));
    }
    page.counter("tamis_worker_events_total", "Events each worker decided.", events);
    page.counter("tamis_worker_batches_total",
                 "Batches each worker decided; events over batches is the mean batch.", batches);
}

}  // namespace

std::string metrics_text(const NodeReport& report) {
    Page page;
    page.gauge("tamis_build_info", "The running program; always 1.",
               {sample({{"version", std::string(build_version())},
                        {"compiler", std::string(build_compiler())}},
                       1)});
    page.gauge("tamis_run_number", "Run of the fragments; 0 before the first.",
               {sample({}, report.pipeline.run.run)});
    page.gauge("tamis_run_state", "State of the run; 1 for the one in force.", [&] {
        std::vector<Sample> states;
        for (const RunState state :
             {RunState::configured, RunState::running, RunState::draining, RunState::stopped}) {
            states.push_back(
                sample({{"state", std::string(to_string(state))}}, state == report.state ? 1 : 0));
        }
        return states;
    }());
    add_fragments(page, report.pipeline.run.books.fragments);
    add_events(page, report.pipeline.run.books);
    add_menu(page, report);
    add_sources(page, report);
    for (prometheus::MetricFamily& family : input_metrics(report)) {
        page.add(std::move(family));
    }
    add_outputs(page, report);
    add_latency(page, report.pipeline.run.decision_latency);
    add_threads(page, report);
    return page.text();
}

}  // namespace tamis::daemon
