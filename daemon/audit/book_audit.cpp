#include "daemon/audit/book_audit.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <tuple>

#include "daemon/audit/source_log.hpp"
#include "streams/fragment.hpp"
#include "streams/ledger/ledger_reader.hpp"
#include "streams/recording/mcap_reader.hpp"
#include "streams/recording/recorded_decision.hpp"
#include "streams/recording/wire_scan.hpp"
#include "streams/recording/wire_schema.hpp"

namespace tamis::daemon {
namespace {

using streams::Outcome;
using streams::Verdict;
using streams::VerdictDelivery;

struct EventId {
    std::uint32_t run = 0;
    std::uint64_t event = 0;
    friend auto operator<=>(const EventId&, const EventId&) = default;  // NOLINT: no pointer
};

struct Recorded {
    EventId id;
    std::uint32_t topic = 0;
    Outcome outcome = Outcome::unspecified;
};

EventId id_of(const Verdict& verdict) { return {verdict.run, verdict.event}; }

class Audit {
 public:
    explicit Audit(AuditReport& report) : report_(report) {}

    tl::expected<void, std::string> read_ledger(const std::string& path) {
        const auto end = streams::read_ledger(
            path, [&](const Verdict& verdict) { verdicts_.push_back(verdict); });
        if (!end) {
            return tl::unexpected(end.error());
        }
        if (end->torn_bytes > 0) {
            ++report_.torn_files;
            report_.notes.push_back(fmt::format("{}: {} bytes behind its {} whole blocks ({})",
                                                path, end->torn_bytes, end->blocks,
                                                end->torn_reason));
        }
        return {};
    }

    tl::expected<void, std::string> read_recording(const std::string& path);
    tl::expected<void, std::string> read_dispatch_log(const std::string& path);
    void check_verdicts();
    tl::expected<void, std::string> check_sources(const std::vector<std::string>& logs);
    void check_recordings();

 private:
    void breach(std::uint64_t& counter, const EventId& id, const std::string& what) {
        ++counter;
        if (report_.first_breach.empty()) {
            report_.first_breach = fmt::format("run {} event {}: {}", id.run, id.event, what);
        }
    }
    const Verdict* find(const EventId& id) const {
        const auto found = std::ranges::lower_bound(verdicts_, id, {}, id_of);
        return found != verdicts_.end() && id_of(*found) == id ? &*found : nullptr;
    }
    void check_fragments(std::span<const std::byte> selected, const EventId& id);
    void check_record(const Recorded& record);
    void check_second(std::size_t index);

