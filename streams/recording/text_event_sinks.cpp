#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <utility>

#include "streams/recording/event_sink.hpp"
#include "streams/recording/line_file.hpp"

namespace tamis::streams {
namespace {

using Json = nlohmann::ordered_json;

tl::expected<LineFile, std::string> open_lines(const std::string& path, ExportStart start) {
    return start == ExportStart::resume ? LineFile::resume(path)
                                        : LineFile::create(path, start == ExportStart::replace);
}

// The shortest text that reads back as the same float.
template <typename Number>
std::string text_of(Number value) {
    char text[32];
    const auto result = std::to_chars(std::begin(text), std::end(text), value);
    return {text, result.ptr};
}

class CsvEventSink final : public EventSink {
 public:
    CsvEventSink(LineFile lines, ExportNames names)
        : lines_(std::move(lines)), names_(std::move(names)) {}

    std::uint64_t resumed_count() const override {
        return lines_.resumed_lines() == 0 ? 0 : lines_.resumed_lines() - 1;
    }

    // The first event says how many paths and features there are, where the recording does not.
    void add(const RecordedEvent& event) override {
        if (!has_columns_) {
            find_columns(event);
        }
        const ImportedEvent& contents = event.contents;
        line_ = text_of(contents.run) + ',' + text_of(contents.number) + ',' +
                text_of(contents.timestamp_ns);
        if (path_count_ > 0) {
            add_decision(event);
        }
        add_numbers(event.derived, names_.derived.size());
        add_numbers(contents.feature_schema == schema_ ? contents.features : std::vector<float>{},
                    feature_count_);
        lines_.write(line_);
    }

    // The first event also says so when it is there already.
    bool skip(const RecordedEvent& event) override {
        if (!has_columns_) {
            find_columns(event);
        }
        return true;
    }

    tl::expected<void, std::string> close() override { return lines_.close(); }

 private:
    void find_columns(const RecordedEvent& event) {
        has_columns_ = true;
        path_count_ = names_.paths.size();
        if (event.decision) {
            for (const PathResult& path : event.decision->paths) {
                path_count_ = std::max<std::size_t>(path_count_, path.path + 1UL);
            }
        }
        schema_ = event.contents.feature_schema;
        feature_count_ = event.contents.features.size();
        if (lines_.resumed_lines() > 0) {
            return;
        }
        line_ = "run,event,timestamp_ns";
        if (path_count_ > 0) {
            line_ += ",outcome,latency_ns";
            for (std::size_t path = 0; path < path_count_; ++path) {
                for (const char* const column :
                     {".accepted", ".prescaled_away", ".score", ".threshold"}) {
                    line_ += ',' + names_.path(path) + column;
                }
            }
        }
        for (const std::string& name : names_.derived) {
            line_ += ',' + name;
        }
        for (std::size_t feature = 0; feature < feature_count_; ++feature) {
            line_ += ",feature_" + text_of(feature);
        }
        lines_.write(line_);
    }
    void add_decision(const RecordedEvent& event) {
        if (!event.decision) {
            line_.append(2 + path_count_ * 4, ',');
            return;
        }
        const ReadDecision& decision = *event.decision;
        line_ +=
            ',' + std::string(to_string(decision.outcome)) + ',' + text_of(decision.latency_ns);
        for (std::size_t index = 0; index < path_count_; ++index) {
            const auto found =
                std::find_if(decision.paths.begin(), decision.paths.end(),
                             [&](const PathResult& path) { return path.path == index; });
            line_ += found == decision.paths.end()
                         ? ",,,,"
                         : ',' + text_of(int{found->accepted}) + ',' +
                               text_of(int{found->prescaled_away}) + ',' + text_of(found->score) +
                               ',' + text_of(found->threshold);
        }
    }
    void add_numbers(const std::vector<float>& numbers, std::size_t columns) {
        for (std::size_t column = 0; column < columns; ++column) {
            line_ += numbers.size() == columns ? ',' + text_of(numbers[column]) : ",";
        }
    }

