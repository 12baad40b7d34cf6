#include "daemon/rate_study.hpp"

namespace tamis::daemon {

RateStudy::RateStudy(const TriggerMenu& menu)
    : menu_(&menu),
      paths_(menu.paths().size()),
      streams_(menu.context().stream_names.size()),
      overlaps_(paths_.size() * paths_.size()) {
    passing_.reserve(paths_.size());
}

void RateStudy::add(const streams::Decision& decision) noexcept {
    for (std::size_t stream = 0; stream < streams_.size(); ++stream) {
        streams_[stream] += decision.streams >> stream & 1U;
    }
    if (decision.outcome != streams::Outcome::accepted &&
        decision.outcome != streams::Outcome::rejected) {
        ++debug_;
        return;
    }
    ++events_;
    passing_.clear();
    for (const auto& result : decision.paths) {
        PathRate& path = paths_[result.path];
        ++path.seeded;
        path.prescaled_away += result.prescaled_away ? 1 : 0;
        if (result.accepted) {
            ++path.accepted;
            passing_.push_back(result.path);
        }
    }
    accepted_ += decision.outcome == streams::Outcome::accepted ? 1 : 0;
    if (passing_.size() == 1) {
        ++paths_[passing_.front()].unique;
    }
    for (const std::uint32_t one : passing_) {
        for (const std::uint32_t other : passing_) {
            ++overlaps_[one * paths_.size() + other];
        }
    }
}

}  // namespace tamis::daemon
