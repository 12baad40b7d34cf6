// Reads a ledger of verdicts from its begin to its last whole block. Cold path; any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <tl/expected.hpp>

#include "streams/ledger/ledger_format.hpp"

namespace tamis::streams {

struct LedgerEnd {
    std::uint64_t verdicts = 0;
    std::uint64_t blocks = 0;
    std::uint64_t writers = 0;      // processes that wrote it, one after the other
    std::uint64_t whole_bytes = 0;  // up to the end of the last whole block
    std::uint64_t torn_bytes = 0;   // behind it
    std::string torn_reason;        // why they are no block; empty: there are none
};

// Or why the file cannot be read; a torn end is no error.
[[nodiscard]] tl::expected<LedgerEnd, std::string> read_ledger(
    const std::string& path, const std::function<void(const Verdict&)>& verdict);

}  // namespace tamis::streams
