#include "daemon/commands/fault_log.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

namespace tamis::daemon {
namespace {

using Json = nlohmann::ordered_json;
using streams::Fault;

constexpr double kNsOfMillisecond = 1e6;

std::optional<streams::FaultOptions::Silence> parse_silence(std::string_view text) {
    streams::FaultOptions::Silence silence;
    const auto take = [&](auto& number, std::string_view end) {
        const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
        const bool is_right =
            error == std::errc() && std::string_view(rest, text.data() + text.size())
                                            .substr(0, std::max<std::size_t>(end.size(), 1)) == end;
        text.remove_prefix(static_cast<std::size_t>(rest - text.data()));
        text.remove_prefix(std::min(end.size(), text.size()));
        return is_right;
    };
    if (take(silence.source, ":") && take(silence.first_event, ":") &&
        take(silence.last_event, "") && silence.first_event <= silence.last_event) {
        return silence;
    }
    return std::nullopt;
}

Json faults_json(const std::array<std::uint64_t, streams::kFaultCount>& faults) {
    Json json = Json::object();
    for (std::size_t kind = 1; kind < streams::kFaultCount; ++kind) {
        json[std::string(to_string(static_cast<Fault>(kind)))] = faults[kind];
    }
    return json;
}

}  // namespace

bool FaultCommand::is_wanted() const noexcept {
    return plan.loss + plan.duplicate + plan.reorder + plan.late + plan.delay + plan.corrupt > 0 ||
           !silent.empty() || !log.empty();
}

void add_fault_options(CLI::App& command, FaultCommand& faults) {
    const auto fraction = [&](const char* name, double& value, const char* what) {
        command.add_option(name, value, what)->check(CLI::Range(0.0, 1.0))->group("Faults");
    };
    streams::FaultOptions& plan = faults.plan;
    command.add_option("--fault-seed", plan.seed, "Which fragments: the same seed, the same ones")
        ->capture_default_str()
        ->group("Faults");
    fraction("--loss", plan.loss, "Fraction of fragments that are never sent");
    fraction("--duplicate", plan.duplicate, "Fraction that is sent twice");
    fraction("--reorder", plan.reorder, "Fraction that later ones of its source overtake");
    command.add_option("--reorder-window", plan.reorder_window, "By so many at most")
        ->check(CLI::Range(1, 1'000'000))
        ->capture_default_str()
        ->group("Faults");
    fraction("--late", plan.late, "Fraction that is sent when its event has been given up");
    command.add_option("--late-ms", faults.late_ms, "So much later: above the node's window_ms")
        ->check(CLI::NonNegativeNumber)
        ->capture_default_str()
        ->group("Faults");
    fraction("--delay", plan.delay, "Fraction that is sent later, but in time");
    command.add_option("--delay-ms", faults.delay_ms, "So much later")
        ->check(CLI::NonNegativeNumber)
        ->capture_default_str()
        ->group("Faults");
    fraction("--corrupt", plan.corrupt, "Fraction with one bit flipped that its checksum covers");
    command
        .add_option("--silent", faults.silent,
                    "SOURCE:FIRST:LAST, a source that sends nothing of these events")
        ->group("Faults");
    command
        .add_option("--fault-log", faults.log,
                    "Write every fault, and what the node's books must then read, as JSON lines")
        ->group("Faults");
}

tl::expected<void, std::string> complete_plan(FaultCommand& faults) {
    streams::FaultOptions& plan = faults.plan;
    const double sum =
        plan.loss + plan.duplicate + plan.reorder + plan.late + plan.delay + plan.corrupt;
    if (sum > 1) {
        return tl::unexpected(fmt::format(
            "the fractions of faults add up to {} (a fragment has one fault at most); right is 1 "
            "or less",
            sum));
    }
    plan.late_ns = static_cast<std::uint64_t>(faults.late_ms * kNsOfMillisecond);
    plan.delay_ns = static_cast<std::uint64_t>(faults.delay_ms * kNsOfMillisecond);
    if (!faults.silent.empty()) {
        plan.silence = parse_silence(faults.silent);
        if (!plan.silence) {
            return tl::unexpected(
                fmt::format("--silent {} (no silence); right is SOURCE:FIRST:LAST, as 3:100:200",
                            faults.silent));
        }
    }
    return {};
}

tl::expected<FaultLog, std::string> FaultLog::create(const std::filesystem::path& file) {
    FaultLog log;
    if (!file.empty()) {
        log.stream_.open(file, std::ios::trunc);
        if (!log.stream_) {
            return tl::unexpected(file.string() +
                                  ": cannot be written (does its directory exist?)");
        }
    }
    return log;
}

void FaultLog::write(const streams::InjectedFault& fault) {
    if (stream_.is_open()) {
        stream_ << Json{{"fault", to_string(fault.fault)},
                        {"run", fault.run},
                        {"event", fault.event},
                        {"source", fault.source},
                        {"sequence", fault.sequence}}
                       .dump()
                << '\n';
    }
}

void FaultLog::write_totals(const streams::FaultInjector& injector, std::uint64_t seed) {
    if (!stream_.is_open()) {
        return;
    }
    std::array<std::uint64_t, streams::kFaultCount> faults{};
    Json sources = Json::array();
    for (const auto& [id, source] : injector.sources()) {
        Json json{{"id", id}, {"offered", source.offered}, {"sent", source.sent}};
        json.update(faults_json(source.faults));
        json["out_of_order"] = source.out_of_order;
        json["first_sequence"] = source.first_sequence;
        json["last_sequence"] = source.last_sequence;
        json["lost"] = source.lost;
        sources.push_back(std::move(json));
        for (std::size_t kind = 0; kind < faults.size(); ++kind) {
            faults[kind] += source.faults[kind];
        }
    }
    const streams::ExpectedBooks books = injector.expected();
    stream_ << Json{{"seed", seed},
                    {"faults", faults_json(faults)},
                    {"sources", sources},
                    {"expected",
                     {{"received", books.received},
                      {"used", books.used},
                      {"duplicates", books.duplicates},
                      {"late", books.late},
                      {"bad_checksum", books.bad_checksum},
                      {"opened", books.opened},
                      {"incomplete", books.incomplete}}}}
                   .dump()
            << std::endl;
}

}  // namespace tamis::daemon
