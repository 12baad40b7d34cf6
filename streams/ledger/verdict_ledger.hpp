// Writes the ledger of verdicts: what an event came to, before its sources hear that they may
// forget it. A node that starts again on the same ledger knows what it has decided. What was
// flushed survives the death of the process, not that of the machine. One thread; add() and
// flush() allocate nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "streams/ledger/ledger_format.hpp"
#include "streams/ledger/ledger_reader.hpp"

namespace tamis::streams {

class VerdictLedger {
 public:
    // Appends to the file, or makes it. Each verdict that is in it goes to `recalled`; a torn end
    // is cut off (`end` says how much it was).
    [[nodiscard]] static tl::expected<std::unique_ptr<VerdictLedger>, std::string> open(
        const std::string& path, const std::function<void(const Verdict&)>& recalled);
    ~VerdictLedger();
    VerdictLedger(const VerdictLedger&) = delete;
    VerdictLedger& operator=(const VerdictLedger&) = delete;

    // False when there is no room before the next flush().
    [[nodiscard]] bool add(const Verdict& verdict) noexcept;
    // Hands everything added to the system; false when it does not take it (a full disk): nothing
    // is lost, try again.
    [[nodiscard]] bool flush() noexcept;

    [[nodiscard]] const LedgerEnd& found() const noexcept { return found_; }
    [[nodiscard]] std::uint64_t failures() const noexcept { return failures_; }

 private:
    VerdictLedger(int file, LedgerEnd found, std::uint64_t writer);
    [[nodiscard]] bool write_block() noexcept;

    int file_;
    LedgerEnd found_;
    std::uint64_t end_;  // of the last whole block
    std::uint64_t failures_ = 0;
    LedgerBlockHeader header_;
    std::vector<std::byte> block_;  // room for the header, then entries
    std::size_t entries_ = 0;
};

}  // namespace tamis::streams
