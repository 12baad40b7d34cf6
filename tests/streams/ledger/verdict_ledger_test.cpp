#include "streams/ledger/verdict_ledger.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "streams/whole_file.hpp"

namespace tamis::streams {
namespace {

Verdict verdict(std::uint64_t event, std::uint32_t run = 3) {
    return {.run = run,
            .event = event,
            .outcome = event % 3 == 0 ? Outcome::accepted : Outcome::rejected,
            .delivery = event % 3 == 0 ? VerdictDelivery::delivered : VerdictDelivery::not_selected,
            .streams = static_cast<std::uint16_t>(event % 5),
            .latency_us = event * 7};
}

void expect_same(const Verdict& one, const Verdict& other) {
    EXPECT_EQ(one.run, other.run);
    EXPECT_EQ(one.event, other.event);
    EXPECT_EQ(one.outcome, other.outcome);
    EXPECT_EQ(one.delivery, other.delivery);
    EXPECT_EQ(one.streams, other.streams);
    EXPECT_EQ(one.latency_us, other.latency_us);
}

class Ledger : public ::testing::Test {
 protected:
    void SetUp() override {
        path_ = (std::filesystem::path(testing::TempDir()) /
                 ("ledger_" + std::to_string(getpid()) + "_" +
                  testing::UnitTest::GetInstance()->current_test_info()->name()))
                    .string();
        std::filesystem::remove(path_);
    }
    void TearDown() override { std::filesystem::remove(path_); }

    std::unique_ptr<VerdictLedger> open() {
        recalled_.clear();
        auto ledger = VerdictLedger::open(path_, 1'000'000,
                                          [this](const Verdict& v) { recalled_.push_back(v); });
        EXPECT_TRUE(ledger.has_value()) << ledger.error();
        return *std::move(ledger);
    }
    void write(std::uint64_t first, std::uint64_t last) {
        const auto ledger = open();
        for (std::uint64_t event = first; event <= last; ++event) {
            ASSERT_TRUE(ledger->add(verdict(event)));
            if (event % 10 == 0) {
                ASSERT_TRUE(ledger->flush());
            }
        }
        ASSERT_TRUE(ledger->flush());
    }

