// What a recording promises with durable_count(), and what is left when the disk is full, fails, or
// the process is killed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "tests/streams/recording/sample_events.hpp"
#include "tests/streams/recording/sample_recording.hpp"
#include "tests/streams/recording/sample_run.hpp"
#include "tests/streams/recording/scratch_folder.hpp"

namespace tamis::streams {
namespace {

using tests::numbers;
using tests::read_run;
using tests::run_options;
using tests::ScratchFolder;
using tests::send_event;
using tests::send_events;
using tests::wait_until_safe;

class RecordingDurability : public testing::TestWithParam<Durability> {};

TEST_P(RecordingDurability, counts_an_event_as_safe_only_when_a_reader_finds_it) {
    const ScratchFolder folder;
    const std::string path = folder.file("run.mcap");
    RecordingOutputOptions options = run_options(path);
    options.container.chunk_bytes = 1 << 20;
    options.durability = GetParam();
    auto created = RecordingOutput::create(options);
    ASSERT_TRUE(created) << created.error();
    RecordingOutput& output = **created;
    EXPECT_EQ(output.durable_count(), 0U);
    std::uint64_t last = 0;
    for (int round = 1; round <= 5; ++round) {
        ASSERT_NO_FATAL_FAILURE(send_events(output, last + 1, last + 50));
        EXPECT_EQ(output.durable_count(), last) << "the chunk is in memory";
        last += 50;
        ASSERT_TRUE(wait_until_safe(output, last, 2'000'000'000ULL * round));
        EXPECT_EQ(read_run(path).events, numbers(1, last));
    }
    EXPECT_EQ(output.sealed_count(), 0U);
    ASSERT_TRUE(output.close({}, 1));
}

INSTANTIATE_TEST_SUITE_P(EachClass, RecordingDurability,
                         testing::Values(Durability::none, Durability::interval,
                                         Durability::group_commit),
                         [](const auto& parameter) {
                             return std::string(parameter.param == Durability::none ? "none"
                                                : parameter.param == Durability::interval
                                                    ? "interval"
                                                    : "group_commit");
                         });

TEST(RecordingOutput, group_commit_begins_after_5_ms_or_4_mib) {
    const ScratchFolder folder;
    RecordingOutputOptions options = run_options(folder.file("run.mcap"));
    options.container.chunk_bytes = 1 << 20;
    options.durability = Durability::group_commit;
    auto created = RecordingOutput::create(options);
    ASSERT_TRUE(created) << created.error();
    RecordingOutput& output = **created;
    const std::uint64_t before = output.file_bytes();
    ASSERT_EQ(send_event(output, 1, 1'000'000), SendResult::delivered);
    output.poll(5'999'999);
    EXPECT_EQ(output.file_bytes(), before);
    output.poll(6'000'000);
    EXPECT_GT(output.file_bytes(), before);
    ASSERT_TRUE(wait_until_safe(output, 1, 6'000'000));
    // At one time of the clock, so that only the bytes can begin it.
    std::uint64_t event = 2;
    for (std::uint64_t bytes = 0; bytes < (5U << 20); ++event) {
        ASSERT_EQ(send_event(output, event, 60'000'000), SendResult::delivered);
        bytes += tests::bytes_of(tests::sample_selected_event(event, {"physics"})).size();
    }
    for (int tries = 0; output.durable_count() < 1000 && tries < 20'000; ++tries) {
        output.poll(60'000'000);
        ::usleep(1000);
    }
    EXPECT_GT(output.durable_count(), 1000U);
}

TEST(RecordingOutput, says_full_when_more_waits_for_the_disk_than_it_may_keep) {
    const ScratchFolder folder;
    RecordingOutputOptions options = run_options(folder.file("run.mcap"));
    options.durability = Durability::interval;
    options.retained_bytes = 5000;
    auto created = RecordingOutput::create(options);
    ASSERT_TRUE(created) << created.error();
    std::uint64_t event = 1;
    while (event < 1000 && send_event(**created, event, event) == SendResult::delivered) {
        ++event;
    }
    EXPECT_LT(event, 1000U);
    EXPECT_GT(event, 5U);
    ASSERT_TRUE(wait_until_safe(**created, event - 1, 2'000'000'000));
    EXPECT_EQ(send_event(**created, event, 9'000'000'000), SendResult::delivered);
}

TEST(RecordingOutput, goes_on_in_the_next_file_with_what_a_failed_one_may_have_lost) {
    const ScratchFolder folder;
    const std::string path = folder.file("run.mcap");
    RecordingOutputOptions options = run_options(path);
    options.durability = Durability::group_commit;
    auto created = RecordingOutput::create(options);
    ASSERT_TRUE(created) << created.error();
    RecordingOutput& output = **created;
    ASSERT_NO_FATAL_FAILURE(send_events(output, 1, 100));
    ASSERT_TRUE(wait_until_safe(output, 100, 100'000));
    ASSERT_NO_FATAL_FAILURE(send_events(output, 101, 150));
    // The file loses its name: what is written now is gone when the process ends.
    const std::string saved = folder.file("saved");
    std::filesystem::copy(path + ".part", saved);
    std::filesystem::remove(path + ".part");
    ASSERT_TRUE(wait_until_safe(output, 150, 1'000'000'000));
    EXPECT_EQ(output.sealed_count(), 1U);
    EXPECT_EQ(output.file_number(), 2U);
    EXPECT_THAT(output.error(), testing::HasSubstr("No such file"));
    ASSERT_NO_FATAL_FAILURE(send_events(output, 151, 200));
    ASSERT_TRUE(output.close({}, 3'000'000'000));

    EXPECT_EQ(read_run(recording_file(path, 2)).events, numbers(101, 200));
    std::filesystem::rename(saved, path + ".part");  // as after a sync that failed
    const auto run = read_run(path);
    EXPECT_EQ(run.events, numbers(1, 200)) << "repeated ones are given once";
    EXPECT_GT(run.repeated, 0U);
    EXPECT_EQ(run.end, ReadEnd::torn);
}

// Under a process that is killed at some moment, what it had called safe is there.
TEST(RecordingOutput, keeps_what_it_called_safe_when_its_process_is_killed) {
    for (int round = 0; round < 8; ++round) {
        const ScratchFolder folder;
        const std::string path = folder.file("run.mcap");
        int pipe_ends[2];
        ASSERT_EQ(::pipe(pipe_ends), 0);
        const pid_t child = ::fork();
        ASSERT_GE(child, 0);
        if (child == 0) {
            RecordingOutputOptions options = run_options(path);
            options.file_bytes = 200'000;
            options.durability = round % 2 == 0 ? Durability::group_commit : Durability::none;
            auto output = RecordingOutput::create(options);
            std::uint64_t told = 0;
            for (std::uint64_t event = 1; output; ++event) {
                static_cast<void>(send_event(**output, event, event * 100'000));
                const std::uint64_t safe = (*output)->durable_count();
                if (safe != told && ::write(pipe_ends[1], &safe, sizeof(safe)) != sizeof(safe)) {
                    break;
                }
                told = safe;
            }
            ::_exit(1);
        }
        ::close(pipe_ends[1]);
        std::uint64_t safe = 0;
        for (int reports = 0; reports < 3 + round * 5; ++reports) {
            ASSERT_EQ(::read(pipe_ends[0], &safe, sizeof(safe)), ssize_t(sizeof(safe)));
        }
        ::kill(child, SIGKILL);
        ::waitpid(child, nullptr, 0);
        for (std::uint64_t later = 0; ::read(pipe_ends[0], &later, sizeof(later)) > 0;) {
            safe = later;
        }
        ::close(pipe_ends[0]);
        const auto run = read_run(path);
        ASSERT_GE(run.events.size(), safe) << "round " << round;
        EXPECT_EQ(run.events, numbers(1, run.events.size())) << "round " << round;
        EXPECT_NE(run.end, ReadEnd::damaged) << run.reason;
    }
}

// A small file system in memory; needs the right to mount.
class SmallDisk {
 public:
    SmallDisk() {
        is_mounted_ = ::mount("tmpfs", folder_.file("").c_str(), "tmpfs", 0, "size=64m") == 0;
        why_ = std::strerror(errno);
    }
    ~SmallDisk() {
        if (is_mounted_) {
            ::umount2(folder_.file("").c_str(), MNT_DETACH);
        }
    }
    SmallDisk(const SmallDisk&) = delete;
    SmallDisk& operator=(const SmallDisk&) = delete;
    [[nodiscard]] bool is_mounted() const { return is_mounted_; }
    [[nodiscard]] const std::string& why() const { return why_; }
    [[nodiscard]] std::string file(const std::string& name) const { return folder_.file(name); }

 private:
    ScratchFolder folder_;
    bool is_mounted_ = false;
    std::string why_;
};

// Twice: once because the first time may leave something behind that spoils the second.
TEST(RecordingOutput, waits_for_room_on_a_full_disk_and_loses_nothing) {
    const SmallDisk disk;
    if (!disk.is_mounted()) {
        GTEST_SKIP() << "this user may not mount a 64 MiB tmpfs (" << disk.why() << "): not tested";
    }
    const std::string path = disk.file("run.mcap");
    const std::string ballast = disk.file("ballast");
    RecordingOutputOptions options = run_options(path);
    options.container.chunk_bytes = 100'000;
    options.durability = Durability::group_commit;
    options.file_bytes = 5'000'000;
    auto created = RecordingOutput::create(options);
    ASSERT_TRUE(created) << created.error();
    RecordingOutput& output = **created;
    std::uint64_t next = 1;
    std::uint64_t now_ns = 1;
    for (int round = 0; round < 2; ++round) {
        {
            std::ofstream fill(ballast, std::ios::binary);
            const std::string block(1 << 20, 'b');
            for (int mib = 0; mib < 56 - 20 * round; ++mib) {
                fill << block;
            }
        }
        while (send_event(output, next, now_ns) == SendResult::delivered) {
            ++next;
            now_ns += 100'000;
            ASSERT_LT(next, 500'000U);
        }
        for (int tries = 0; tries < 50; ++tries) {
            now_ns += 50'000'000;
            output.poll(now_ns);
            EXPECT_EQ(send_event(output, next, now_ns), SendResult::full);
        }
        EXPECT_THAT(output.error(), testing::HasSubstr("No space left on device"));
        const auto torn = read_run(path);
        EXPECT_EQ(torn.events, numbers(1, torn.events.size()));
        EXPECT_GE(torn.events.size(), output.durable_count());
        EXPECT_NE(torn.end, ReadEnd::damaged) << torn.reason;
        std::filesystem::remove(ballast);
        now_ns += 1'000'000'000;
        ASSERT_NO_FATAL_FAILURE(send_events(output, next, next));
        ++next;
        ASSERT_TRUE(wait_until_safe(output, next - 1, now_ns)) << output.error();
        now_ns += 60'000'000'000;
    }
    ASSERT_TRUE(output.close({}, now_ns));
    const auto run = read_run(path);
    EXPECT_EQ(run.events, numbers(1, next - 1));
    EXPECT_EQ(run.end, ReadEnd::complete) << run.reason;
    EXPECT_EQ(output.sealed_count(), 0U);
}

}  // namespace
}  // namespace tamis::streams
