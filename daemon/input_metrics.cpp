#include "daemon/input_metrics.hpp"

#include <array>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include "daemon/steady_time.hpp"

namespace tamis::daemon {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using streams::LinkReceiverCounters;
using streams::SourceCounters;

ClientMetric counted(std::vector<ClientMetric::Label> labels, MetricType type, double value) {
    ClientMetric metric;
    metric.label = std::move(labels);
    (type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
    return metric;
}

// One value of each source.
struct SourceMetric {
    const char* name;
    const char* help;
    MetricType type;
    double (*value)(const SourceCounters&);
};

constexpr std::array kSourceMetrics = {
    SourceMetric{"tamis_source_lost_fragments",
                 "Sequence numbers of each source that never came, between its first and its last: "
                 "not sent, damaged or lost on the way.",
                 MetricType::Gauge,
                 [](const SourceCounters& source) { return static_cast<double>(source.lost()); }},
    SourceMetric{"tamis_source_gaps_total", "Jumps in the sequence numbers of each source.",
                 MetricType::Counter,
                 [](const SourceCounters& source) { return static_cast<double>(source.gaps); }},
    SourceMetric{
        "tamis_source_longest_gap", "Most numbers that a source jumped over at once.",
        MetricType::Gauge,
        [](const SourceCounters& source) { return static_cast<double>(source.longest_gap); }},
    SourceMetric{"tamis_source_absent_events_total",
                 "Events that were closed incomplete without each source.", MetricType::Counter,
                 [](const SourceCounters& source) { return static_cast<double>(source.absent); }},
    SourceMetric{"tamis_source_excused_events_total",
                 "Events that were complete without each source, which had fallen silent.",
                 MetricType::Counter,
                 [](const SourceCounters& source) { return static_cast<double>(source.excused); }},
    SourceMetric{"tamis_source_fell_silent_total", "How often each source was masked.",
                 MetricType::Counter,
                 [](const SourceCounters& source) { return static_cast<double>(source.masked); }},
    SourceMetric{
        "tamis_source_masked", "1 while a source is masked because it has fallen silent.",
        MetricType::Gauge,
        [](const SourceCounters& source) { return static_cast<double>(source.is_masked); }},
};

ClientMetric delays(const SourceCounters& source, const std::string& name) {
    ClientMetric metric;
    metric.label = {{"source", name}};
    metric.histogram.sample_count = source.used;
    metric.histogram.sample_sum = static_cast<double>(source.delay_sum_ns) * kSecondsPerNs;
    std::uint64_t cumulative = 0;
    double bound = 1e-6;
    for (std::size_t i = 0; i < SourceCounters::kDelayBuckets; ++i, bound *= 4) {
        cumulative += source.delays[i];
        const bool is_last = i + 1 == SourceCounters::kDelayBuckets;
        metric.histogram.bucket.push_back(
            {.cumulative_count = cumulative,
             .upper_bound = is_last ? std::numeric_limits<double>::infinity() : bound});
    }
    return metric;
}

void add_sources(const NodeReport& report, std::vector<MetricFamily>& families) {
    const auto& sources = report.pipeline.run.sources;
    for (const SourceMetric& each : kSourceMetrics) {
        MetricFamily family{.name = each.name, .help = each.help, .type = each.type, .metric = {}};
        for (std::size_t i = 0; i < sources.size(); ++i) {
            family.metric.push_back(counted({{"source", report.deployment->input.sources[i].name}},
                                            each.type, each.value(sources[i])));
        }
        families.push_back(std::move(family));
    }
    MetricFamily family{.name = "tamis_source_delay_seconds",
                        .help =
                            "How long after the event's first fragment that of each source "
                            "came, of fragments that were used.",
                        .type = MetricType::Histogram,
                        .metric = {}};
    for (std::size_t i = 0; i < sources.size(); ++i) {
        family.metric.push_back(delays(sources[i], report.deployment->input.sources[i].name));
    }
    families.push_back(std::move(family));
}

struct LinkClass {
    const char* name;
    std::uint64_t LinkReceiverCounters::*count;
};

constexpr std::array kLinkClasses = {
    LinkClass{"delivered", &LinkReceiverCounters::delivered},
    LinkClass{"duplicate", &LinkReceiverCounters::duplicates},
    LinkClass{"beyond", &LinkReceiverCounters::beyond},
    LinkClass{"damaged", &LinkReceiverCounters::damaged},
    LinkClass{"malformed", &LinkReceiverCounters::malformed},
    LinkClass{"unknown_peer", &LinkReceiverCounters::unknown_peer},
    LinkClass{"refused", &LinkReceiverCounters::refused},
};

void add_links(const NodeReport& report, std::vector<MetricFamily>& families) {
    MetricFamily messages{.name = "tamis_link_messages_total",
                          .help =
                              "Messages of the sources at each reliable endpoint by what became "
                              "of them; only delivered ones reach the event builder.",
                          .type = MetricType::Counter,
                          .metric = {}};
    MetricFamily received{.name = "tamis_link_received_total",
                          .help = "Messages of any kind at each reliable endpoint.",
                          .type = MetricType::Counter,
                          .metric = {}};
    MetricFamily resends{.name = "tamis_link_resend_requests_total",
                         .help = "How often each reliable endpoint asked for lost messages.",
                         .type = MetricType::Counter,
                         .metric = {}};
    MetricFamily opened{.name = "tamis_link_opened_total",
                        .help = "Incarnations of sources that each reliable endpoint has met.",
                        .type = MetricType::Counter,
                        .metric = {}};
    for (std::size_t i = 0; i < report.input_links.size(); ++i) {
        const LinkReceiverCounters& link = report.input_links[i];
        const std::string& endpoint = report.input_endpoints[i];
        const auto count = [&](std::uint64_t value) {
            return counted({{"endpoint", endpoint}}, MetricType::Counter,
                           static_cast<double>(value));
        };
        for (const LinkClass& each : kLinkClasses) {
            messages.metric.push_back(counted({{"endpoint", endpoint}, {"class", each.name}},
                                              MetricType::Counter,
                                              static_cast<double>(link.*each.count)));
        }
        received.metric.push_back(count(link.received));
        resends.metric.push_back(count(link.resend_requests));
        opened.metric.push_back(count(link.opened));
    }
    if (!report.input_links.empty()) {
        for (MetricFamily* family : {&messages, &received, &resends, &opened}) {
            families.push_back(std::move(*family));
        }
    }
}

void add_admissions(const NodeReport& report, std::vector<MetricFamily>& families) {
    MetricFamily connections{.name = "tamis_link_connections_total",
                             .help =
                                 "Connections to each endpoint with keys by what became of them; "
                                 "only admitted ones can send or receive.",
                             .type = MetricType::Counter,
                             .metric = {}};
    for (const streams::LinkAdmissions& link : report.admissions) {
        const auto add = [&](std::string_view name, std::uint64_t value) {
            connections.metric.push_back(
                counted({{"endpoint", link.endpoint}, {"class", std::string(name)}},
                        MetricType::Counter, static_cast<double>(value)));
        };
        add("admitted", link.admitted);
        for (std::size_t i = 0; i < streams::kRefusals; ++i) {
            add(to_string(static_cast<streams::Refusal>(i)), link.refused[i]);
        }
    }
    if (!report.admissions.empty()) {
        families.push_back(std::move(connections));
    }
}

void add_cut_connections(const NodeReport& report, std::vector<MetricFamily>& families) {
    MetricFamily cut{
        .name = "tamis_link_cut_connections_total",
        .help =
            "Connections cut at each endpoint because the peer took too much memory: a "
            "message without an end, or more unread than link_bytes.",
        .type = MetricType::Counter,
        .metric = {}};
    for (std::size_t i = 0; i < report.cut_connections.size(); ++i) {
        cut.metric.push_back(counted({{"endpoint", report.input_endpoints[i]}}, MetricType::Counter,
                                     static_cast<double>(report.cut_connections[i])));
    }
    families.push_back(std::move(cut));
}

}  // namespace

std::vector<MetricFamily> input_metrics(const NodeReport& report) {
    std::vector<MetricFamily> families;
    add_sources(report, families);
    add_links(report, families);
    add_admissions(report, families);
    add_cut_connections(report, families);
    return families;
}

}  // namespace tamis::daemon
