#include "streams/spool/spool_files.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "streams/whole_file.hpp"

namespace tamis::streams {
namespace {

class Spool : public ::testing::Test {
 protected:
    void SetUp() override {
        folder_ = std::filesystem::path(testing::TempDir()) /
                  ("spool_" + std::to_string(getpid()) + "_" +
                   testing::UnitTest::GetInstance()->current_test_info()->name());
        std::filesystem::remove_all(folder_);
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    std::unique_ptr<SpoolFiles> open(std::uint64_t bytes = 1 << 20,
                                     std::uint64_t file_bytes = 200) {
        auto spool = SpoolFiles::open(
            {.path = (folder_ / "down").string(), .bytes = bytes, .file_bytes = file_bytes});
        EXPECT_TRUE(spool.has_value()) << spool.error();
        return *std::move(spool);
    }
    static SendResult write(SpoolFiles& spool, int number) {
        const std::string text = text_of(number);
        return spool.write(std::as_bytes(std::span(text)));
    }
    static std::string text_of(int number) { return "message " + std::to_string(number); }
    static std::string next(SpoolFiles& spool) {
        const auto bytes = spool.next();
        return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
    }
    // Until everything written is on the disk; false after 10 s.
    static bool sync(SpoolFiles& spool, std::uint64_t count) {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
        while (spool.durable_count() < count && std::chrono::steady_clock::now() < end) {
            spool.poll();
            std::this_thread::sleep_for(std::chrono::microseconds(100));
        }
        return spool.durable_count() == count;
    }
    std::vector<std::filesystem::path> files() const {
        std::vector<std::filesystem::path> found;
        for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
            found.push_back(entry.path());
        }
        std::ranges::sort(found);
        return found;
    }