    LineFile lines_;
    ExportNames names_;
    bool has_columns_ = false;
    std::size_t path_count_ = 0;
    std::size_t feature_count_ = 0;
    std::string schema_;
    std::string line_;
};

Json leptons_of(const std::vector<ImportedLepton>& leptons) {
    Json list = Json::array();
    for (const ImportedLepton& lepton : leptons) {
        list.push_back({{"pt", lepton.pt},
                        {"eta", lepton.eta},
                        {"phi", lepton.phi},
                        {"charge", lepton.charge},
                        {"iso_charged", lepton.iso_charged},
                        {"iso_photon", lepton.iso_photon},
                        {"iso_neutral", lepton.iso_neutral}});
    }
    return list;
}

void add_contents(const ImportedEvent& event, Json& json) {
    if (!event.features.empty()) {
        json["features"] = {{"schema", event.feature_schema}, {"values", event.features}};
    }
    if (!event.clusters.empty()) {
        json["average_mu"] = event.average_mu;
        json["clusters"] = Json::array();
        for (const ImportedCluster& cluster : event.clusters) {
            json["clusters"].push_back({{"et", cluster.et},
                                        {"eta", cluster.eta},
                                        {"phi", cluster.phi},
                                        {"rings", cluster.rings}});
        }
    }
    json["electrons"] = leptons_of(event.electrons);
    json["muons"] = leptons_of(event.muons);
    json["jets"] = Json::array();
    for (const ImportedJet& jet : event.jets) {
        json["jets"].push_back({{"pt", jet.pt},
                                {"eta", jet.eta},
                                {"phi", jet.phi},
                                {"mass", jet.mass},
                                {"btag", jet.btag}});
    }
    json["met"] = {{"pt", event.met_pt}, {"phi", event.met_phi}};
    json["charged_hadrons"] = event.charged_hadrons;
    json["neutral_hadrons"] = event.neutral_hadrons;
    json["vertices"] = event.vertices;
}

Json decision_of(const ReadDecision& decision, const ExportNames& names) {
    Json json{{"outcome", to_string(decision.outcome)},
              {"streams", decision.stream_names},
              {"reasons", decision.reasons},
              {"latency_ns", decision.latency_ns},
              {"menu_hash", decision.menu_hash},
              {"paths", Json::object()}};
    for (const PathResult& path : decision.paths) {
        json["paths"][names.path(path.path)] = {{"accepted", path.accepted},
                                                {"prescaled_away", path.prescaled_away},
                                                {"score", path.score},
                                                {"threshold", path.threshold}};
    }
    return json;
}

class JsonEventSink final : public EventSink {
 public:
    JsonEventSink(LineFile lines, ExportNames names)
        : lines_(std::move(lines)), names_(std::move(names)) {}

    std::uint64_t resumed_count() const override { return lines_.resumed_lines(); }

    void add(const RecordedEvent& event) override {
        const ImportedEvent& contents = event.contents;
        Json json{{"run", contents.run},
                  {"event", contents.number},
                  {"timestamp_ns", contents.timestamp_ns}};
        add_contents(contents, json);
        if (event.derived.size() == names_.derived.size()) {
            for (std::size_t i = 0; i < event.derived.size(); ++i) {
                json["derived"][names_.derived[i]] = event.derived[i];
            }
        }
        if (event.decision) {
            json["decision"] = decision_of(*event.decision, names_);
        }
        lines_.write(json.dump(-1, ' ', false, Json::error_handler_t::replace));
    }

    tl::expected<void, std::string> close() override { return lines_.close(); }

 private:
    LineFile lines_;
    ExportNames names_;
};

}  // namespace

tl::expected<std::unique_ptr<EventSink>, std::string> make_csv_event_sink(const std::string& path,
                                                                          const ExportNames& names,
                                                                          ExportStart start) {
    auto lines = open_lines(path, start);
    if (!lines) {
        return tl::unexpected(std::move(lines.error()));
    }
    return std::make_unique<CsvEventSink>(std::move(*lines), names);
}

tl::expected<std::unique_ptr<EventSink>, std::string> make_json_event_sink(const std::string& path,
                                                                           const ExportNames& names,
                                                                           ExportStart start) {
    auto lines = open_lines(path, start);
    if (!lines) {
        return tl::unexpected(std::move(lines.error()));
    }
    return std::make_unique<JsonEventSink>(std::move(*lines), names);
}

}  // namespace tamis::streams
