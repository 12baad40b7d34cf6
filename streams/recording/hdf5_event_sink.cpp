#include <array>
#include <limits>
#include <map>
#include <utility>

#include "streams/recording/event_sink.hpp"
#include "streams/recording/hdf5_event_columns.hpp"
#include "streams/recording/hdf5_tables.hpp"

namespace tamis::streams {
namespace {

const std::vector<TableColumn> kPathColumns = {{"accepted", ColumnType::u8},
                                               {"prescaled_away", ColumnType::u8},
                                               {"score", ColumnType::f32},
                                               {"threshold", ColumnType::f32}};
constexpr float kNone = std::numeric_limits<float>::quiet_NaN();

class Hdf5EventSink final : public EventSink {
 public:
    Hdf5EventSink(std::unique_ptr<Hdf5Writer> writer, ExportNames names)
        : writer_(std::move(writer)),
          names_(std::move(names)),
          events_(writer_->add_table("events", event_columns())),
          electrons_(writer_->add_table("electrons", lepton_columns())),
          muons_(writer_->add_table("muons", lepton_columns())),
          jets_(writer_->add_table("jets", jet_columns())),
          clusters_(writer_->add_table("clusters", cluster_columns())) {
        std::vector<TableColumn> columns;
        for (const std::string& name : names_.derived) {
            columns.push_back({name, ColumnType::f32});
        }
        derived_ = columns.empty() ? kNoTable : writer_->add_table("derived", std::move(columns));
        for (std::size_t path = 0; path < names_.paths.size(); ++path) {
            table_of_path(path);
        }
    }

    void add(const RecordedEvent& event) override {
        const std::uint64_t row = writer_->row_count(events_);
        add_objects(event.contents, row);
        add_features(event.contents, row);
        if (derived_ != kNoTable) {
            row_.clear();
            if (event.derived.size() == names_.derived.size()) {
                row_.put(std::span<const float>(event.derived));
            } else {
                row_.put(std::span<const float>(std::vector<float>(names_.derived.size(), kNone)));
            }
            writer_->append(derived_, row_.bytes());
        }
        add_event(event);
        add_paths(event, row);
    }

    tl::expected<void, std::string> close() override {
        writer_->set_text("tamis_export", "1");
        std::string outcomes;
        for (std::size_t outcome = 0; outcome < kOutcomeCount; ++outcome) {
            outcomes.append(outcomes.empty() ? "" : ",")
                .append(to_string(static_cast<Outcome>(outcome)));
        }
        writer_->set_text("outcomes", outcomes);
        std::string streams;
        for (const std::string& stream : streams_) {
            streams.append(streams.empty() ? "" : ",").append(stream);
        }
        writer_->set_text("streams", streams);
        if (!schema_.empty()) {
            writer_->set_text("feature_schema", schema_);
        }
        return writer_->close();
    }

 private:
    static constexpr std::size_t kNoTable = SIZE_MAX;

