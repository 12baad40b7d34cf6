// A recording whose process is killed at any of its calls to the disk, and one whose machine loses
// power there: what was called safe is read back, in order, nothing is invented, and the recording
// goes on. The calls are those of the library under test, exchanged by the linker (--wrap); a
// program of its own, because that holds for all of it.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <random>

#include "tests/streams/recording/real_calls.hpp"
#include "tests/streams/recording/sample_run.hpp"
#include "tests/streams/recording/scratch_folder.hpp"

namespace {

constexpr std::size_t kFiles = 32;

// What the disk holds of a file for certain.
struct File {
    ino_t inode = 0;
    off_t synced = 0;           // bytes
    bool is_in_folder = false;  // its name is safe too
};

struct Rename {
    std::array<char, 256> from{};
    std::array<char, 256> to{};
};

// Seen by the process that dies and by the one that looks at what is left.
struct Disk {
    int dies_at = 0;  // number of the call, from 1; 0: at none
    bool dies_after = false;
    std::atomic<int> calls = 0;
    std::atomic<std::uint64_t> safe = 0;  // events
    std::array<File, kFiles> files{};
    std::array<Rename, kFiles> renames{};  // since the folder was synchronised
    std::size_t rename_count = 0;
};

Disk* disk = nullptr;  // of the process that records
std::mutex disk_lock;

void die_if(bool is_time) {
    if (is_time) {
        ::kill(::getpid(), SIGKILL);
        ::pause();
    }
}

// noted(result) tells the disk what the call has done.
template <class Call, class Noted>
auto at_call(const Call& call, const Noted& noted) {
    if (disk == nullptr) {
        return call();
    }
    const int number = ++disk->calls;
    die_if(number == disk->dies_at && !disk->dies_after);
    const auto result = call();
    {
        const std::lock_guard lock(disk_lock);
        noted(result);
    }
    die_if(number == disk->dies_at && disk->dies_after);
    return result;
}

struct stat status_of(int file) {
    struct stat status {};
    ::fstat(file, &status);
    return status;
}

File& entry_of(ino_t inode) {
    const auto entry = std::ranges::find_if(
        disk->files, [inode](const File& file) { return file.inode == inode || file.inode == 0; });
    entry->inode = inode;
    return *entry;
}

}  // namespace

// NOLINTBEGIN: the names are the linker's
extern "C" {
ssize_t __wrap_write(int file, const void* bytes, size_t count) {
    return at_call([&] { return __real_write(file, bytes, count); },
                   [&](ssize_t) { entry_of(status_of(file).st_ino); });
}
int __wrap_fdatasync(int file) {
    const struct stat before = status_of(file);  // what is appended meanwhile is not in it
    return at_call([&] { return __real_fdatasync(file); },
                   [&](int) { entry_of(before.st_ino).synced = before.st_size; });
}
int __wrap_fsync(int folder) {
    return at_call([&] { return __real_fsync(folder); },
                   [&](int) {
                       for (File& file : disk->files) file.is_in_folder = file.inode != 0;
                       disk->rename_count = 0;
                   });
}
int __wrap_rename(const char* from, const char* to) {
    return at_call([&] { return __real_rename(from, to); },
                   [&](int) {
                       Rename& one = disk->renames.at(disk->rename_count++);
                       std::strncpy(one.from.data(), from, one.from.size() - 1);
                       std::strncpy(one.to.data(), to, one.to.size() - 1);
                   });
}
}
// NOLINTEND

namespace tamis::streams {
namespace {

constexpr std::uint64_t kEvents = 90;

RecordingOutputOptions options_of(const std::string& path) {
    RecordingOutputOptions options = tests::run_options(path);
    options.durability = Durability::group_commit;
    options.file_bytes = 20'000;
    return options;
}

void poll_until(RecordingOutput& output, std::uint64_t count, std::uint64_t now_ns) {
    while (output.durable_count() < count) {
        output.poll(now_ns += 10'000'000);
        disk->safe = output.durable_count();
        ::usleep(100);
    }
}

[[noreturn]] void record(const std::string& path) {
    const auto output = RecordingOutput::create(options_of(path));
    std::uint64_t now_ns = 1'000'000;
    for (std::uint64_t event = 1; output && event <= kEvents; ++event) {
        while (tests::send_event(**output, event, now_ns) != SendResult::delivered) {
            poll_until(**output, (*output)->durable_count() + 1, now_ns);
        }
        if (event % 15 == 0) {
            poll_until(**output, event, now_ns);
            now_ns += 1'000'000'000;
        }
    }
    const bool is_closed = output && (*output)->close({}, now_ns);
    ::_exit(is_closed ? 0 : 1);
}

class RecordingDeath : public testing::Test {
 protected:
    // Until the process dies; true: it came to its end before.
    bool record_until(int call, bool after) {
        folder_.emplace();
        disk_->~Disk();
        new (disk_) Disk;
        disk_->dies_at = call;
        disk_->dies_after = after;
        const pid_t child = ::fork();
        if (child == 0) {
            disk = disk_;
            record(path());
        }
        int status = 0;
        ::waitpid(child, &status, 0);
        EXPECT_TRUE(WIFSIGNALED(status) || WEXITSTATUS(status) == 0) << "call " << call;
        return WIFEXITED(status);
    }
    [[nodiscard]] std::string path() const { return folder_->file("run.mcap"); }
    [[nodiscard]] int disk_calls() const { return disk_->calls; }