    std::filesystem::path folder_;
};

TEST_F(Spool, gives_messages_in_their_order_and_removes_what_has_arrived) {
    const auto spool = open();
    EXPECT_TRUE(spool->is_empty());
    for (int i = 0; i < 50; ++i) {
        ASSERT_EQ(write(*spool, i), SendResult::delivered);
        ASSERT_TRUE(sync(*spool, static_cast<std::uint64_t>(i) + 1));
    }
    EXPECT_GT(files().size(), 3U);
    for (int i = 0; i < 50; ++i) {
        ASSERT_EQ(next(*spool), text_of(i));
        if (i % 3 == 2) {
            spool->forget(3);
        }
    }
    EXPECT_EQ(next(*spool), "");
    spool->forget(2);
    EXPECT_TRUE(spool->is_empty());
    EXPECT_TRUE(files().empty());
    ASSERT_EQ(write(*spool, 50), SendResult::delivered) << "and it goes on";
    EXPECT_EQ(next(*spool), text_of(50));
}

TEST_F(Spool, counts_as_durable_what_the_disk_has) {
    const auto spool = open();
    ASSERT_EQ(write(*spool, 0), SendResult::delivered);
    ASSERT_EQ(write(*spool, 1), SendResult::delivered);
    EXPECT_EQ(spool->durable_count(), 0U);
    EXPECT_TRUE(sync(*spool, 2));
}

TEST_F(Spool, gives_again_what_has_not_arrived) {
    const auto spool = open();
    for (int i = 0; i < 40; ++i) {
        ASSERT_EQ(write(*spool, i), SendResult::delivered);
        ASSERT_TRUE(sync(*spool, static_cast<std::uint64_t>(i) + 1));
    }
    for (int i = 0; i < 25; ++i) {
        ASSERT_EQ(next(*spool), text_of(i));
    }
    spool->forget(13);
    spool->rewind();
    for (int i = 13; i < 40; ++i) {
        ASSERT_EQ(next(*spool), text_of(i));
    }
    spool->forget(27);
    EXPECT_TRUE(spool->is_empty());
}

TEST_F(Spool, stays_within_its_bound) {
    const auto spool = open(300);
    int taken = 0;
    while (write(*spool, taken) == SendResult::delivered) {
        ++taken;
        ASSERT_LT(taken, 100);
    }
    EXPECT_LE(spool->bytes(), 300U);
    EXPECT_GE(taken, 14);
    ASSERT_TRUE(sync(*spool, static_cast<std::uint64_t>(taken)));
    for (int i = 0; i < taken; ++i) {
        ASSERT_EQ(next(*spool), text_of(i));
    }
    spool->forget(static_cast<std::uint64_t>(taken));
    EXPECT_EQ(next(*spool), "");
    EXPECT_EQ(write(*spool, taken), SendResult::delivered) << "there is room again";
}

TEST_F(Spool, finds_what_an_earlier_process_left) {
    {
        const auto spool = open();
        for (int i = 0; i < 30; ++i) {
            ASSERT_EQ(write(*spool, i), SendResult::delivered);
            ASSERT_TRUE(sync(*spool, static_cast<std::uint64_t>(i) + 1));
        }
    }
    const auto spool = open();
    EXPECT_FALSE(spool->is_empty());
    ASSERT_EQ(write(*spool, 30), SendResult::delivered);
    for (int i = 0; i <= 30; ++i) {
        ASSERT_EQ(next(*spool), text_of(i));
    }
}

TEST_F(Spool, leaves_out_a_torn_end_at_any_byte) {
    {
        const auto spool = open(1 << 20, 1 << 20);
        for (int i = 0; i < 4; ++i) {
            ASSERT_EQ(write(*spool, i), SendResult::delivered);
        }
    }
    const auto file = files().at(0);
    const std::string whole = *read_whole_file(file);
    constexpr std::size_t kRecord = 8 + 9;
    ASSERT_EQ(whole.size(), 4 * kRecord);
    for (std::size_t cut = 0; cut <= whole.size(); ++cut) {
        std::ofstream(file, std::ios::binary | std::ios::trunc) << whole.substr(0, cut);
        const auto spool = open();
        for (std::size_t i = 0; i < cut / kRecord; ++i) {
            ASSERT_EQ(next(*spool), text_of(static_cast<int>(i)));
        }
        EXPECT_EQ(next(*spool), "");
        EXPECT_EQ(spool->unreadable_bytes(), cut % kRecord);
        if (cut < kRecord) {
            EXPECT_TRUE(spool->is_empty()) << "nothing in it is worth keeping";
        }
    }
}

TEST_F(Spool, gives_no_damaged_message) {
    {
        const auto spool = open(1 << 20, 1 << 20);
        ASSERT_EQ(write(*spool, 0), SendResult::delivered);
        ASSERT_EQ(write(*spool, 1), SendResult::delivered);
    }
    const auto file = files().at(0);
    const std::string whole = *read_whole_file(file);
    for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
        std::string damaged = whole;
        damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
        std::ofstream(file, std::ios::binary | std::ios::trunc) << damaged;
        const auto spool = open();
        for (std::string text = next(*spool); !text.empty(); text = next(*spool)) {
            EXPECT_TRUE(text == text_of(0) || text == text_of(1)) << "bit " << bit;
        }
        EXPECT_GT(spool->unreadable_bytes(), 0U);
    }
}

// A limit on the size of files stands for a full disk.
TEST_F(Spool, takes_nothing_while_the_disk_is_full_and_goes_on_afterwards) {
    const auto spool = open(1 << 20, 1 << 20);
    ASSERT_EQ(write(*spool, 0), SendResult::delivered);
    const auto before = std::signal(SIGXFSZ, SIG_IGN);
    rlimit limit{};
    ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &limit), 0);
    const rlimit small{.rlim_cur = 20, .rlim_max = limit.rlim_max};
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
    const SendResult full = write(*spool, 1);
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
    std::signal(SIGXFSZ, before);
    EXPECT_EQ(full, SendResult::full);
    EXPECT_EQ(write(*spool, 1), SendResult::delivered);
    EXPECT_EQ(next(*spool), text_of(0));
    EXPECT_EQ(next(*spool), text_of(1));
}

}  // namespace
}  // namespace tamis::streams
