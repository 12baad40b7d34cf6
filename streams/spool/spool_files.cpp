#include "streams/spool/spool_files.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <gsl/assert>
#include <system_error>
#include <utility>

#include "streams/fragment.hpp"

namespace tamis::streams {
namespace {

constexpr std::size_t kHeaderBytes = SpoolFiles::kRecordBytes;
constexpr std::size_t kNumberDigits = 6;
constexpr std::string_view kSuffix = ".part";

std::string file_name(const std::string& path, std::uint32_t number) {
    std::string digits = std::to_string(number);
    digits.insert(0, kNumberDigits - std::min(kNumberDigits, digits.size()), '0');
    return path + "." + digits;
}

// Of PATH.000001.part; 0 for other names.
std::uint32_t number_of(const std::string& name, const std::string& prefix) {
    if (!name.starts_with(prefix) || !name.ends_with(kSuffix)) {
        return 0;
    }
    const std::string_view digits(name.data() + prefix.size(),
                                  name.size() - prefix.size() - kSuffix.size());
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    return error == std::errc{} && end == digits.data() + digits.size() ? number : 0;
}

std::array<std::byte, kHeaderBytes> header_of(std::span<const std::byte> message) noexcept {
    std::array<std::byte, kHeaderBytes> header;
    const auto size = static_cast<std::uint32_t>(message.size());
    const std::uint32_t sum = crc32c(message);
    std::memcpy(header.data(), &size, sizeof size);
    std::memcpy(header.data() + 4, &sum, sizeof sum);
    return header;
}

bool read_at(int descriptor, std::uint64_t position, std::span<std::byte> bytes) noexcept {
    for (std::size_t read = 0; read < bytes.size();) {
        const ssize_t count = pread(descriptor, bytes.data() + read, bytes.size() - read,
                                    static_cast<off_t>(position + read));
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count <= 0) {
            return false;
        }
        read += static_cast<std::size_t>(count);
    }
    return true;
}

}  // namespace

tl::expected<std::unique_ptr<SpoolFiles>, std::string> SpoolFiles::open(const Config& config) {
    std::unique_ptr<SpoolFiles> spool(new SpoolFiles(config));
    const std::filesystem::path path(config.path);
    const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    const std::string prefix = path.filename().string() + ".";
    for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
        const std::uint32_t number = number_of(entry.path().filename().string(), prefix);
        if (number != 0) {
            spool->files_.push_back({.number = number, .path = entry.path().string()});
        }
    }
    if (error) {
        return tl::unexpected("cannot spool to " + config.path + " (" + error.message() +
                              "); a file name in a folder of this process");
    }
    std::ranges::sort(spool->files_, {}, &File::number);
    for (File& file : spool->files_) {
        file.descriptor = ::open(file.path.c_str(), O_RDONLY | O_CLOEXEC);
        file.bytes = std::filesystem::file_size(file.path, error);
        spool->last_number_ = file.number;
    }
    return spool;
}

SpoolFiles::~SpoolFiles() {
    disk_.wait();
    for (const File& file : files_) {
        ::close(file.descriptor);
    }
}

std::uint64_t SpoolFiles::bytes() const noexcept {
    std::uint64_t bytes = 0;
    for (const File& file : files_) {
        bytes += file.bytes;
    }
    return bytes;
}

bool SpoolFiles::has_room(std::uint64_t message_bytes) const noexcept {
    return bytes() + message_bytes + kHeaderBytes <= config_.bytes;
}

bool SpoolFiles::begin_file() noexcept {
    auto made =
        OutputFile::create(file_name(config_.path, last_number_ + 1), ExistingFile::replace);
    if (!made) {
        return false;
    }
    File file{.number = ++last_number_, .path = made->written_path()};
    file.output = std::make_unique<OutputFile>(std::move(*made));
    file.descriptor = ::open(file.path.c_str(), O_RDONLY | O_CLOEXEC);
    files_.push_back(std::move(file));
    return true;
}

// To the file that is being written; a new one where that is large enough, and safe.
bool SpoolFiles::append(std::span<const std::byte> message) noexcept {
    const bool has_output = !files_.empty() && files_.back().output;
    const bool is_large = has_output && files_.back().bytes >= config_.file_bytes;
    if (is_large && durable_ == written_ && syncing_ == 0) {
        end_file(files_.back());
    }
    if ((files_.empty() || !files_.back().output) && !begin_file()) {
        return false;
    }
    File& file = files_.back();
    const auto header = header_of(message);
    if (file.output->append({header, message}) != WriteStatus::written) {
        return false;
    }
    file.bytes = file.output->size();
    return true;
}