    std::string path_;
    std::vector<Verdict> recalled_;
};

TEST_F(Ledger, gives_back_every_verdict_over_restarts) {
    write(1, 25);
    write(26, 10'000);
    const auto ledger = open();
    ASSERT_EQ(recalled_.size(), 10'000U);
    for (std::size_t i = 0; i < recalled_.size(); ++i) {
        expect_same(recalled_[i], verdict(i + 1));
    }
    EXPECT_EQ(ledger->found().writers, 2U);
    EXPECT_EQ(ledger->found().torn_bytes, 0U);
}

// A node that has run for months reads no more at its start than it must know.
TEST_F(Ledger, gives_its_last_verdicts_without_reading_all) {
    write(1, 60'000);
    for (const std::uint64_t wanted : {1, 10, 5000, 59'999, 60'000, 1'000'000}) {
        std::vector<Verdict> tail;
        const auto end =
            read_ledger_tail(path_, wanted, [&](const Verdict& v) { tail.push_back(v); });
        ASSERT_TRUE(end.has_value());
        ASSERT_GE(tail.size(), std::min<std::uint64_t>(wanted, 60'000));
        EXPECT_LE(tail.size(), 4 * wanted + 8192) << "not much more than was wanted";
        expect_same(tail.back(), verdict(60'000));
        expect_same(tail.front(), verdict(60'001 - tail.size()));
        EXPECT_EQ(end->whole_bytes, std::filesystem::file_size(path_));
        EXPECT_EQ(end->torn_bytes, 0U);
    }
}

TEST_F(Ledger, begins_a_block_for_another_run) {
    {
        const auto ledger = open();
        ASSERT_TRUE(ledger->add(verdict(1, 3)));
        ASSERT_TRUE(ledger->add(verdict(1, 4)));
        ASSERT_TRUE(ledger->flush());
    }
    static_cast<void>(open());
    ASSERT_EQ(recalled_.size(), 2U);
    EXPECT_EQ(recalled_[0].run, 3U);
    EXPECT_EQ(recalled_[1].run, 4U);
}

// Whole blocks before the cut are read; a node that goes on writes behind them.
TEST_F(Ledger, cut_at_any_byte_keeps_its_whole_blocks) {
    write(1, 25);  // blocks of 10, 10 and 5
    const auto whole = *read_whole_file(path_);
    const std::size_t ends[] = {0, 32 + 160, 2 * (32 + 160), whole.size()};
    for (std::size_t cut = 1; cut < whole.size(); ++cut) {
        ASSERT_TRUE(write_whole_file(path_, std::string_view(whole).substr(0, cut)).has_value());
        std::size_t blocks = 0;
        while (blocks < 3 && ends[blocks + 1] <= cut) {
            ++blocks;
        }
        std::size_t count = 0;
        const auto end =
            read_ledger(path_, [&](const Verdict& v) { expect_same(v, verdict(++count)); });
        ASSERT_TRUE(end.has_value());
        EXPECT_EQ(end->blocks, blocks) << "cut at " << cut;
        EXPECT_EQ(end->torn_bytes, cut - ends[blocks]);
        if (blocks == 0) {
            EXPECT_FALSE(VerdictLedger::open(path_, 1, [](const Verdict&) {}).has_value())
                << "a file that is no ledger is not written over";
            continue;
        }
        write(100, 100);
        static_cast<void>(open());
        ASSERT_EQ(recalled_.size(), count + 1);
        expect_same(recalled_.back(), verdict(100));
    }
}

TEST_F(Ledger, knows_every_flipped_bit) {
    write(1, 25);
    const auto whole = *read_whole_file(path_);
    for (std::size_t bit = 0; bit < whole.size() * 8; bit += 3) {
        std::string damaged = whole;
        damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
        ASSERT_TRUE(write_whole_file(path_, damaged).has_value());
        std::size_t count = 0;
        const auto end =
            read_ledger(path_, [&](const Verdict& v) { expect_same(v, verdict(++count)); });
        ASSERT_TRUE(end.has_value());
        EXPECT_LT(end->blocks, 3U) << "bit " << bit;
        EXPECT_GT(end->torn_bytes, 0U);
    }
}

TEST_F(Ledger, is_not_cut_off_where_it_is_damaged_in_the_middle) {
    write(1, 60'000);
    auto bytes = *read_whole_file(path_);
    bytes[200] = static_cast<char>(bytes[200] ^ 1);
    ASSERT_TRUE(write_whole_file(path_, bytes).has_value());
    const auto ledger = VerdictLedger::open(path_, 1'000'000, [](const Verdict&) {});
    ASSERT_FALSE(ledger.has_value());
    EXPECT_NE(ledger.error().find("damaged at byte 192"), std::string::npos) << ledger.error();
    EXPECT_EQ(std::filesystem::file_size(path_), bytes.size()) << "nothing was thrown away";
}

TEST_F(Ledger, knows_that_a_block_is_missing) {
    write(1, 25);
    auto bytes = *read_whole_file(path_);
    bytes.erase(32 + 160, 32 + 160);
    ASSERT_TRUE(write_whole_file(path_, bytes).has_value());
    const auto end = read_ledger(path_, [](const Verdict&) {});
    EXPECT_EQ(end->blocks, 1U);
    EXPECT_EQ(end->torn_reason, "a block is missing before this one");
}

// A limit on the size of files stands for a full disk.
TEST_F(Ledger, loses_nothing_when_the_disk_is_full_for_a_while) {
    const auto ledger = open();
    ASSERT_TRUE(ledger->add(verdict(1)));
    ASSERT_TRUE(ledger->flush());
    const auto before = std::signal(SIGXFSZ, SIG_IGN);
    rlimit limit{};
    ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &limit), 0);
    const rlimit small{.rlim_cur = 32 + 16 + 20, .rlim_max = limit.rlim_max};
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
    ASSERT_TRUE(ledger->add(verdict(2)));
    EXPECT_FALSE(ledger->flush());
    EXPECT_FALSE(ledger->flush());
    EXPECT_EQ(ledger->failures(), 2U);
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
    std::signal(SIGXFSZ, before);
    ASSERT_TRUE(ledger->add(verdict(3)));
    EXPECT_TRUE(ledger->flush());
    static_cast<void>(open());
    ASSERT_EQ(recalled_.size(), 3U);
    expect_same(recalled_[1], verdict(2));
    expect_same(recalled_[2], verdict(3));
}

}  // namespace
}  // namespace tamis::streams
