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
    Reader(std::istream& file, LedgerEnd& end) : file_(file), end_(end) {}

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
        const bool begins = header_.writer > writer_ && header_.sequence == 1;
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
    std::vector<std::byte> block_;
    LedgerBlockHeader header_;
    std::uint64_t writer_ = 0;
    std::uint64_t sequence_ = 0;
};

}  // namespace

tl::expected<LedgerEnd, std::string> read_ledger(
    const std::string& path, const std::function<void(const Verdict&)>& verdict) {
    std::ifstream file(path, std::ios::binary);
    if (!file) {
        return tl::unexpected(path + ": cannot be read (" + std::generic_category().message(errno) +
                              "); the ledger of a node");
    }
    LedgerEnd end;
    Reader reader(file, end);
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

}  // namespace tamis::streams