SendResult SpoolFiles::write(std::span<const std::byte> message) noexcept {
    Expects(!message.empty());
    if (!has_room(message.size()) || !write_failed_again() || !append(message)) {
        return SendResult::full;
    }
    unsynced_.emplace_back(message.begin(), message.end());
    ++written_;
    return SendResult::delivered;
}

void SpoolFiles::end_file(File& file) noexcept { file.output.reset(); }

// The disk's answer: what was written before its job is safe. A file that it failed is written no
// more; what it may not hold goes into the next one too, and may be given twice.
void SpoolFiles::take_sync(File& file) noexcept {
    const std::uint64_t synced = std::exchange(syncing_, 0);
    if (file.output->note_sync(disk_.result()) != WriteStatus::written) {
        end_file(file);
        to_write_again_ = unsynced_.size();
        return;
    }
    unsynced_.erase(unsynced_.begin(),
                    unsynced_.begin() + static_cast<std::ptrdiff_t>(synced - durable_));
    durable_ = synced;
}

bool SpoolFiles::write_failed_again() noexcept {
    for (; to_write_again_ > 0; --to_write_again_) {
        if (!append(unsynced_[unsynced_.size() - to_write_again_])) {
            return false;
        }
    }
    return true;
}

std::size_t SpoolFiles::poll() noexcept {
    if (disk_.is_busy()) {
        return 0;
    }
    if (syncing_ != 0) {
        take_sync(files_.back());
        return 1;
    }
    if (durable_ == written_ || !write_failed_again()) {
        return 0;
    }
    syncing_ = written_;
    disk_.start_sync(*files_.back().output);
    return 1;
}

// The next record of the file into message_; false at its end.
bool SpoolFiles::read(File& file) noexcept {
    std::array<std::byte, kHeaderBytes> header;
    if (file.position + kHeaderBytes > file.bytes ||
        !read_at(file.descriptor, file.position, header)) {
        return false;
    }
    std::uint32_t size = 0;
    std::uint32_t sum = 0;
    std::memcpy(&size, header.data(), sizeof size);
    std::memcpy(&sum, header.data() + 4, sizeof sum);
    if (size == 0 || file.position + kHeaderBytes + size > file.bytes) {
        return false;
    }
    message_.resize(size);
    if (!read_at(file.descriptor, file.position + kHeaderBytes, message_) ||
        crc32c(message_) != sum) {
        return false;
    }
    file.position += kHeaderBytes + size;
    ++file.given;
    return true;
}

std::span<const std::byte> SpoolFiles::next() noexcept {
    for (; reading_ < files_.size(); ++reading_) {
        File& file = files_[reading_];
        if (read(file)) {
            return message_;
        }
        if (file.output) {
            break;  // more will come here
        }
        unreadable_bytes_ += file.is_damage_counted ? 0 : file.bytes - file.position;
        file.is_damage_counted = true;
        file.position = file.bytes;
    }
    remove_arrived();
    return {};
}

void SpoolFiles::rewind() noexcept {
    reading_ = 0;
    for (File& file : files_) {
        file.position = 0;
        const std::uint64_t arrived = file.forgotten;
        file.given = 0;
        while (file.given < arrived && read(file)) {
        }
    }
}

void SpoolFiles::forget(std::uint64_t count) noexcept {
    for (File& file : files_) {
        const std::uint64_t here = std::min(count, file.given - file.forgotten);
        file.forgotten += here;
        count -= here;
    }
    Ensures(count == 0);
    remove_arrived();
}

// Files that were read whole and of which everything has arrived.
void SpoolFiles::remove_arrived() noexcept {
    while (!files_.empty()) {
        File& file = files_.front();
        const bool is_read = file.position == file.bytes && file.given == file.forgotten;
        const bool is_written = !file.output || (durable_ == written_ && syncing_ == 0);
        if (!is_read || !is_written) {
            return;
        }
        ::close(file.descriptor);
        file.output.reset();
        std::error_code ignored;
        std::filesystem::remove(file.path, ignored);
        files_.pop_front();
        reading_ -= reading_ > 0 ? 1 : 0;
    }
}

}  // namespace tamis::streams
