// The audit must see every kind of breach: each is planted once.
#include "daemon/audit/book_audit.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>

#include "daemon/audit/source_log.hpp"
#include "streams/ledger/verdict_ledger.hpp"
#include "streams/recording/recording_output.hpp"
#include "streams/selected_event.hpp"
#include "streams/whole_file.hpp"

namespace tamis::daemon {
namespace {

using streams::Outcome;
using streams::Verdict;
using streams::VerdictDelivery;

struct Planted {
    std::function<void(std::vector<Verdict>&)> in_ledger = [](auto&) {};
    std::function<void(std::vector<std::pair<std::uint64_t, Outcome>>&)> in_recording = [](auto&) {
    };
    bool other_payload = false;
    std::string dispatch_log = {};
};

class BookAudit : public ::testing::Test {
 protected:
    void SetUp() override {
        folder_ = std::filesystem::path(testing::TempDir()) /
                  ("book_audit_" + std::to_string(getpid()) + "_" +
                   testing::UnitTest::GetInstance()->current_test_info()->name());
        std::filesystem::remove_all(folder_);
        std::filesystem::create_directories(folder_);
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    [[nodiscard]] std::string file(const char* name) const { return (folder_ / name).string(); }

    // Events 1 .. 30, every third accepted.
    AuditReport audit(const Planted& planted) {
        write_ledger(planted);
        write_recording(planted);
        auto log = *SourceLog::append_to(file("tracker.sent"));
        EXPECT_TRUE(log.write({"tracker", 5, 1, 32, 30}));
        AuditFiles files{.source_logs = {file("tracker.sent")},
                         .ledgers = {file("node.ledger")},
                         .dispatch_logs = {},
                         .recordings = {file("down.mcap")}};
        if (!planted.dispatch_log.empty()) {
            EXPECT_TRUE(streams::write_whole_file(file("dispatch.log"), planted.dispatch_log));
            files.dispatch_logs = {file("dispatch.log")};
        }
        const auto report = audit_books(files);
        EXPECT_TRUE(report.has_value()) << report.error();
        return *report;
    }

    static bool is_accepted(std::uint64_t event) { return event % 3 == 0; }

    void write_ledger(const Planted& planted) {
        std::vector<Verdict> verdicts;
        for (std::uint64_t event = 1; event <= 30; ++event) {
            verdicts.push_back(
                {.run = 5,
                 .event = event,
                 .outcome = is_accepted(event) ? Outcome::accepted : Outcome::rejected,
                 .delivery = is_accepted(event) ? VerdictDelivery::delivered
                                                : VerdictDelivery::not_selected});
        }
        planted.in_ledger(verdicts);
        const auto ledger = *streams::VerdictLedger::open(file("node.ledger"), 1, [](auto&) {});
        for (const Verdict& verdict : verdicts) {
            ASSERT_TRUE(ledger->add(verdict));
        }
        ASSERT_TRUE(ledger->flush());
    }

    void write_recording(const Planted& planted) {
        std::vector<std::pair<std::uint64_t, Outcome>> events;
        for (std::uint64_t event = 3; event <= 30; event += 3) {
            events.emplace_back(event, Outcome::accepted);
        }
        planted.in_recording(events);
        streams::RecordingOutputOptions options;
        options.path = file("down.mcap");
        options.stream_names = {"physics", "monitor"};
        const auto recording = *streams::RecordingOutput::create(options);
        for (const auto& [number, outcome] : events) {
            const std::string bytes = selected(number, outcome, planted.other_payload);
            ASSERT_EQ(recording->send(std::as_bytes(std::span(bytes)), 0b11, number),
                      streams::SendResult::delivered);
        }
        ASSERT_TRUE(recording->close({}, 100).has_value());
    }

    static std::string selected(std::uint64_t number, Outcome outcome, bool other_payload) {
        streams::Event event;
        event.run = 5;
        event.number = number;
        event.sources_seen = 1;
        event.fragments.resize(1);
        streams::EventFragment& kept = event.fragments[0];
        kept.source = 7;
        kept.payload.assign(20, std::byte(number));
        streams::Fragment sent{
            .run = 5, .event = number, .source = 7, .crc32c = {}, .payload = kept.payload};
        kept.crc32c = streams::fragment_checksum(sent);
        if (other_payload && number == 12) {
            kept.payload[3] ^= std::byte{1};
        }
        streams::Decision decision;
        decision.run = 5;
        decision.event = number;
        decision.outcome = outcome;
        decision.streams = 0b11;
        streams::DecisionContext context;
        context.stream_names = {"physics", "monitor"};
        std::string bytes;
        streams::encode_selected_event(event, decision, context, bytes);
        return bytes;
    }

    std::filesystem::path folder_;
};

TEST_F(BookAudit, finds_nothing_wrong_with_books_that_close) {
    const AuditReport report = audit({});
    EXPECT_EQ(report.breaches(), 0U) << report.first_breach;
    EXPECT_EQ(report.events_safe, 30U);
    EXPECT_EQ(report.verdicts, 30U);
    EXPECT_EQ(report.delivered, 10U);
    EXPECT_EQ(report.recorded, 10U);
    EXPECT_EQ(report.recorded_copies, 10U) << "each in two streams";
    EXPECT_EQ(report.fragments_checked, 20U);
}

TEST_F(BookAudit, sees_a_lost_event) {
    const AuditReport report =
        audit({.in_ledger = [](auto& verdicts) { verdicts.erase(verdicts.begin() + 6); }});
    EXPECT_EQ(report.without_verdict, 1U);
    EXPECT_EQ(report.breaches(), 1U);
    EXPECT_EQ(report.first_breach,
              "run 5 event 7: source tracker may forget it, and no node has decided it");
}

TEST_F(BookAudit, sees_an_event_decided_twice) {
    const AuditReport report =
        audit({.in_ledger = [](auto& verdicts) { verdicts.push_back(verdicts[3]); }});
    EXPECT_EQ(report.decided_twice, 1U);
    EXPECT_EQ(report.first_breach, "run 5 event 4: has two verdicts");
}

TEST_F(BookAudit, takes_the_verdict_of_a_dead_node_as_void) {
    const Planted planted{.in_ledger = [](auto& verdicts) { verdicts.push_back(verdicts[5]); },
                          .dispatch_log = "{\"run\":5,\"event\":6,\"from\":\"a\",\"to\":\"b\"}\n"};
    const AuditReport report = audit(planted);
    EXPECT_EQ(report.breaches(), 0U) << report.first_breach;
    EXPECT_EQ(report.void_verdicts, 1U);
    EXPECT_EQ(report.delivered, 10U) << "counted once";
}

TEST_F(BookAudit, sees_that_a_dead_node_decided_otherwise) {
    const Planted planted{.in_ledger =
                              [](auto& verdicts) {
                                  verdicts.push_back(verdicts[5]);
                                  verdicts.back().outcome = Outcome::rejected;
                              },
                          .dispatch_log = "{\"run\":5,\"event\":6}\n"};
    EXPECT_EQ(audit(planted).recorded_otherwise, 1U);
}

TEST_F(BookAudit, sees_a_delivered_event_that_is_in_no_recording) {
    const AuditReport report =
        audit({.in_recording = [](auto& events) { events.erase(events.begin() + 2); }});
    EXPECT_EQ(report.not_recorded, 1U);
    EXPECT_EQ(report.first_breach, "run 5 event 9: delivered, and in no recording");
}

TEST_F(BookAudit, sees_an_event_recorded_twice) {
    const AuditReport report =
        audit({.in_recording = [](auto& events) { events.push_back(events[0]); }});
    EXPECT_EQ(report.recorded_twice, 2U) << "in each of its streams";
    EXPECT_EQ(report.first_breach, "run 5 event 3: recorded twice in one stream");
}

TEST_F(BookAudit, sees_an_event_filed_under_another_outcome) {
    const AuditReport report =
        audit({.in_recording = [](auto& events) { events[1].second = Outcome::debug_incomplete; }});
    EXPECT_EQ(report.recorded_otherwise, 1U);
}

TEST_F(BookAudit, tells_of_an_event_recorded_before_its_verdict) {
    const AuditReport report =
        audit({.in_recording = [](auto& events) { events.emplace_back(31, Outcome::accepted); }});
    EXPECT_EQ(report.breaches(), 0U);
    EXPECT_EQ(report.recorded_early, 1U);
}

TEST_F(BookAudit, sees_a_changed_payload) {
    const AuditReport report = audit({.other_payload = true});
    EXPECT_EQ(report.damaged, 2U) << "in each of its streams";
    EXPECT_EQ(report.first_breach,
              "run 5 event 12: a recorded fragment is damaged or another event's");
}

TEST_F(BookAudit, counts_only_what_every_source_may_forget) {
    auto log = *SourceLog::append_to(file("pixel.sent"));
    ASSERT_TRUE(log.write({"pixel", 5, 1, 32, 20}));
    write_ledger({});
    auto tracker = *SourceLog::append_to(file("tracker.sent"));
    ASSERT_TRUE(tracker.write({"tracker", 5, 1, 32, 10}));
    ASSERT_TRUE(tracker.write({"tracker", 5, 1, 32, 30}));
    std::ofstream(file("tracker.sent"), std::ios::app) << "{\"source\": \"tra";  // killed here
    const auto report = audit_books({.source_logs = {file("tracker.sent"), file("pixel.sent")},
                                     .ledgers = {file("node.ledger")},
                                     .dispatch_logs = {},
                                     .recordings = {}});
    ASSERT_TRUE(report.has_value()) << report.error();
    EXPECT_EQ(report->events_safe, 20U);
}

TEST_F(BookAudit, names_a_file_that_is_none_of_its_kind) {
    ASSERT_TRUE(streams::write_whole_file(file("some.txt"), "hello\n"));
    const auto as_source = audit_books(
        {.source_logs = {file("some.txt")}, .ledgers = {}, .dispatch_logs = {}, .recordings = {}});
    ASSERT_FALSE(as_source.has_value());
    EXPECT_NE(as_source.error().find("some.txt: its last line is none of a source log"),
              std::string::npos);
    const auto as_dispatch = audit_books(
        {.source_logs = {}, .ledgers = {}, .dispatch_logs = {file("some.txt")}, .recordings = {}});
    ASSERT_FALSE(as_dispatch.has_value());
    EXPECT_NE(as_dispatch.error().find("some.txt:1: no line of a dispatch log"), std::string::npos);
}

}  // namespace
}  // namespace tamis::daemon
