#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <optional>
#include <utility>

#include "streams/recording/checkpoint_file.hpp"
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
    using EventNumber = std::pair<std::uint32_t, std::uint64_t>;

    // last: the event that a writer which goes on has written last.
    Hdf5EventSink(std::unique_ptr<Hdf5Writer> writer, ExportNames names,
                  std::optional<EventNumber> last)
        : writer_(std::move(writer)),
          names_(std::move(names)),
          last_(std::move(last)),
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
        resumed_count_ = writer_->row_count(events_);
    }

    std::uint64_t resumed_count() const override { return resumed_count_; }

    // Finds again what was found when it was added: streams, paths and features in their order.
    bool skip(const RecordedEvent& event) override {
        find_features(event.contents);
        if (event.decision) {
            static_cast<void>(mask_of(*event.decision));
            for (const PathResult& path : event.decision->paths) {
                table_of_path(path.path);
            }
        }
        ++skipped_count_;
        return skipped_count_ < resumed_count_ ||
               (last_ == EventNumber(event.contents.run, event.contents.number) && is_even());
    }

    bool checkpoint() override { return writer_->checkpoint(); }

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
    void find_features(const ImportedEvent& event) {
        if (features_ == kNoTable && !event.features.empty()) {
            schema_ = event.feature_schema;
            feature_count_ = event.features.size();
            features_ = writer_->add_table("features", feature_columns(feature_count_));
        }
    }
    // As many numbers as the first event has; others have another schema and are left out.
    void add_features(const ImportedEvent& event, std::uint64_t row) {
        find_features(event);
        if (!event.features.empty() && event.feature_schema == schema_ &&
            event.features.size() == feature_count_) {
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
    // Whether the tables that have a row for every event have as many as there are events.
    bool is_even() const {
        const auto has_all = [this](std::size_t table) {
            return writer_->row_count(table) == resumed_count_;
        };
        return writer_->error().empty() &&
               (derived_ == kNoTable ? !writer_->has_table("derived") : has_all(derived_)) &&
               std::all_of(paths_.begin(), paths_.end(),
                           [&](const auto& path) { return has_all(path.second); });
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
    std::optional<EventNumber> last_;
    std::uint64_t resumed_count_ = 0;
    std::uint64_t skipped_count_ = 0;
    std::size_t events_, electrons_, muons_, jets_, clusters_;
    std::size_t derived_ = kNoTable;
    std::size_t features_ = kNoTable;
    std::size_t feature_count_ = 0;
    std::string schema_;
    std::map<std::size_t, std::size_t> paths_;  // index of the path to its table
    std::vector<std::string> streams_;          // by bit of the column
    TableRow row_;
};

// The last one of the checkpoint of an export; absent where it has none.
std::optional<std::pair<std::uint32_t, std::uint64_t>> last_event_of(const std::string& path) {
    const auto reader = Hdf5Reader::open(checkpoint_path(path));
    const auto shape = reader ? (*reader)->shape("events") : std::vector<std::uint64_t>{};
    if (shape.empty() || shape[0] == 0) {
        return std::nullopt;
    }
    const std::vector<TableColumn> columns = {{"run", ColumnType::u32}, {"event", ColumnType::u64}};
    const auto row = (*reader)->read_rows("events", columns, shape[0] - 1, 1);
    if (!row) {
        return std::nullopt;
    }
    TableCells cells(*row);
    const auto run = cells.take<std::uint32_t>();
    return std::pair(run, cells.take<std::uint64_t>());
}

}  // namespace

tl::expected<std::unique_ptr<EventSink>, std::string> make_hdf5_event_sink(const std::string& path,
                                                                           const ExportNames& names,
                                                                           ExportStart start) {
    auto writer = start == ExportStart::resume
                      ? Hdf5Writer::resume(path)
                      : Hdf5Writer::create(path, start == ExportStart::replace);
    if (!writer) {
        return tl::unexpected(std::move(writer.error()));
    }
    Hdf5Writer& tables = **writer;
    auto sink = std::make_unique<Hdf5EventSink>(std::move(*writer), names, last_event_of(path));
    if (!tables.error().empty()) {
        return tl::unexpected("cannot resume " + path + " (" + tables.error() + ")");
    }
    return sink;
}

}  // namespace tamis::streams
