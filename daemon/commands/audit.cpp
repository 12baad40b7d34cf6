// tamis audit: proves the books of a run from the files that its processes left.
#include <fmt/core.h>
#include <sysexits.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "daemon/audit/book_audit.hpp"
#include "daemon/commands/command.hpp"

namespace tamis::daemon {

namespace {

struct AuditOptions {
    AuditFiles files;
    bool json = false;
};

void print_json(const AuditReport& report) {
    nlohmann::ordered_json outcomes;
    for (std::size_t i = 0; i < streams::kOutcomeCount; ++i) {
        if (report.outcomes[i] > 0) {
            outcomes[std::string(to_string(static_cast<streams::Outcome>(i)))] = report.outcomes[i];
        }
    }
    const nlohmann::ordered_json json{{"breaches", report.breaches()},
                                      {"first_breach", report.first_breach},
                                      {"decided_twice", report.decided_twice},
                                      {"without_verdict", report.without_verdict},
                                      {"not_recorded", report.not_recorded},
                                      {"recorded_twice", report.recorded_twice},
                                      {"recorded_otherwise", report.recorded_otherwise},
                                      {"damaged", report.damaged},
                                      {"events_safe", report.events_safe},
                                      {"verdicts", report.verdicts},
                                      {"void_verdicts", report.void_verdicts},
                                      {"outcomes", outcomes},
                                      {"delivered", report.delivered},
                                      {"recorded", report.recorded},
                                      {"recorded_copies", report.recorded_copies},
                                      {"recorded_early", report.recorded_early},
                                      {"fragments_checked", report.fragments_checked},
                                      {"torn_files", report.torn_files},
                                      {"notes", report.notes}};
    fmt::print("{}\n", json.dump());
}

void print_text(const AuditReport& report) {
    fmt::print("{} events that every source may forget, {} verdicts:", report.events_safe,
               report.verdicts);
    for (std::size_t i = 0; i < streams::kOutcomeCount; ++i) {
        if (report.outcomes[i] > 0) {
            fmt::print(" {} {}", report.outcomes[i], to_string(static_cast<streams::Outcome>(i)));
        }
    }
    fmt::print(
        "\n{} delivered, {} recorded (and {} copies in further streams), {} fragments "
        "checked\n",
        report.delivered, report.recorded, report.recorded_copies, report.fragments_checked);
    if (report.recorded_early > 0) {
        fmt::print("{} recorded without a verdict: their node died before it wrote one\n",
                   report.recorded_early);
    }
    if (report.void_verdicts > 0) {
        fmt::print("{} verdicts of dead nodes are void: their events went to others\n",
                   report.void_verdicts);
    }
    for (const std::string& note : report.notes) {
        fmt::print("note: {}\n", note);
    }
    if (report.breaches() == 0) {
        fmt::print("audit: ok: every event once\n");
        return;
    }
    fmt::print(
        "decided twice {}, without a verdict {}, not recorded {}, recorded twice {}, recorded "
        "otherwise {}, damaged {}\n",
        report.decided_twice, report.without_verdict, report.not_recorded, report.recorded_twice,
        report.recorded_otherwise, report.damaged);
    fmt::print("audit: BROKEN: {}\n", report.first_breach);
}

ExitStatus audit(const AuditOptions& options) {
    const auto report = audit_books(options.files);
    if (!report) {
        return fail(EX_DATAERR, report.error());
    }
    options.json ? print_json(*report) : print_text(*report);
    return report->breaches() == 0 ? EX_OK : 1;
}

}  // namespace

void add_audit(CLI::App& program, ExitStatus& status) {
    auto* command = program.add_subcommand("audit", "Prove the books of a run from its files");
    auto options = std::make_shared<AuditOptions>();
    command
        ->add_option("--ledger", options->files.ledgers,
                     "Ledgers of the nodes (`ledger` of their deployments)")
        ->required()
        ->check(CLI::ExistingFile);
    command
        ->add_option("--source-log", options->files.source_logs,
                     "Logs of the sources (--log of tamis generate)")
        ->check(CLI::ExistingFile);
    command
        ->add_option("--recording", options->files.recordings,
                     "Recordings downstream: together all that was delivered")
        ->check(CLI::ExistingFile);
    command
        ->add_option("--dispatch-log", options->files.dispatch_logs,
                     "Logs of dispatchers (--log of tamis dispatch)")
        ->check(CLI::ExistingFile);
    command->add_flag("--json", options->json, "One line of JSON");
    command->footer(
        "Exit 0: every event that a source may forget has exactly one verdict, and what was "
        "delivered\nis recorded once; 1: not so, and the first event that breaks it is "
        "named.\nExample:\n  tamis audit --ledger node.ledger --source-log tracker.log "
        "--recording run.mcap");
    command->callback([options, &status] { status = audit(*options); });
}

}  // namespace tamis::daemon