    void add_leptons(std::size_t table, const std::vector<ImportedLepton>& leptons,
                     std::uint64_t row) {
        for (const ImportedLepton& lepton : leptons) {
            row_.clear();
            row_.put(row).put(lepton.pt).put(lepton.eta).put(lepton.phi).put(lepton.charge);
            row_.put(lepton.iso_charged).put(lepton.iso_photon).put(lepton.iso_neutral);
            writer_->append(table, row_.bytes());
        }
    }
    void add_objects(const ImportedEvent& event, std::uint64_t row) {
        add_leptons(electrons_, event.electrons, row);
        add_leptons(muons_, event.muons, row);
        for (const ImportedJet& jet : event.jets) {
            row_.clear();
            row_.put(row).put(jet.pt).put(jet.eta).put(jet.phi).put(jet.mass).put(jet.btag);
            writer_->append(jets_, row_.bytes());
        }
        for (const ImportedCluster& cluster : event.clusters) {
            row_.clear();
            row_.put(row).put(cluster.et).put(cluster.eta).put(cluster.phi);
            row_.put(std::span<const float>(cluster.rings));
            writer_->append(clusters_, row_.bytes());
        }
    }
    // As many numbers as the first event has; others have another schema and are left out.
    void add_features(const ImportedEvent& event, std::uint64_t row) {
        if (event.features.empty()) {
            return;
        }
        if (features_ == kNoTable) {
            schema_ = event.feature_schema;
            feature_count_ = event.features.size();
            features_ = writer_->add_table("features", feature_columns(feature_count_));
        }
        if (event.feature_schema == schema_ && event.features.size() == feature_count_) {
            row_.clear();
            row_.put(row).put(std::span<const float>(event.features));
            writer_->append(features_, row_.bytes());
        }
    }
    void add_event(const RecordedEvent& event) {
        const ImportedEvent& contents = event.contents;
        row_.clear();
        row_.put(contents.run).put(contents.number).put(contents.timestamp_ns);
        row_.put(contents.met_pt).put(contents.met_phi);
        row_.put(contents.charged_hadrons).put(contents.neutral_hadrons).put(contents.vertices);
        row_.put(contents.average_mu);
        row_.put(static_cast<std::uint32_t>(contents.electrons.size()));
        row_.put(static_cast<std::uint32_t>(contents.muons.size()));
        row_.put(static_cast<std::uint32_t>(contents.jets.size()));
        row_.put(static_cast<std::uint32_t>(contents.clusters.size()));
        const ReadDecision none;
        const ReadDecision& decision = event.decision ? *event.decision : none;
        row_.put(static_cast<std::uint8_t>(decision.outcome)).put(mask_of(decision));
        row_.put(decision.latency_ns).put(decision.menu_hash);
        writer_->append(events_, row_.bytes());
    }
    std::uint64_t mask_of(const ReadDecision& decision) {
        std::uint64_t mask = 0;
        for (const std::string& name : decision.stream_names) {
            std::size_t bit = 0;
            while (bit < streams_.size() && streams_[bit] != name) {
                ++bit;
            }
            if (bit == streams_.size() && bit < kMaxStreams) {
                streams_.push_back(name);
            }
            mask |= bit < kMaxStreams ? std::uint64_t{1} << bit : 0;
        }
        return mask;
    }
    std::size_t table_of_path(std::size_t path) {
        const auto known = paths_.find(path);
        return known != paths_.end()
                   ? known->second
                   : paths_
                         .emplace(path,
                                  writer_->add_table("paths/" + names_.path(path), kPathColumns))
                         .first->second;
    }
    // Every path has a row for every event.
    void add_paths(const RecordedEvent& event, std::uint64_t row) {
        if (event.decision) {
            for (const PathResult& path : event.decision->paths) {
                const std::size_t table = table_of_path(path.path);
                fill_up(table, row);
                if (writer_->row_count(table) == row) {
                    append_path(table, path);
                }
            }
        }
        for (const auto& [path, table] : paths_) {
            fill_up(table, row + 1);
        }
    }
    void fill_up(std::size_t table, std::uint64_t rows) {
        PathResult none;
        none.score = kNone;
        none.threshold = kNone;
        while (writer_->row_count(table) < rows) {
            append_path(table, none);
        }
    }
    void append_path(std::size_t table, const PathResult& path) {
        row_.clear();
        row_.put(static_cast<std::uint8_t>(path.accepted));
        row_.put(static_cast<std::uint8_t>(path.prescaled_away));
        row_.put(path.score).put(path.threshold);
        writer_->append(table, row_.bytes());
    }

    std::unique_ptr<Hdf5Writer> writer_;
    ExportNames names_;
    std::size_t events_, electrons_, muons_, jets_, clusters_;
    std::size_t derived_ = kNoTable;
    std::size_t features_ = kNoTable;
    std::size_t feature_count_ = 0;
    std::string schema_;
    std::map<std::size_t, std::size_t> paths_;  // index of the path to its table
    std::vector<std::string> streams_;          // by bit of the column
    TableRow row_;
};

}  // namespace

tl::expected<std::unique_ptr<EventSink>, std::string> make_hdf5_event_sink(const std::string& path,
                                                                           const ExportNames& names,
                                                                           ExportStart start) {
    if (start == ExportStart::resume) {
        return tl::unexpected("cannot resume " + path +
                              " (an HDF5 file that was broken off may be damaged); export anew");
    }
    auto writer = Hdf5Writer::create(path, start == ExportStart::replace);
    if (!writer) {
        return tl::unexpected(std::move(writer.error()));
    }
    return std::make_unique<Hdf5EventSink>(std::move(*writer), names);
}

}  // namespace tamis::streams
