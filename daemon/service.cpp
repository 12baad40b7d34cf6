#include "daemon/service.hpp"

#include <pthread.h>
#include <signal.h>
#include <sysexits.h>

#include <chrono>
#include <cstdio>
#include <utility>

#include "config/deployment_warnings.hpp"
#include "daemon/logging.hpp"
#include "daemon/metrics.hpp"
#include "daemon/run_summary.hpp"
#include "daemon/steady_time.hpp"
#include "streams/whole_file.hpp"

namespace tamis::daemon {
namespace {

constexpr long kWatchNs = 20'000'000;  // how soon a drained pipeline is noticed
constexpr std::uint64_t kBooksCheckNs = 1'000'000'000;
// The last part of the time to drain belongs to the sockets and files that still hold something.
constexpr std::uint64_t kDrainSharePercent = 80;

sigset_t stop_signals() {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    return signals;
}

std::optional<int> wait_for_signal() {
    const sigset_t signals = stop_signals();
    const timespec limit{.tv_sec = 0, .tv_nsec = kWatchNs};
    const int signal = sigtimedwait(&signals, nullptr, &limit);
    return signal > 0 ? std::optional(signal) : std::nullopt;
}

std::int64_t unix_time_ns() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

std::string joined(const std::vector<std::string>& list) {
    std::string text;
    for (const std::string& element : list) {
        text.append(text.empty() ? "" : ",").append(element);
    }
    return text;
}

}  // namespace

Service::Service(NodeConfiguration configuration) : configuration_(std::move(configuration)) {}

Service::~Service() {
    server_.reset();  // its thread reads the rest
    threads_.reset();
}

tl::expected<std::unique_ptr<Service>, StartFailure> Service::build(
    NodeConfiguration configuration) {
    const sigset_t signals = stop_signals();
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    set_log_level(configuration.deployment.monitoring.log_level);
    std::unique_ptr<Service> service(new Service(std::move(configuration)));
    return service->open().map([&] { return std::move(service); });
}

tl::expected<void, StartFailure> Service::open() {
    const config::Deployment& deployment = configuration_.deployment;
    for (const std::string& warning : config::warnings_of(deployment)) {
        log(LogLevel::warning, "deployment", {{"warning", warning}});
    }
    auto links = NodeLinks::open(deployment, configuration_.menu);
    if (!links) {
        return tl::unexpected(links.error());
    }
    links_ = std::move(*links);
    const Pipeline::Config event_path = pipeline_config(deployment);
    auto ended = open_ledger(event_path.builder.history_events);
    if (!ended) {
        return tl::unexpected(ended.error());
    }
    pipeline_ =
        std::make_unique<Pipeline>(event_path, Pipeline::Ports{.menu = configuration_.menu.compiled,
                                                               .input = links_->input(),
                                                               .outputs = links_->routes(),
                                                               .ledger = ledger_.get(),
                                                               .ended = *ended});
    if (!deployment.monitoring.enabled) {
        return {};
    }
    ControlServer::Config config;
    config.address = deployment.monitoring.address;
    config.port = deployment.monitoring.port;
    auto server = ControlServer::start(std::move(config),
                                       [this](std::string_view path) { return answer(path); });
    if (!server) {
        return tl::unexpected(StartFailure{.exit_status = EX_UNAVAILABLE,
                                           .text = "monitoring: " + server.error() + "\n"});
    }
    const std::lock_guard lock(told_);
    server_ = std::move(*server);
    return {};
}

// The events that earlier processes ended last, as many as the builder remembers.
tl::expected<std::vector<streams::EventKey>, StartFailure> Service::open_ledger(
    std::size_t remembered) {
    std::vector<streams::EventKey> ended;
    const std::string& path = configuration_.deployment.ledger;
    if (path.empty()) {
        return ended;
    }
    auto ledger =
        streams::VerdictLedger::open(path, remembered, [&](const streams::Verdict& verdict) {
            ended.push_back({.run = verdict.run, .event = verdict.event});
        });
    if (!ledger) {
        return tl::unexpected(
            StartFailure{.exit_status = EX_CANTCREAT, .text = "ledger: " + ledger.error() + "\n"});
    }
    ledger_ = *std::move(ledger);
    const streams::LedgerEnd& found = ledger_->found();
    if (found.blocks > 0) {
        log(LogLevel::info, "ledger continues",
            {{"file", path},
             {"verdicts", std::to_string(found.verdicts)},
             {"torn_bytes", std::to_string(found.torn_bytes)}});
    }
    return ended;
}

tl::expected<void, StartFailure> Service::announce(
    const std::optional<std::filesystem::path>& ready_file) const {
    const NodeReport told = report();
    std::printf("tamisd: input %s", joined(told.input_endpoints).c_str());
    if (told.monitoring_port != 0) {
        std::printf(", monitoring http://%s:%u/metrics",
                    configuration_.deployment.monitoring.address.c_str(), told.monitoring_port);
    }
    std::printf("\n");
    std::fflush(stdout);
    if (!ready_file) {
        return {};
    }
    return streams::write_whole_file(*ready_file, ready_text(told))
        .map_error([](const std::string& error) {
            return StartFailure{.exit_status = EX_IOERR, .text = "ready file: " + error + "\n"};
        });
}

int Service::run() {
    const config::Deployment& deployment = configuration_.deployment;
    {
        const std::lock_guard lock(told_);
        started_unix_ns_ = unix_time_ns();
        if (deployment.threads.keep_awake) {
            keep_awake_ = std::make_unique<KeepAwake>();
        }
        threads_ = std::make_unique<PipelineThreads>(*pipeline_, deployment.threads);
    }
    if (!apply(RunTrigger::start)) {
        return EX_SOFTWARE;
    }
    log(LogLevel::info, "running",
        {{"node", deployment.name},
         {"menu", configuration_.menu.compiled.name()},
         {"input", joined(links_->input_endpoints())},
         {"monitoring_port", std::to_string(server_ ? server_->port() : 0)}});
    std::uint64_t books_checked_ns = steady_clock_ns();
    while (report().state != RunState::stopped) {
        const std::optional<int> signal = wait_for_signal();
        const std::uint64_t now_ns = steady_clock_ns();
        watch(now_ns, signal);
        tell_refused();
        if (now_ns - books_checked_ns >= kBooksCheckNs) {
            books_checked_ns = now_ns;
            check_books();
        }
    }
    return end();
}

void Service::watch(std::uint64_t now_ns, std::optional<int> signal) {
    if (signal) {
        log(LogLevel::info, "signal", {{"number", std::to_string(*signal)}});
        if (apply(RunTrigger::stop_asked)) {
            begin_drain(now_ns);
        } else {
            pipeline_->drain(now_ns);  // a second one: nothing waits any longer
        }
    }
    const bool draining = report().state == RunState::draining;
    if (pipeline_->is_finished()) {
        (void)apply(draining ? RunTrigger::drained : RunTrigger::input_ended);
    } else if (draining && now_ns >= drain_ends_ns_) {
        (void)apply(RunTrigger::time_over);
    }
}

void Service::begin_drain(std::uint64_t now_ns) {
    const std::uint64_t time_ns =
        configuration_.deployment.drain_timeout_ms * kNsPerMs / 100 * kDrainSharePercent;
    drain_ends_ns_ = now_ns + configuration_.deployment.drain_timeout_ms * kNsPerMs;
    pipeline_->drain(now_ns + time_ns);
}

bool Service::apply(RunTrigger trigger) {
    RunState state{};
    {
        const std::lock_guard lock(told_);
        if (!control_.apply(trigger)) {
            return false;
        }
        state = control_.state();
        if (state == RunState::stopped) {
            stopped_unix_ns_ = unix_time_ns();
        }
    }
    log(LogLevel::info, "run_state",
        {{"state", std::string(to_string(state))}, {"because", std::string(to_string(trigger))}});
    return true;
}

void Service::tell_refused() {
    for (const streams::RefusedPeer& peer : links_->take_refused()) {
        log(LogLevel::warning, "connection_refused",
            {{"endpoint", peer.endpoint},
             {"address", peer.address.empty() ? "unknown" : peer.address},
             {"key", peer.key.empty() ? "unknown" : peer.key},
             {"why", std::string(to_string(peer.why))},
             {"times", std::to_string(peer.times)}},
            to_string(peer.why));
    }
}

void Service::check_books() {
    const Imbalance imbalance = pipeline_->snapshot().run.books.imbalance();
    if (!imbalance.is_zero()) {
        log(LogLevel::error, "books_do_not_close",
            {{"fragments", std::to_string(imbalance.fragments)},
             {"events", std::to_string(imbalance.events)},
             {"deliveries", std::to_string(imbalance.deliveries)}});
    }
}

int Service::end() {
    for (const auto& thread : threads_->threads()) {
        thread->request_stop();
    }
    const NodeReport told = report();
    {
        const std::lock_guard lock(told_);
        threads_.reset();
        keep_awake_.reset();
    }
    int status = told.condition == RunCondition::complete ? EX_OK : EX_SOFTWARE;
    const std::string summary = summary_text(told);
    for (const std::string& error : links_->close_outputs(summary)) {
        log(LogLevel::error, "output_not_ended", {{"reason", error}});
        status = EX_IOERR;
    }
    check_books();
    const std::string& file = configuration_.deployment.run_summary;
    if (!file.empty()) {
        if (auto written = streams::write_whole_file(file, summary); !written) {
            log(LogLevel::error, "run_summary_not_written", {{"reason", written.error()}});
            status = EX_IOERR;
        }
    }
    const Books& books = told.pipeline.run.books;
    log(LogLevel::info, "stopped",
        {{"condition", std::string(to_string(told.condition))},
         {"events", std::to_string(books.builder.opened)},
         {"accepted", std::to_string(books.of(streams::Outcome::accepted))},
         {"debug", std::to_string(books.debug())},
         {"in_flight", std::to_string(books.in_flight)},
         {"books_closed", books.imbalance().is_zero() ? "yes" : "no"}});
    return status;
}

NodeReport Service::report() const {
    const std::lock_guard lock(told_);
    NodeReport report{.deployment = &configuration_.deployment,
                      .menu = &configuration_.menu.compiled,
                      .state = control_.state(),
                      .condition = control_.condition(),
                      .started_unix_ns = started_unix_ns_,
                      .stopped_unix_ns = stopped_unix_ns_,
                      .input_endpoints = links_->input_endpoints(),
                      .input_links = links_->input_links(),
                      .admissions = links_->admissions(),
                      .cut_connections = links_->cut_connections(),
                      .output_endpoints = links_->output_endpoints(),
                      .monitoring_port = server_ ? server_->port() : std::uint16_t{0},
                      .pipeline = pipeline_->snapshot(),
                      .threads = {}};
    if (threads_) {
        for (const auto& thread : threads_->threads()) {
            report.threads.push_back({.name = thread->name(), .cycles = thread->counters()});
        }
    }
    return report;
}

HttpAnswer Service::answer(std::string_view path) const {
    constexpr const char* kJson = "application/json";
    if (path == "/metrics") {
        return {.content_type = kMetricsContentType, .body = metrics_text(report())};
    }
    if (path == "/api/v1/status") {
        return {.content_type = kJson, .body = summary_text(report())};
    }
    if (path == "/healthz") {
        return {.body = "ok\n"};
    }
    if (path == "/readyz") {
        const RunState state = report().state;
        return {.status = state == RunState::running ? 200U : 503U,
                .body = std::string(to_string(state)) + "\n"};
    }
    return {.status = 404, .body = "there are /metrics, /healthz, /readyz and /api/v1/status\n"};
}

}  // namespace tamis::daemon
