#include "streams/ledger/verdict_ledger.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "streams/fragment.hpp"

namespace tamis::streams {
namespace {

constexpr std::uint64_t kLongestLatencyUs = (1U << 24U) - 1;

std::string because(const std::string& path, const std::string& what) {
    return path + ": " + what + " (" + std::generic_category().message(errno) +
           "); a file that this process may write";
}

}  // namespace

tl::expected<std::unique_ptr<VerdictLedger>, std::string> VerdictLedger::open(
    const std::string& path, const std::function<void(const Verdict&)>& recalled) {
    LedgerEnd found;
    if (std::filesystem::exists(path)) {
        auto read = read_ledger(path, recalled);
        if (!read) {
            return tl::unexpected(read.error());
        }
        found = *std::move(read);
    }
    if (found.torn_bytes > 0 && found.whole_bytes == 0) {
        return tl::unexpected(path + ": is no ledger (" + found.torn_reason +
                              "); the ledger of this node, or a file that does not exist");
    }
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (file < 0) {
        return tl::unexpected(because(path, "cannot be opened"));
    }
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    std::unique_ptr<VerdictLedger> ledger(new VerdictLedger(
        file, std::move(found), static_cast<std::uint64_t>(std::chrono::nanoseconds(now).count())));
    if (ftruncate(file, static_cast<off_t>(ledger->end_)) != 0) {
        return tl::unexpected(because(path, "its torn end cannot be cut off"));
    }
    return ledger;
}

VerdictLedger::VerdictLedger(int file, LedgerEnd found, std::uint64_t writer)
    : file_(file),
      found_(std::move(found)),
      end_(found_.whole_bytes),
      block_(sizeof(LedgerBlockHeader) + kLedgerBlockEntries * sizeof(LedgerEntry)) {
    header_.writer = writer;
}

VerdictLedger::~VerdictLedger() { close(file_); }

bool VerdictLedger::add(const Verdict& verdict) noexcept {
    const bool is_full = entries_ == kLedgerBlockEntries;
    if (entries_ > 0 && (is_full || verdict.run != header_.run) && !write_block()) {
        return false;
    }
    header_.run = verdict.run;
    const auto latency =
        static_cast<std::uint32_t>(std::min(verdict.latency_us, kLongestLatencyUs));
    const LedgerEntry entry{
        .event = verdict.event,
        .outcome_and_latency = static_cast<std::uint32_t>(verdict.outcome) | latency << 8U,
        .streams = verdict.streams,
        .delivery = static_cast<std::uint8_t>(verdict.delivery)};
    std::memcpy(block_.data() + sizeof header_ + entries_ * sizeof entry, &entry, sizeof entry);
    ++entries_;
    return true;
}

bool VerdictLedger::flush() noexcept { return entries_ == 0 || write_block(); }

bool VerdictLedger::write_block() noexcept {
    const std::size_t bytes = sizeof header_ + entries_ * sizeof(LedgerEntry);
    LedgerBlockHeader header = header_;
    header.entries = static_cast<std::uint32_t>(entries_);
    ++header.sequence;
    std::memcpy(block_.data(), &header, sizeof header);
    header.checksum = crc32c(std::span(block_).first(bytes));
    std::memcpy(block_.data(), &header, sizeof header);
    for (std::size_t written = 0; written < bytes;) {
        const ssize_t count = pwrite(file_, block_.data() + written, bytes - written,
                                     static_cast<off_t>(end_ + written));
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count <= 0) {
            ++failures_;  // the next try writes over what was written of this one
            return false;
        }
        written += static_cast<std::size_t>(count);
    }
    end_ += bytes;
    header_.sequence = header.sequence;
    entries_ = 0;
    return true;
}

}  // namespace tamis::streams
