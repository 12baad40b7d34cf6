// Proves the books of a run again from what its processes left on disk: the sources' logs, the
// ledgers of the nodes, the recordings downstream. Every event that a source may forget has exactly
// one verdict, and every event that was delivered lies in the recordings exactly once, unharmed.
// Cold path.
#pragma once

#include <cstdint>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "streams/decision.hpp"

namespace tamis::daemon {

struct AuditFiles {
    std::vector<std::string> source_logs;
    std::vector<std::string> ledgers;
    std::vector<std::string> dispatch_logs;  // void verdicts of nodes that died
    std::vector<std::string> recordings;     // together they hold all streams
};

struct AuditReport {
    std::uint64_t events_safe = 0;  // that every source may forget
    std::uint64_t verdicts = 0;
    std::uint64_t outcomes[streams::kOutcomeCount] = {};
    std::uint64_t delivered = 0;
    std::uint64_t recorded = 0;         // events
    std::uint64_t recorded_copies = 0;  // in more than one stream each
    std::uint64_t recorded_early = 0;   // without a verdict: their node died before it wrote one
    std::uint64_t fragments_checked = 0;

    // What breaks the books.
    std::uint64_t void_verdicts = 0;  // of dead nodes, of events that went to others
    std::uint64_t decided_twice = 0;
    std::uint64_t without_verdict = 0;
    std::uint64_t not_recorded = 0;
    std::uint64_t recorded_twice = 0;
    std::uint64_t recorded_otherwise = 0;  // with another outcome than the ledger's
    std::uint64_t damaged = 0;             // fragments or messages
    std::uint64_t torn_files = 0;          // that end early; told, no breach by themselves
    std::string first_breach;              // with run and event
    std::vector<std::string> notes;

    [[nodiscard]] std::uint64_t breaches() const noexcept {
        return decided_twice + without_verdict + not_recorded + recorded_twice +
               recorded_otherwise + damaged;
    }
};

// Errors: a file that cannot be read, or is none of its kind.
[[nodiscard]] tl::expected<AuditReport, std::string> audit_books(const AuditFiles& files);

}  // namespace tamis::daemon