    // Of what was not synchronised pages are there, gone, or torn, and so is the end of a file; a
    // name may be missing or the one before.
    void lose_power(std::mt19937_64& random) {
        while (disk_->rename_count > 0) {
            const Rename& last = disk_->renames.at(--disk_->rename_count);
            if (random() % 2 == 0) {
                std::filesystem::rename(last.to.data(), last.from.data());
            }
        }
        for (const auto& entry : std::filesystem::directory_iterator(folder_->file(""))) {
            struct stat status {};
            ASSERT_EQ(::stat(entry.path().c_str(), &status), 0);
            const auto file = std::ranges::find(disk_->files, status.st_ino, &File::inode);
            const bool is_known = file != disk_->files.end();
            if ((!is_known || !file->is_in_folder) && random() % 2 == 0) {
                std::filesystem::remove(entry.path());
                continue;
            }
            const off_t synced = is_known ? file->synced : 0;
            lose_pages(entry.path(), static_cast<std::size_t>(synced), random);
        }
    }

    // What was called safe and what else was found; then the recording goes on.
    void check(const std::string& when, bool has_gaps) {
        const auto run = tests::read_run(path());
        const std::uint64_t safe = disk_->safe;
        ASSERT_GE(run.events.size(), safe) << when << run.reason;
        const auto begin = run.events.begin() + static_cast<std::ptrdiff_t>(safe);
        ASSERT_TRUE(std::ranges::equal(std::ranges::subrange(run.events.begin(), begin),
                                       tests::numbers(1, safe)))
            << when;
        ASSERT_TRUE(std::ranges::is_sorted(run.events, std::ranges::less_equal{})) << when;
        ASSERT_TRUE(run.events.empty() || run.events.back() <= kEvents) << when;
        if (!has_gaps) {
            ASSERT_EQ(run.events, tests::numbers(1, run.events.size())) << when;
            ASSERT_NE(run.end, ReadEnd::damaged) << when << run.reason;
        }
        go_on(run.events, when);
    }

 private:
    static void lose_pages(const std::filesystem::path& path, std::size_t synced,
                           std::mt19937_64& random) {
        constexpr std::size_t kPage = 4096;
        std::vector<std::byte> bytes = tests::read_bytes(path);
        bytes.resize(synced + random() % (bytes.size() - synced + 1));
        for (std::size_t begin = synced; begin < bytes.size();) {
            const std::size_t end = std::min(bytes.size(), (begin / kPage + 1) * kPage);
            const std::size_t kept = random() % 3 == 0   ? end
                                     : random() % 2 == 0 ? begin
                                                         : begin + random() % (end - begin);
            std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(kept),
                      bytes.begin() + static_cast<std::ptrdiff_t>(end), std::byte{0});
            begin = end;
        }
        tests::write_text(path, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    }

    void go_on(std::vector<std::uint64_t> events, const std::string& when) {
        RecordingOutputOptions options = options_of(path());
        options.existing = ExistingRecording::continue_with;
        const auto output = RecordingOutput::create(options);
        ASSERT_TRUE(output) << when << output.error();
        for (std::uint64_t event = kEvents + 1; event <= kEvents + 5; ++event) {
            ASSERT_EQ(tests::send_event(**output, event, event), SendResult::delivered) << when;
            events.push_back(event);
        }
        ASSERT_TRUE((*output)->close({}, 1'000'000'000)) << when;
        const auto run = tests::read_run(path());
        ASSERT_EQ(run.events, events) << when << run.reason;
    }

    struct Unmap {
        void operator()(Disk* mapped) const noexcept { ::munmap(mapped, sizeof(Disk)); }
    };
    Disk* disk_ = new (::mmap(nullptr, sizeof(Disk), PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_ANONYMOUS, -1, 0)) Disk;
    std::unique_ptr<Disk, Unmap> owned_{disk_};
    std::optional<tests::ScratchFolder> folder_;
};

TEST_F(RecordingDeath, by_a_kill_at_any_call_loses_nothing_that_was_safe) {
    int calls = 0;
    for (const bool after : {false, true}) {
        for (int call = 1; !record_until(call, after); ++call) {
            const std::string when = (after ? "after call " : "at call ") + std::to_string(call);
            ASSERT_NO_FATAL_FAILURE(check(when + ": ", false));
            ++calls;
        }
        ASSERT_EQ(tests::read_run(path()).events, tests::numbers(1, kEvents));
    }
    EXPECT_GT(calls, 80);
}

TEST_F(RecordingDeath, by_a_loss_of_power_loses_nothing_that_was_safe) {
    ASSERT_TRUE(record_until(0, false));
    const auto calls = static_cast<std::uint64_t>(disk_calls());
    for (std::uint64_t image = 1; image <= 200; ++image) {
        std::mt19937_64 random(image);
        const int call = static_cast<int>(1 + random() % calls);
        static_cast<void>(record_until(call, random() % 2 == 0));
        ASSERT_NO_FATAL_FAILURE(lose_power(random));
        ASSERT_NO_FATAL_FAILURE(check(
            "image " + std::to_string(image) + ", call " + std::to_string(call) + ": ", true));
    }
}

}  // namespace
}  // namespace tamis::streams
