#include "streams/recording/tamis_json_event.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "streams/recording/event_source.hpp"

namespace tamis::streams {
namespace {

using EventJson = nlohmann::json;

// The fields of one nested object; what is absent or no number is the row's problem.
class Fields {
 public:
    Fields(JsonRow& row, const EventJson& object, std::string place)
        : row_(row), object_(object), place_(std::move(place)) {}

    float number(const char* name) {
        const EventJson* const value = find(name);
        if (value == nullptr || !value->is_number() || !is_storable(value->get<double>())) {
            row_.refuse(place_ + "." + name, "no number that fits a float");
            return 0;
        }
        return static_cast<float>(value->get<double>());
    }
    std::int32_t integer(const char* name) {
        const EventJson* const value = find(name);
        if (value == nullptr || !value->is_number_integer() || value->get<std::int64_t>() < -1000 ||
            value->get<std::int64_t>() > 1000) {
            row_.refuse(place_ + "." + name, "no integer from -1000 to 1000");
            return 0;
        }
        return value->get<std::int32_t>();
    }
    std::vector<float> numbers(const char* name) {
        std::vector<float> result;
        const EventJson* const list = find(name);
        if (list == nullptr || !list->is_array()) {
            row_.refuse(place_ + "." + name, "no array");
            return result;
        }
        for (const EventJson& value : *list) {
            if (!value.is_number() || !is_storable(value.get<double>())) {
                row_.refuse(place_ + "." + name, "not all are numbers that fit a float");
                break;
            }
            result.push_back(static_cast<float>(value.get<double>()));
        }
        return result;
    }

 private:
    const EventJson* find(const char* name) const {
        const auto found = object_.is_object() ? object_.find(name) : object_.end();
        return found == object_.end() ? nullptr : &*found;
    }

    JsonRow& row_;
    const EventJson& object_;
    std::string place_;
};

// Calls `take` with each object of a list, if the row has it.
template <typename Take>
void for_each_object(JsonRow& row, const char* name, const Take& take) {
    if (!row.has(name)) {
        return;
    }
    const EventJson& list = row.object().at(name);
    if (!list.is_array()) {
        row.refuse(name, "not an array");
        return;
    }
    for (std::size_t index = 0; index < list.size() && !row.problem(); ++index) {
        Fields fields(row, list[index], std::string(name) + "[" + std::to_string(index) + "]");
        take(fields);
    }
}

void read_leptons(JsonRow& row, const char* name, std::vector<ImportedLepton>& leptons) {
    for_each_object(row, name, [&](Fields& lepton) {
        leptons.push_back({lepton.number("pt"), lepton.number("eta"), lepton.number("phi"),
                           lepton.integer("charge"), lepton.number("iso_charged"),
                           lepton.number("iso_photon"), lepton.number("iso_neutral")});
    });
}

std::uint32_t small_count(JsonRow& row, const char* name) {
    return row.has(name) ? static_cast<std::uint32_t>(
                               row.count(name, std::numeric_limits<std::uint32_t>::max()))
                         : 0;
}

void read_clusters(JsonRow& row, ImportedEvent& event) {
    if (row.has("average_mu")) {
        event.average_mu = Fields(row, row.object(), "event").number("average_mu");
    }
    for_each_object(row, "clusters", [&](Fields& fields) {
        ImportedCluster& cluster = event.clusters.emplace_back();
        cluster.et = fields.number("et");
        cluster.eta = fields.number("eta");
        cluster.phi = fields.number("phi");
        const std::vector<float> rings = fields.numbers("rings");
        if (rings.size() == kRingCount) {
            std::copy(rings.begin(), rings.end(), cluster.rings.begin());
        } else {
            row.refuse("clusters", "rings that are not " + std::to_string(kRingCount));
        }
    });
}

}  // namespace

void read_tamis_event(JsonRow& row, ImportedEvent& event) {
    event.run = small_count(row, "run");
    event.number = row.count("event");
    event.timestamp_ns = row.has("timestamp_ns") ? row.count("timestamp_ns") : 0;
    read_leptons(row, "electrons", event.electrons);
    read_leptons(row, "muons", event.muons);
    for_each_object(row, "jets", [&](Fields& jet) {
        event.jets.push_back({jet.number("pt"), jet.number("eta"), jet.number("phi"),
                              jet.number("mass"), jet.number("btag")});
    });
    if (row.has("met")) {
        Fields met(row, row.object().at("met"), "met");
        event.met_pt = met.number("pt");
        event.met_phi = met.number("phi");
    }
    event.charged_hadrons = small_count(row, "charged_hadrons");
    event.neutral_hadrons = small_count(row, "neutral_hadrons");
    event.vertices = small_count(row, "vertices");
    read_clusters(row, event);
    if (row.has("features")) {
        const EventJson& features = row.object().at("features");
        event.features = Fields(row, features, "features").numbers("values");
        if (features.is_object() && features.contains("schema") &&
            features.at("schema").is_string()) {
            event.feature_schema = features.at("schema").get<std::string>();
        }
    }
}

}  // namespace tamis::streams
