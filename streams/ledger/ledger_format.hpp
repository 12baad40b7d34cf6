// The ledger of verdicts: one entry of 16 bytes for every event that has ended, appended in blocks.
// A block is written with one call and carries a checksum over all of it; a process that died in
// the middle of one leaves a torn end, which a reader leaves out. Little-endian.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "streams/decision.hpp"

namespace tamis::streams {

inline constexpr std::array<char, 4> kLedgerMagic{'T', 'V', 'L', '1'};
inline constexpr std::size_t kLedgerBlockEntries = 4096;  // at most

struct LedgerBlockHeader {
    std::array<char, 4> magic = kLedgerMagic;
    std::uint32_t entries = 0;
    std::uint32_t run = 0;
    std::uint32_t checksum = 0;  // CRC-32C of the block with this field 0
    std::uint64_t writer = 0;    // incarnation: ns since 1970 at its start
    std::uint64_t sequence = 0;  // of the block, from 1 for each writer
};
static_assert(sizeof(LedgerBlockHeader) == 32);

struct LedgerEntry {
    std::uint64_t event = 0;
    std::uint32_t outcome_and_latency = 0;  // outcome in the low 8 bits; us above, at most 2^24 - 1
    std::uint16_t streams = 0;              // the first 16 of the mask
    std::uint8_t delivery = 0;              // VerdictDelivery
    std::uint8_t reserved = 0;
};
static_assert(sizeof(LedgerEntry) == 16);

// What became of a selected event.
enum class VerdictDelivery : std::uint8_t {
    not_selected = 0,
    delivered = 1,  // to every output that wants it
    dropped = 2,    // by the named policy of an output
};

// How an event ended.
struct Verdict {
    std::uint32_t run = 0;
    std::uint64_t event = 0;
    Outcome outcome = Outcome::unspecified;
    VerdictDelivery delivery = VerdictDelivery::not_selected;
    std::uint16_t streams = 0;
    std::uint64_t latency_us = 0;
};

}  // namespace tamis::streams
