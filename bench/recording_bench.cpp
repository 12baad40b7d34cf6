// The recorder beside a plain write + fdatasync loop of the same bytes, and the reader beside what
// bounds it: the memory for files without compression, the bare decompressor for zstd. Peers take
// turns in one process on one folder; ratios are of neighbouring blocks. Writing is timed by the
// clock, reading by the thread's processor time (from the page cache).
#include <fcntl.h>
#include <fmt/core.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "streams/recording/chunk_codec.hpp"
#include "streams/recording/mcap_reader.hpp"
#include "streams/recording/recording_output.hpp"
#include "streams/selected_event.hpp"

namespace {

using namespace tamis::streams;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kPayloadBytes = 4096;
constexpr std::size_t kCommitBytes = 4UL * 1024 * 1024;

struct Options {
    std::filesystem::path folder = std::filesystem::temp_directory_path();
    std::size_t megabytes = 256;
    int rounds = 5;
};

double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

// Of this thread: what others do on a shared machine does not count.
double processor_seconds() {
    timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

std::uint64_t now_ns() {
    return static_cast<std::uint64_t>(Clock::now().time_since_epoch() /
                                      std::chrono::nanoseconds(1));
}

// Half of each payload is noise, half repeats itself, about as packed detector data does.
std::vector<std::string> make_events(std::size_t megabytes) {
    std::mt19937_64 random(1);
    std::vector<std::string> events(megabytes * 1'000'000 / kPayloadBytes);
    Event event;
    event.run = 1;
    event.sources_seen = 1;
    event.fragments.resize(1);
    event.fragments[0].source = 1;
    event.fragments[0].payload.resize(kPayloadBytes);
    Decision decision;
    decision.run = 1;
    decision.outcome = Outcome::accepted;
    decision.streams = 1;
    decision.paths.push_back({0, true, false, 0.5F, 0.25F});
    DecisionContext context;
    context.stream_names = {"physics"};
    for (std::size_t index = 0; index < events.size(); ++index) {
        event.number = index;
        decision.event = index;
        auto& payload = event.fragments[0].payload;
        for (std::size_t at = 0; at < kPayloadBytes; at += 16) {
            const std::uint64_t noise[2] = {random(), at + index};
            std::memcpy(payload.data() + at, noise, sizeof(noise));
        }
        encode_selected_event(event, decision, context, events[index]);
    }
    return events;
}

std::size_t bytes_of(const std::vector<std::string>& events) {
    std::size_t bytes = 0;
    for (const std::string& event : events) {
        bytes += event.size();
    }
    return bytes;
}

[[noreturn]] void give_up(const std::string& why) {
    fmt::print(stderr, "recording_bench: {}\n", why);
    std::exit(1);  // NOLINT(concurrency-mt-unsafe): nobody else ends the process
}

// Seconds until every event is on the disk.
double record(const std::vector<std::string>& events, const std::string& path,
              Compression compression) {
    RecordingOutputOptions options;
    options.path = path;
    options.stream_names = {"physics"};
    options.container.compression = compression;
    options.existing = ExistingRecording::replace;
    options.durability = Durability::group_commit;
    auto output = RecordingOutput::create(options);
    if (!output) {
        give_up(output.error());
    }
    const auto start = Clock::now();
    for (const std::string& event : events) {
        while ((*output)->send(std::as_bytes(std::span(event)), 1, now_ns()) !=
               SendResult::delivered) {
            (*output)->poll(now_ns());
        }
    }
    if (auto closed = (*output)->close({}, now_ns()); !closed) {
        give_up(closed.error());
    }
    return seconds_since(start);
}

// The least that anybody must do to have the same bytes on the disk, in blocks of a commit.
double write_plainly(const std::vector<std::string>& events, const std::string& path) {
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
    std::vector<char> block;
    block.reserve(kCommitBytes + 2 * kPayloadBytes);
    const auto start = Clock::now();
    const auto commit = [&] {
        for (std::size_t done = 0; done < block.size();) {
            const ssize_t count = ::write(file, block.data() + done, block.size() - done);
            if (count <= 0) {
                give_up("cannot write " + path);
            }
            done += static_cast<std::size_t>(count);
        }
        if (::fdatasync(file) != 0) {
            give_up("cannot sync " + path);
        }
        block.clear();
    };
    for (const std::string& event : events) {
        block.insert(block.end(), event.begin(), event.end());
        if (block.size() >= kCommitBytes) {
            commit();
        }
    }
    commit();
    const double seconds = seconds_since(start);
    ::close(file);
    return seconds;
}

struct Reading {
    double seconds = 0;
    std::vector<McapChunkIndex> chunks;
};

Reading read(const std::string& path, std::size_t expected_bytes) {
    const double start = processor_seconds();
    auto reader = McapReader::open(path);
    if (!reader) {
        give_up(reader.error());
    }
    while (reader->next() != nullptr) {
    }
    Reading reading{processor_seconds() - start, reader->seen().chunks};
    if (reader->end() != ReadEnd::complete || reader->counts().message_bytes != expected_bytes) {
        give_up("what was read is not what was recorded");
    }
    return reading;
}

// zstd alone over the same chunks, from memory.
double decompress(const std::string& path, const std::vector<McapChunkIndex>& chunks) {
    std::vector<std::byte> file(std::filesystem::file_size(path));
    std::FILE* const in = std::fopen(path.c_str(), "rb");
    if (in == nullptr || std::fread(file.data(), 1, file.size(), in) != file.size()) {
        give_up("cannot read " + path);
    }
    std::fclose(in);
    ChunkCodec codec;
    const double start = processor_seconds();
    for (const McapChunkIndex& chunk : chunks) {
        const std::size_t offset = chunk.chunk_offset + chunk.chunk_bytes - chunk.compressed_bytes;
        if (!codec.decompress(std::span(file).subspan(offset, chunk.compressed_bytes),
                              Compression::zstd, chunk.uncompressed_bytes)) {
            give_up("zstd does not give the chunk back");
        }
    }
    return processor_seconds() - start;
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

struct Figures {
    std::vector<double> recorder, plain, recorder_ratio, reader, zstd_reader, zstd_bare, zstd_ratio;
};

void run_round(const Options& options, const std::vector<std::string>& events, Figures& figures,
               bool is_plain_first) {
    const std::string ours = options.folder / "recording_bench.mcap";
    const std::string zstd = options.folder / "recording_bench_zstd.mcap";
    const std::string plain = options.folder / "recording_bench.plain";
    const double megabytes = static_cast<double>(bytes_of(events)) / 1e6;
    double plain_seconds = is_plain_first ? write_plainly(events, plain) : 0;
    const double seconds = record(events, ours, Compression::none);
    plain_seconds = is_plain_first ? plain_seconds : write_plainly(events, plain);
    figures.recorder.push_back(megabytes / seconds);
    figures.plain.push_back(megabytes / plain_seconds);
    figures.recorder_ratio.push_back(plain_seconds / seconds);
    figures.reader.push_back(megabytes / read(ours, bytes_of(events)).seconds);
    record(events, zstd, Compression::zstd);
    const Reading reading = read(zstd, bytes_of(events));
    const double bare = decompress(zstd, reading.chunks);
    figures.zstd_reader.push_back(megabytes / reading.seconds);
    figures.zstd_bare.push_back(megabytes / bare);
    figures.zstd_ratio.push_back(bare / reading.seconds);
    for (const std::string& path : {ours, zstd, plain}) {
        std::filesystem::remove(path);
    }
}

void print(const Figures& figures) {
    fmt::print("median of {} rounds, MB/s of event bytes\n", figures.recorder.size());
    fmt::print(
        "  recorder, durable, no compression  {:8.0f}   plain write + fdatasync {:8.0f}   "
        "ratio {:.2f} (wanted 0.70)\n",
        median(figures.recorder), median(figures.plain), median(figures.recorder_ratio));
    fmt::print("  reader, no compression             {:8.0f}   wanted 1500\n",
               median(figures.reader));
    fmt::print(
        "  reader, zstd                       {:8.0f}   zstd alone              {:8.0f}   "
        "ratio {:.2f} (wanted 500 MB/s or 0.80)\n",
        median(figures.zstd_reader), median(figures.zstd_bare), median(figures.zstd_ratio));
}

}  // namespace

int main(int argc, char** argv) {
    Options options;
    if (argc > 1) {
        options.folder = argv[1];
    }
    if (argc > 2) {
        options.megabytes = std::strtoul(argv[2], nullptr, 10);
    }
    if (argc > 3) {
        options.rounds = std::max(1, std::atoi(argv[3]));
    }
    if (argc > 4 || options.megabytes == 0 || !std::filesystem::is_directory(options.folder)) {
        give_up("usage: recording_bench [FOLDER [MEGABYTES [ROUNDS]]]");
    }
    const auto events = make_events(options.megabytes);
    fmt::print("{} events of {} bytes, {:.0f} MB, in {}\n", events.size(), events[0].size(),
               static_cast<double>(bytes_of(events)) / 1e6, options.folder.string());
    Figures figures;
    for (int round = 0; round < options.rounds; ++round) {
        run_round(options, events, figures, round % 2 == 1);
    }
    print(figures);
    return 0;
}
