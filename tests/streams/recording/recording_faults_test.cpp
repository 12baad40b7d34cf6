// A recording whose n-th call to the system fails, for every n: what was taken is read back, each
// event once, in order. The calls are those of the library under test, exchanged by the linker
// (--wrap); a program of its own, because that holds for all of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <ostream>

#include "tests/streams/recording/real_calls.hpp"
#include "tests/streams/recording/sample_run.hpp"
#include "tests/streams/recording/scratch_folder.hpp"

namespace {

enum class Call { write, fdatasync, fsync, rename, none };

struct Fault {
    Call call = Call::none;
    int number = 0;  // of the calls of that kind, from 1
    int error = 0;
};

Fault fault;
std::atomic<int> calls = 0;              // of the kind that fails
std::atomic<bool> is_stuttering{false};  // write(): cut short or interrupted, in turns
std::atomic<unsigned> stutter_count = 0;

std::array<off_t, 1024> synced_bytes{};  // by descriptor

// What a sync that failed may do: half of the bytes since the last one are gone.
void lose_half(int file) {
    struct stat status {};
    if (::fstat(file, &status) == 0 &&
        status.st_size > synced_bytes.at(static_cast<std::size_t>(file))) {
        const off_t kept = synced_bytes.at(static_cast<std::size_t>(file)) +
                           (status.st_size - synced_bytes.at(static_cast<std::size_t>(file))) / 2;
        EXPECT_EQ(::ftruncate(file, kept), 0);
    }
}

bool fails(Call call) {
    if (fault.call != call || ++calls != fault.number) {
        return false;
    }
    errno = fault.error;
    return true;
}

}  // namespace

// NOLINTBEGIN: the names are the linker's
extern "C" {
ssize_t __wrap_write(int file, const void* bytes, size_t count) {
    if (fails(Call::write)) {
        return -1;
    }
    if (is_stuttering) {
        const unsigned turn = stutter_count++ % 5;
        if (turn == 0) {
            errno = EINTR;
            return -1;
        }
        count = turn == 1 ? std::min<size_t>(count, 7) : count - count / 3;
    }
    return __real_write(file, bytes, count);
}
int __wrap_fdatasync(int file) {
    if (fails(Call::fdatasync)) {
        const int error = errno;
        lose_half(file);
        errno = error;
        return -1;
    }
    struct stat status {};
    synced_bytes.at(static_cast<std::size_t>(file)) =
        ::fstat(file, &status) == 0 ? status.st_size : 0;
    return __real_fdatasync(file);
}
int __wrap_fsync(int file) { return fails(Call::fsync) ? -1 : __real_fsync(file); }
int __wrap_rename(const char* from, const char* to) {
    return fails(Call::rename) ? -1 : __real_rename(from, to);
}
}
// NOLINTEND

namespace tamis::streams {
namespace {

constexpr std::uint64_t kEvents = 300;

// Records all events with the fault; gives false when the recording could not even begin.
bool record_with(const Fault& wanted, const std::string& path, std::uint64_t& sealed) {
    RecordingOutputOptions options = tests::run_options(path);
    options.durability = Durability::group_commit;
    options.file_bytes = 40'000;
    calls = 0;
    synced_bytes = {};
    fault = wanted;
    auto output = RecordingOutput::create(options);
    if (!output) {
        fault = {};
        EXPECT_FALSE(output.error().empty());
        return false;
    }
    std::uint64_t now_ns = 1'000'000;
    for (std::uint64_t event = 1; event <= kEvents; ++event) {
        int tries = 0;
        while (tests::send_event(**output, event, now_ns) != SendResult::delivered) {
            now_ns += 50'000'000;
            EXPECT_LT(++tries, 10'000) << (*output)->error();
            if (tries == 10'000) {
                return true;
            }
            ::usleep(100);
        }
        if (event % 40 == 0) {
            EXPECT_TRUE(tests::wait_until_safe(**output, event, now_ns)) << (*output)->error();
            now_ns += 1'000'000'000;
        }
    }
    auto closed = (*output)->close({}, now_ns);
    if (!closed) {
        closed = (*output)->close({}, now_ns);  // a full disk has room now
    }
    EXPECT_TRUE(closed) << closed.error();
    EXPECT_EQ((*output)->durable_count(), kEvents);
    sealed = (*output)->sealed_count();
    fault = {};
    return true;
}

struct FaultKind {
    const char* name;
    Call call;
    int error;
    bool is_final;  // for the file
};

void PrintTo(const FaultKind& kind, std::ostream* out) { *out << kind.name; }

class RecordingFaults : public testing::TestWithParam<FaultKind> {};

TEST_P(RecordingFaults, of_any_call_lose_and_double_nothing) {
    std::uint64_t most_sealed = 0;
    int reached = 0;
    for (int number = 1; number <= 25; ++number) {
        const tests::ScratchFolder folder;
        const std::string path = folder.file("run.mcap");
        std::uint64_t sealed = 0;
        const bool has_begun =
            record_with({GetParam().call, number, GetParam().error}, path, sealed);
        reached += calls >= number ? 1 : 0;
        most_sealed = std::max(most_sealed, sealed);
        if (!has_begun) {
            continue;
        }
        const auto run = tests::read_run(path);
        ASSERT_EQ(run.events, tests::numbers(1, kEvents)) << GetParam().name << ' ' << number;
        ASSERT_NE(run.end, ReadEnd::damaged) << number << ": " << run.reason;
        ASSERT_FALSE(HasFailure()) << number;
    }
    EXPECT_GE(reached, 3) << "the calls that failed were made";
    EXPECT_EQ(most_sealed, GetParam().is_final ? 1U : 0U);
}

INSTANTIATE_TEST_SUITE_P(EachKind, RecordingFaults,
                         testing::Values(FaultKind{"write_eio", Call::write, EIO, true},
                                         FaultKind{"write_enospc", Call::write, ENOSPC, false},
                                         FaultKind{"fdatasync_eio", Call::fdatasync, EIO, true},
                                         FaultKind{"fdatasync_enospc", Call::fdatasync, ENOSPC,
                                                   true},
                                         FaultKind{"fsync_eio", Call::fsync, EIO, true},
                                         FaultKind{"rename_eio", Call::rename, EIO, true}),
                         [](const auto& parameter) { return std::string(parameter.param.name); });

TEST(RecordingFaults, short_and_interrupted_writes_leave_no_trace) {
    const tests::ScratchFolder folder;
    std::vector<std::vector<std::byte>> files;
    for (const bool stutters : {false, true}) {
        const std::string path = folder.file(stutters ? "stuttered.mcap" : "smooth.mcap");
        is_stuttering = stutters;
        auto output = RecordingOutput::create(tests::run_options(path));
        ASSERT_TRUE(output) << output.error();
        ASSERT_NO_FATAL_FAILURE(tests::send_events(**output, 1, 200));
        ASSERT_TRUE((*output)->close({}, 1'000'000));
        is_stuttering = false;
        files.push_back(tests::read_bytes(path));
    }
    EXPECT_GT(stutter_count, 50U);
    EXPECT_TRUE(files[0] == files[1]);
}

}  // namespace
}  // namespace tamis::streams
