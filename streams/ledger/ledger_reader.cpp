#include "streams/ledger/ledger_reader.hpp"

#include <cstring>
#include <fstream>
#include <span>
#include <system_error>
#include <vector>

#include "streams/fragment.hpp"

namespace tamis::streams {
namespace {

class Reader {
 public:
    // starts_inside: the file is at a block that others may precede.
    Reader(std::istream& file, LedgerEnd& end, bool starts_inside)
        : file_(file), end_(end), starts_inside_(starts_inside) {}

    // The next whole block; false at the end or where what follows is none.
    bool next() {
        block_.resize(sizeof(LedgerBlockHeader));
        const std::size_t read = fill(block_);
        if (read == 0) {
            return false;
        }
        if (read < block_.size()) {
            return tear("a block header is cut off");
        }
        std::memcpy(&header_, block_.data(), sizeof header_);
        if (header_.magic != kLedgerMagic) {
            return tear("no block begins here");
        }
        if (header_.entries == 0 || header_.entries > kLedgerBlockEntries) {
            return tear("a block of an impossible size");
        }
        block_.resize(sizeof header_ + header_.entries * sizeof(LedgerEntry));
        if (fill(std::span(block_).subspan(sizeof header_)) < block_.size() - sizeof header_) {
            return tear("a block is cut off");
        }
        LedgerBlockHeader unsummed = header_;
        unsummed.checksum = 0;
        std::memcpy(block_.data(), &unsummed, sizeof unsummed);
        if (crc32c(block_) != header_.checksum) {
            return tear("a block's checksum is wrong");
        }
        return is_in_order();
    }

    [[nodiscard]] Verdict verdict(std::size_t index) const {
        LedgerEntry entry;
        std::memcpy(&entry, block_.data() + sizeof header_ + index * sizeof entry, sizeof entry);
        return {.run = header_.run,
                .event = entry.event,
                .outcome = static_cast<Outcome>(entry.outcome_and_latency & 0xffU),
                .delivery = static_cast<VerdictDelivery>(entry.delivery),
                .streams = entry.streams,
                .latency_us = entry.outcome_and_latency >> 8U};
    }
    [[nodiscard]] std::size_t entries() const { return header_.entries; }
    [[nodiscard]] std::size_t block_bytes() const { return block_.size(); }

 private:
    std::size_t fill(std::span<std::byte> bytes) {
        file_.read(reinterpret_cast<char*>(bytes.data()),
                   static_cast<std::streamsize>(bytes.size()));
        return static_cast<std::size_t>(file_.gcount());
    }

    bool tear(const char* reason) {
        end_.torn_reason = reason;
        return false;
    }

    bool is_in_order() {
        const bool continues = header_.writer == writer_ && header_.sequence == sequence_ + 1;
        const bool is_first = writer_ == 0 && starts_inside_;
        const bool begins = is_first || (header_.writer > writer_ && header_.sequence == 1);
        if (!continues && !begins) {
            return tear("a block is missing before this one");
        }
        end_.writers += begins ? 1 : 0;
        writer_ = header_.writer;
        sequence_ = header_.sequence;
        return true;
    }

    std::istream& file_;
    LedgerEnd& end_;
    bool starts_inside_;
    std::vector<std::byte> block_;
    LedgerBlockHeader header_;
    std::uint64_t writer_ = 0;
    std::uint64_t sequence_ = 0;
};

std::string unreadable(const std::string& path) {
    return path + ": cannot be read (" + std::generic_category().message(errno) +
           "); the ledger of a node";
}

// From a block that begins at `from` to the end.
LedgerEnd read_from(std::istream& file, std::uint64_t from,
                    const std::function<void(const Verdict&)>& verdict) {
    LedgerEnd end;
    file.clear();
    file.seekg(static_cast<std::streamoff>(from));
    Reader reader(file, end, from > 0);
    end.whole_bytes = from;
    while (reader.next()) {
        for (std::size_t i = 0; i < reader.entries(); ++i) {
            verdict(reader.verdict(i));
        }
        end.verdicts += reader.entries();
        end.whole_bytes += reader.block_bytes();
        ++end.blocks;
    }
    file.clear();
    file.seekg(0, std::ios::end);
    end.torn_bytes = static_cast<std::uint64_t>(file.tellg()) - end.whole_bytes;
    return end;
}

// The first whole block in [from, from + one block's greatest size); 0 when there is none.
std::uint64_t find_block(std::istream& file, std::uint64_t from) {
    constexpr std::size_t kGreatest =
        sizeof(LedgerBlockHeader) + kLedgerBlockEntries * sizeof(LedgerEntry);
    std::string window(kGreatest + sizeof(LedgerBlockHeader), '\0');
    file.clear();
    file.seekg(static_cast<std::streamoff>(from));
    file.read(window.data(), static_cast<std::streamsize>(window.size()));
    window.resize(static_cast<std::size_t>(file.gcount()));
    const std::string_view magic(kLedgerMagic.data(), kLedgerMagic.size());
    for (std::size_t at = window.find(magic); at != std::string::npos;
         at = window.find(magic, at + 1)) {
        LedgerEnd ignored;
        file.clear();
        file.seekg(static_cast<std::streamoff>(from + at));
        if (Reader(file, ignored, true).next()) {
            return from + at;
        }
    }
    return 0;
}

}  // namespace

tl::expected<LedgerEnd, std::string> read_ledger(
    const std::string& path, const std::function<void(const Verdict&)>& verdict) {
    std::ifstream file(path, std::ios::binary);
    if (!file) {
        return tl::unexpected(unreadable(path));
    }
    return read_from(file, 0, verdict);
}

tl::expected<LedgerEnd, std::string> read_ledger_tail(
    const std::string& path, std::uint64_t verdicts,
    const std::function<void(const Verdict&)>& verdict) {
    std::ifstream file(path, std::ios::binary | std::ios::ate);
    if (!file) {
        return tl::unexpected(unreadable(path));
    }
    // Blocks of one entry are the longest way to write so many; one block more for where it begins.
    const auto size = static_cast<std::uint64_t>(file.tellg());
    const std::uint64_t wanted = verdicts * (sizeof(LedgerBlockHeader) + sizeof(LedgerEntry)) +
                                 kLedgerBlockEntries * sizeof(LedgerEntry) +
                                 2 * sizeof(LedgerBlockHeader);
    const std::uint64_t from = size > wanted ? find_block(file, size - wanted) : 0;
    return read_from(file, from, verdict);
}

}  // namespace tamis::streams
