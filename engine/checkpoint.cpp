#include "engine/checkpoint.hpp"

#include <fcntl.h>
#include <isa-l/crc.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "engine/checkpoint.pb.h"

namespace tamis::engine {

namespace {

constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kMaxFileBytes = std::size_t{1} << 30;

tl::unexpected<std::string> refuse(const std::filesystem::path& path, const std::string& why) {
    return tl::unexpected(path.string() + ": " + why);
}

tl::unexpected<std::string> refuse_by_errno(const std::filesystem::path& path,
                                            const std::string& action) {
    return refuse(path, "cannot " + action + " the checkpoint (" +
                            std::generic_category().message(errno) + ")");
}

std::uint32_t crc32c(const std::string& bytes) {
    // The library's interface is not const; it only reads.
    auto* begin = reinterpret_cast<unsigned char*>(const_cast<char*>(bytes.data()));  // NOLINT
    return ~crc32_iscsi(begin, static_cast<int>(bytes.size()), ~0U);
}

std::string content_of(const Checkpoint& checkpoint) {
    wire::CheckpointContent content;
    content.set_version(kVersion);
    for (const auto& [name, values] : checkpoint.floats) {
        auto* array = content.add_floats();
        array->set_name(name);
        array->mutable_values()->Add(values.begin(), values.end());
    }
    for (const auto& [name, values] : checkpoint.reals) {
        auto* array = content.add_reals();
        array->set_name(name);
        array->mutable_values()->Add(values.begin(), values.end());
    }
    for (const auto& [name, value] : checkpoint.integers) {
        auto* integer = content.add_integers();
        integer->set_name(name);
        integer->set_value(value);
    }
    return content.SerializeAsString();
}

bool write_all(int descriptor, const std::string& bytes) {
    for (std::size_t done = 0; done < bytes.size();) {
        const ssize_t wrote = ::write(descriptor, bytes.data() + done, bytes.size() - done);
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote <= 0) return false;
        done += static_cast<std::size_t>(wrote);
    }
    return ::fsync(descriptor) == 0;
}

// The new name itself must survive a power cut.
void synchronise_folder(const std::filesystem::path& path) {
    const auto folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
    const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return;
    ::fsync(descriptor);
    ::close(descriptor);
}

}  // namespace

tl::expected<void, std::string> write_checkpoint(const Checkpoint& checkpoint,
                                                 const std::filesystem::path& path) {
    wire::CheckpointFile file;
    file.set_content(content_of(checkpoint));
    file.set_crc32c(crc32c(file.content()));
    const std::string bytes = file.SerializeAsString();
    if (bytes.size() > kMaxFileBytes) {
        return refuse(path, "the checkpoint would have " + std::to_string(bytes.size()) +
                                " bytes (too large); at most " + std::to_string(kMaxFileBytes));
    }
    const std::filesystem::path part = path.string() + ".part";
    const int descriptor = ::open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (descriptor < 0) return refuse_by_errno(path, "create");
    const bool wrote = write_all(descriptor, bytes);
    const int error_number = errno;
    if (::close(descriptor) != 0 || !wrote) {
        errno = wrote ? errno : error_number;
        return refuse_by_errno(path, "write");
    }
    if (std::rename(part.c_str(), path.c_str()) != 0) return refuse_by_errno(path, "rename");
    synchronise_folder(path);
    return {};
}

tl::expected<Checkpoint, std::string> read_checkpoint(const std::filesystem::path& path) {
    std::error_code error;
    const std::uintmax_t size = std::filesystem::file_size(path, error);
    if (error) return refuse(path, "cannot read the checkpoint (" + error.message() + ")");
    if (size > kMaxFileBytes) return refuse(path, "no checkpoint (too large)");
    std::ifstream stream(path, std::ios::binary);
    std::string bytes(size, '\0');
    if (!stream.read(bytes.data(), static_cast<std::streamsize>(size))) {
        return refuse(path, "cannot read the checkpoint");
    }
    wire::CheckpointFile file;
    if (!file.ParseFromString(bytes) || file.crc32c() != crc32c(file.content())) {
        return refuse(path,
                      "damaged (its checksum does not fit); remove it to begin the training anew");
    }
    wire::CheckpointContent content;
    if (!content.ParseFromString(file.content()) || content.version() != kVersion) {
        return refuse(path, "written by another version of the program; version " +
                                std::to_string(kVersion) + " is read");
    }
    Checkpoint checkpoint;
    for (const auto& array : content.floats()) {
        checkpoint.floats[array.name()].assign(array.values().begin(), array.values().end());
    }
    for (const auto& array : content.reals()) {
        checkpoint.reals[array.name()].assign(array.values().begin(), array.values().end());
    }
    for (const auto& integer : content.integers()) {
        checkpoint.integers[integer.name()] = integer.value();
    }
    return checkpoint;
}

void CheckpointReader::fail(const std::string& mistake) {
    if (mistake_.empty()) mistake_ = mistake;
}

void CheckpointReader::read(const std::string& name, std::span<float> into) {
    const auto found = checkpoint_.floats.find(name);
    if (found == checkpoint_.floats.end() || found->second.size() != into.size()) {
        return fail("it has no " + std::to_string(into.size()) + " values of \"" + name + "\"");
    }
    std::ranges::copy(found->second, into.begin());
}

void CheckpointReader::read(const std::string& name, std::uint64_t& into) {
    const auto found = checkpoint_.integers.find(name);
    if (found == checkpoint_.integers.end()) return fail("it has no \"" + name + "\"");
    into = found->second;
}

void CheckpointReader::read(const std::string& name, double& into) {
    std::vector<double> values;
    read(name, values);
    if (!mistake_.empty()) return;
    if (values.size() != 1) return fail("it has no single value of \"" + name + "\"");
    into = values[0];
}

void CheckpointReader::read(const std::string& name, std::vector<double>& into) {
    const auto found = checkpoint_.reals.find(name);
    if (found == checkpoint_.reals.end()) return fail("it has no \"" + name + "\"");
    into = found->second;
}

void CheckpointReader::expect(const std::string& name, std::uint64_t value) {
    std::uint64_t written = value;
    read(name, written);
    if (written != value) {
        fail("\"" + name + "\" was " + std::to_string(written) + " and is now " +
             std::to_string(value));
    }
}

void CheckpointReader::expect_same_length(std::span<const std::vector<double>> columns) {
    for (const std::vector<double>& column : columns) {
        if (column.size() != columns[0].size()) fail("its lists of epochs differ in length");
    }
}

tl::expected<void, std::string> CheckpointReader::result() const {
    if (mistake_.empty()) return {};
    return tl::unexpected("the checkpoint is of another training (" + mistake_ +
                          "); give it the settings it was begun with, or remove the file");
}

}  // namespace tamis::engine
