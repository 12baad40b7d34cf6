#include "daemon/commands/feature_collector.hpp"

#include "models/event_features.hpp"
#include "streams/csv_table.hpp"

namespace tamis::daemon {

void FeatureCollector::add(const streams::Event& event) noexcept {
    inputs_.attach(event);
    const auto features = inputs_.high_level_features();
    if (!features) {
        ++without_features_;
        return;
    }
    values_.insert(values_.end(), (*features)->begin(), (*features)->end());
}

models::FeatureTable FeatureCollector::table() const {
    return {.columns = {models::kFeatureNames.begin(), models::kFeatureNames.end()},
            .values = values_};
}

tl::expected<void, std::string> FeatureCollector::write(const std::filesystem::path& file) const {
    const std::vector<std::string> columns(models::kFeatureNames.begin(),
                                           models::kFeatureNames.end());
    return streams::write_csv_table(file, columns, values_);
}

}  // namespace tamis::daemon