    AuditReport& report_;
    std::vector<Verdict> verdicts_;  // by run and event once check_verdicts() has run
    std::vector<Recorded> recorded_;
    std::map<EventId, std::uint64_t> reassigned_;  // how often
    std::map<std::string, std::uint32_t, std::less<>> topics_;
};

void Audit::check_fragments(std::span<const std::byte> selected, const EventId& id) {
    const streams::FragmentDecoder decoder({.message_bytes = std::size_t{1} << 30U});
    streams::SelectedEventScan scan(selected);
    std::span<const std::byte> bytes;
    for (auto part = scan.next(bytes); part != streams::SelectedEventScan::Part::end;
         part = scan.next(bytes)) {
        if (part == streams::SelectedEventScan::Part::malformed) {
            breach(report_.damaged, id, "its recorded message is damaged");
            return;
        }
        if (part == streams::SelectedEventScan::Part::fragment) {
            ++report_.fragments_checked;
            const auto fragment = decoder.decode(bytes);
            if (!fragment || fragment->run != id.run || fragment->event != id.event) {
                breach(report_.damaged, id, "a recorded fragment is damaged or another event's");
            }
        }
    }
}

tl::expected<void, std::string> Audit::read_recording(const std::string& path) {
    auto reader = streams::McapReader::open(path);
    if (!reader) {
        return tl::unexpected(reader.error());
    }
    while (const streams::McapMessage* message = reader->next()) {
        const auto* channel = reader->find_channel(message->channel_id);
        const auto* schema = reader->find_schema(channel->schema_id);
        if (schema == nullptr || schema->name != streams::kSelectedEventSchema) {
            continue;
        }
        const auto head = streams::scan_selected_event(message->contents);
        const auto decision = head ? streams::parse_decision(head->decision) : std::nullopt;
        if (!decision) {
            breach(report_.damaged, {}, path + " holds a message that is no selected event");
            continue;
        }
        const EventId id{decision->run, decision->event};
        const auto topic =
            topics_.try_emplace(channel->topic, static_cast<std::uint32_t>(topics_.size())).first;
        recorded_.push_back({id, topic->second, decision->outcome});
        check_fragments(message->contents, id);
    }
    if (reader->end() == streams::ReadEnd::damaged) {
        breach(report_.damaged, {}, path + ": " + reader->end_reason());
    } else if (reader->end() == streams::ReadEnd::torn) {
        ++report_.torn_files;
        report_.notes.push_back(path + ": " + reader->end_reason());
    }
    return {};
}

// An event that was given to another node may have the verdict of the dead one beside its own: the
// same, of which nobody has heard.
void Audit::check_second(std::size_t index) {
    const Verdict& second = verdicts_[index];
    const auto allowed = reassigned_.find(id_of(second));
    if (allowed == reassigned_.end() || allowed->second == 0) {
        breach(report_.decided_twice, id_of(second), "has two verdicts");
        return;
    }
    --allowed->second;
    ++report_.void_verdicts;
    --report_.outcomes[static_cast<std::size_t>(second.outcome)];
    report_.delivered -= second.delivery == VerdictDelivery::delivered ? 1 : 0;
    if (second.outcome != verdicts_[index - 1].outcome) {
        breach(report_.recorded_otherwise, id_of(second), "decided otherwise by a dead node");
    }
}

tl::expected<void, std::string> Audit::read_dispatch_log(const std::string& path) {
    std::ifstream lines(path);
    std::size_t number = 0;
    for (std::string line; std::getline(lines, line);) {
        ++number;
        const auto json = nlohmann::json::parse(line, nullptr, false);
        const auto is_number = [&](const char* name) {
            return json.is_object() && json.contains(name) && json[name].is_number_unsigned();
        };
        if (!is_number("run") || !is_number("event")) {
            return tl::unexpected(fmt::format(
                "{}:{}: no line of a dispatch log; the --log of tamis dispatch", path, number));
        }
        ++reassigned_[{json["run"].get<std::uint32_t>(), json["event"].get<std::uint64_t>()}];
    }
    return {};
}

void Audit::check_verdicts() {
    std::ranges::stable_sort(verdicts_, {}, id_of);
    report_.verdicts = verdicts_.size();
    for (std::size_t i = 0; i < verdicts_.size(); ++i) {
        const Verdict& verdict = verdicts_[i];
        const auto outcome = static_cast<std::size_t>(verdict.outcome);
        if (outcome >= streams::kOutcomeCount) {
            breach(report_.damaged, id_of(verdict),
                   "a verdict with an outcome that does not exist");
            continue;
        }
        ++report_.outcomes[outcome];
        report_.delivered += verdict.delivery == VerdictDelivery::delivered ? 1 : 0;
        if (i > 0 && id_of(verdicts_[i - 1]) == id_of(verdict)) {
            check_second(i);
        }
    }
}

tl::expected<void, std::string> Audit::check_sources(const std::vector<std::string>& logs) {
    std::map<std::uint32_t, std::pair<std::uint64_t, std::uint64_t>> safe;  // [first, last] by run
    for (const std::string& log : logs) {
        const auto line = read_source_log(log);
        if (!line) {
            return tl::unexpected(line.error());
        }
        if (line->safe == 0) {
            continue;
        }
        const std::uint64_t last = line->first_event + line->safe - 1;
        for (std::uint64_t event = line->first_event; event <= last; ++event) {
            if (find({line->run, event}) == nullptr) {
                breach(report_.without_verdict, {line->run, event},
                       "source " + line->source + " may forget it, and no node has decided it");
            }
        }
        const auto known = safe.try_emplace(line->run, line->first_event, last).first;
        known->second.first = std::max(known->second.first, line->first_event);
        known->second.second = std::min(known->second.second, last);
    }
    for (const auto& [run, range] : safe) {
        report_.events_safe += range.second >= range.first ? range.second - range.first + 1 : 0;
    }
    return {};
}

void Audit::check_record(const Recorded& record) {
    const Verdict* verdict = find(record.id);
    if (verdict == nullptr) {
        ++report_.recorded_early;
    } else if (verdict->outcome != record.outcome) {
        breach(report_.recorded_otherwise, record.id,
               fmt::format("recorded as {}, decided as {}", to_string(record.outcome),
                           to_string(verdict->outcome)));
    }
}

void Audit::check_recordings() {
    const auto key = [](const Recorded& r) { return std::tuple(r.id, r.topic); };
    std::ranges::stable_sort(recorded_, {}, key);
    std::optional<EventId> last;
    for (std::size_t i = 0; i < recorded_.size(); ++i) {
        const Recorded& record = recorded_[i];
        if (i > 0 && key(recorded_[i - 1]) == key(record)) {
            breach(report_.recorded_twice, record.id, "recorded twice in one stream");
            continue;
        }
        if (last == record.id) {
            ++report_.recorded_copies;
            continue;
        }
        last = record.id;
        ++report_.recorded;
        check_record(record);
    }
    const auto id_of_record = [](const Recorded& r) { return r.id; };
    for (const Verdict& verdict : verdicts_) {
        if (verdict.delivery == VerdictDelivery::delivered &&
            !std::ranges::binary_search(recorded_, id_of(verdict), {}, id_of_record)) {
            breach(report_.not_recorded, id_of(verdict), "delivered, and in no recording");
        }
    }
}

}  // namespace

tl::expected<AuditReport, std::string> audit_books(const AuditFiles& files) {
    AuditReport report;
    Audit audit(report);
    for (const std::string& ledger : files.ledgers) {
        if (auto read = audit.read_ledger(ledger); !read) {
            return tl::unexpected(read.error());
        }
    }
    for (const std::string& log : files.dispatch_logs) {
        if (auto read = audit.read_dispatch_log(log); !read) {
            return tl::unexpected(read.error());
        }
    }
    audit.check_verdicts();
    if (auto checked = audit.check_sources(files.source_logs); !checked) {
        return tl::unexpected(checked.error());
    }
    for (const std::string& recording : files.recordings) {
        if (auto read = audit.read_recording(recording); !read) {
            return tl::unexpected(read.error());
        }
    }
    if (!files.recordings.empty()) {
        audit.check_recordings();
    }
    return report;
}

}  // namespace tamis::daemon
