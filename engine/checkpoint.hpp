// The state of a training as named numbers, and its file: Protobuf with a CRC-32C, written beside
// its name, synchronised and renamed, so that a crash leaves the old file or the new one. Networks,
// optimisers and trainers save themselves under prefixes of their own. Cold path; any thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <vector>

namespace tamis::engine {

struct Checkpoint {
    std::map<std::string, std::vector<float>> floats;
    std::map<std::string, std::vector<double>> reals;
    std::map<std::string, std::uint64_t> integers;
    bool operator==(const Checkpoint&) const = default;
};

// Error: the file cannot be written, with the system's reason; what was there stays.
[[nodiscard]] tl::expected<void, std::string> write_checkpoint(const Checkpoint& checkpoint,
                                                               const std::filesystem::path& path);
// Error, beginning with the path: not readable, damaged, no checkpoint, or of another version.
[[nodiscard]] tl::expected<Checkpoint, std::string> read_checkpoint(
    const std::filesystem::path& path);

// Takes numbers out of a checkpoint and keeps the first mistake, so that a restore is a list of
// reads. After a mistake what was restored is of no use.
class CheckpointReader {
 public:
    explicit CheckpointReader(const Checkpoint& checkpoint) : checkpoint_(checkpoint) {}

    void read(const std::string& name, std::span<float> into);
    void read(const std::string& name, std::uint64_t& into);
    void read(const std::string& name, double& into);
    void read(const std::string& name, std::vector<double>& into);  // any length
    void expect_same_length(std::span<const std::vector<double>> columns);
    // A setting that must be the same as when the checkpoint was written.
    void expect(const std::string& name, std::uint64_t value);

    [[nodiscard]] tl::expected<void, std::string> result() const;

 private:
    void fail(const std::string& mistake);
    const Checkpoint& checkpoint_;
    std::string mistake_;
};

}  // namespace tamis::engine
