#include "daemon/decision_digest.hpp"

#include <Random123/philox.h>

#include <bit>

namespace tamis::daemon {

namespace {

// Absorbs words one after the other; each step is a bijection of the state for a given word.
class Hash {
 public:
    void absorb(std::uint64_t word) noexcept {
        const r123::Philox2x64::ctr_type counter{{state_, word}};
        const auto mixed = r123::Philox2x64{}(counter, {{0x54616d6973ULL}});
        state_ = mixed[0] ^ mixed[1];
    }
    [[nodiscard]] std::uint64_t value() const noexcept { return state_; }

 private:
    std::uint64_t state_ = 0;
};

}  // namespace

void DecisionDigest::add(const streams::Decision& decision) noexcept {
    Hash hash;
    hash.absorb(decision.run);
    hash.absorb(decision.event);
    hash.absorb(static_cast<std::uint64_t>(decision.outcome));
    hash.absorb(decision.streams);
    for (const auto& path : decision.paths) {
        hash.absorb(std::uint64_t{path.path} << 2U | (path.accepted ? 2U : 0U) |
                    (path.prescaled_away ? 1U : 0U));
        hash.absorb(std::uint64_t{std::bit_cast<std::uint32_t>(path.score)} << 32U |
                    std::bit_cast<std::uint32_t>(path.threshold));
    }
    sum_ += hash.value();
    ++events_;
}

}  // namespace tamis::daemon
