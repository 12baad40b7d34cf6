#include "daemon/commands/decision_comparison.hpp"

#include <utility>

namespace tamis::daemon {

DecisionComparison::DecisionComparison(const TriggerMenu& menu,
                                       const streams::RecordedDecisions* recorded, std::size_t show,
                                       FeatureCollector* features)
    : menu_(menu), recorded_(recorded), show_(show), features_(features) {
    for (const TriggerPath& path : menu.paths()) {
        streams::DecidingPath deciding{.name = path.name, .model = {}};
        if (path.cut) {
            deciding.model = path.cut->model;
        }
        paths_.push_back(std::move(deciding));
    }
}

void DecisionComparison::on_decision(const streams::Event& event, const streams::Decision& decision,
                                     Delivery /*delivery*/) noexcept {
    digest_.add(decision);
    if (features_ != nullptr) {
        features_->add(event);
    }
    if (recorded_ == nullptr) {
        return;
    }
    const streams::RecordedDecision* before = recorded_->find(event.run, event.number);
    if (before == nullptr) {
        ++missing_;
        return;
    }
    ++compared_;
    other_menu_ += before->menu_hash == menu_.context().menu_hash ? 0 : 1;
    auto difference = streams::find_difference(*before, decision, menu_.context(), paths_);
    if (!difference) {
        return;
    }
    ++different_;
    ++causes_[static_cast<std::size_t>(difference->cause)];
    if (shown_.size() < show_) {
        shown_.push_back({event.run, event.number, *std::move(difference)});
    }
}

}  // namespace tamis::daemon
