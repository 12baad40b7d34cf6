#include "streams/recording/hdf5_event_source.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <fstream>
#include <utility>

#include "streams/recording/hdf5_event_columns.hpp"
#include "streams/recording/hdf5_tables.hpp"

namespace tamis::streams {
namespace {

constexpr std::uint64_t kRowsAtOnce = 4096;

// One table read from its first row to its last, some rows at a time.
class TableCursor {
 public:
    TableCursor(Hdf5Reader& file, std::string table, std::vector<TableColumn> columns)
        : file_(file), table_(std::move(table)), columns_(std::move(columns)) {
        const auto shape = file_.shape(table_);
        total_ = shape.empty() ? 0 : shape[0];
    }
    [[nodiscard]] std::uint64_t total() const noexcept { return total_; }
    [[nodiscard]] std::uint64_t next_row() const noexcept { return next_; }

    // The next row, valid until the next call; empty at the end and after an error.
    std::span<const std::byte> next(std::string& error) {
        const std::size_t size = row_bytes(columns_);
        if (next_ == first_ + rows_.size() / size) {
            const std::uint64_t count = std::min(kRowsAtOnce, total_ - next_);
            first_ = next_;
            rows_.clear();
            if (count == 0) {
                return {};
            }
            auto rows = file_.read_rows(table_, columns_, next_, count);
            if (!rows) {
                error = error.empty() ? rows.error() : error;
                return {};
            }
            rows_ = std::move(*rows);
        }
        return std::span<const std::byte>(rows_).subspan((next_++ - first_) * size, size);
    }

 private:
    Hdf5Reader& file_;
    std::string table_;
    std::vector<TableColumn> columns_;
    std::uint64_t total_ = 0;
    std::uint64_t next_ = 0;
    std::uint64_t first_ = 0;  // row of rows_
    std::vector<std::byte> rows_;
};

ImportedLepton lepton_of(TableCells& cells) {
    ImportedLepton lepton;
    lepton.pt = cells.take<float>();
    lepton.eta = cells.take<float>();
    lepton.phi = cells.take<float>();
    lepton.charge = cells.take<std::int32_t>();
    lepton.iso_charged = cells.take<float>();
    lepton.iso_photon = cells.take<float>();
    lepton.iso_neutral = cells.take<float>();
    return lepton;
}

ImportedJet jet_of(TableCells& cells) {
    ImportedJet jet;
    jet.pt = cells.take<float>();
    jet.eta = cells.take<float>();
    jet.phi = cells.take<float>();
    jet.mass = cells.take<float>();
    jet.btag = cells.take<float>();
    return jet;
}

ImportedCluster cluster_of(TableCells& cells) {
    ImportedCluster cluster;
    cluster.et = cells.take<float>();
    cluster.eta = cells.take<float>();
    cluster.phi = cells.take<float>();
    cells.take(cluster.rings);
    return cluster;
}

class TamisHdf5Source final : public Hdf5EventSource {
 public:
    explicit TamisHdf5Source(std::unique_ptr<Hdf5Reader> file)
        : file_(std::move(file)),
          events_(*file_, "events", event_content_columns()),
          electrons_(*file_, "electrons", lepton_columns()),
          muons_(*file_, "muons", lepton_columns()),
          jets_(*file_, "jets", jet_columns()),
          clusters_(*file_, "clusters", cluster_columns()),
          schema_(file_->text("feature_schema").value_or("")) {
        if (file_->has("features")) {
            // The row's length is the column's: event_row and so many floats.
            feature_count_ = file_->array_length("features", "values");
            features_.emplace(*file_, "features", feature_columns(feature_count_));
        }
    }

    std::optional<ImportedEvent> next(
        const std::function<void(const RowProblem&)>& /*report*/) override {
        const std::uint64_t row = events_.next_row();
        const auto bytes = events_.next(error_);
        if (bytes.empty()) {
            return std::nullopt;
        }
        TableCells cells(bytes);
        ImportedEvent event;
        event.run = cells.take<std::uint32_t>();
        event.number = cells.take<std::uint64_t>();
        event.timestamp_ns = cells.take<std::uint64_t>();
        event.met_pt = cells.take<float>();
        event.met_phi = cells.take<float>();
        event.charged_hadrons = cells.take<std::uint32_t>();
        event.neutral_hadrons = cells.take<std::uint32_t>();
        event.vertices = cells.take<std::uint32_t>();
        event.average_mu = cells.take<float>();
        take_objects(electrons_, cells.take<std::uint32_t>(), row, event.electrons, lepton_of);
        take_objects(muons_, cells.take<std::uint32_t>(), row, event.muons, lepton_of);
        take_objects(jets_, cells.take<std::uint32_t>(), row, event.jets, jet_of);
        take_objects(clusters_, cells.take<std::uint32_t>(), row, event.clusters, cluster_of);
        take_features(row, event);
        return error_.empty() ? std::optional(std::move(event)) : std::nullopt;
    }
    std::uint64_t rows_read() const override { return events_.next_row(); }
    std::uint64_t row_count() const override { return events_.total(); }
    const std::string& error() const override { return error_; }

 private:
    template <typename Object, typename Read>
    void take_objects(TableCursor& table, std::uint32_t count, std::uint64_t row,
                      std::vector<Object>& objects, const Read& read) {
        for (std::uint32_t index = 0; index < count && error_.empty(); ++index) {
            const auto bytes = table.next(error_);
            TableCells cells(bytes);
            if (bytes.empty() || cells.take<std::uint64_t>() != row) {
                error_ = error_.empty() ? file_->path() + ": the objects of event row " +
                                              std::to_string(row) + " are not where its counts say"
                                        : error_;
                return;
            }
            objects.push_back(read(cells));
        }
    }
    // Not every event has features: those that have say their row.
    void take_features(std::uint64_t row, ImportedEvent& event) {
        if (!features_) {
            return;
        }
        if (!waiting_features_) {
            const auto bytes = features_->next(error_);
            if (bytes.empty()) {
                return;
            }
            TableCells cells(bytes);
            const auto of_row = cells.take<std::uint64_t>();
            waiting_features_.emplace(of_row, std::vector<float>(feature_count_));
            cells.take(waiting_features_->second);
        }
        if (waiting_features_->first == row) {
            event.feature_schema = schema_;
            event.features = std::move(waiting_features_->second);
            waiting_features_.reset();
        }
    }

    std::unique_ptr<Hdf5Reader> file_;
    TableCursor events_, electrons_, muons_, jets_, clusters_;
    std::string schema_;
    std::size_t feature_count_ = 0;
    std::optional<TableCursor> features_;
    std::optional<std::pair<std::uint64_t, std::vector<float>>> waiting_features_;
    std::string error_;
};

constexpr std::uint64_t kParticles = 19;
constexpr std::uint64_t kParticleFields = 4;

class Adc2021Source final : public Hdf5EventSource {
 public:
    Adc2021Source(std::unique_ptr<Hdf5Reader> file, std::uint64_t rows)
        : file_(std::move(file)), rows_(rows) {}

    std::optional<ImportedEvent> next(
        const std::function<void(const RowProblem&)>& report) override {
        while (next_ < rows_ && error_.empty()) {
            if (next_ % kRowsAtOnce == 0) {
                auto numbers =
                    file_->read_numbers("Particles", next_, std::min(kRowsAtOnce, rows_ - next_));
                if (!numbers) {
                    error_ = numbers.error();
                    break;
                }
                numbers_ = std::move(*numbers);
            }
            const std::uint64_t row = next_++;
            const auto particles = std::span<const float>(numbers_).subspan(
                row % kRowsAtOnce * kParticles * kParticleFields, kParticles * kParticleFields);
            RowProblem problem;
            problem.line = row + 1;
            ImportedEvent event = event_of(row, particles, problem);
            if (problem.what.empty()) {
                return event;
            }
            report(problem);
        }
        return std::nullopt;
    }
    std::uint64_t rows_read() const override { return next_; }
    std::uint64_t row_count() const override { return rows_; }
    const std::string& error() const override { return error_; }

 private:
    static ImportedEvent event_of(std::uint64_t row, std::span<const float> particles,
                                  RowProblem& problem) {
        ImportedEvent event;
        event.run = 1;
        event.number = row + 1;
        for (std::size_t index = 0; index < kParticles; ++index) {
            const float pt = particles[index * kParticleFields];
            const float eta = particles[index * kParticleFields + 1];
            const float phi = particles[index * kParticleFields + 2];
            const float kind = particles[index * kParticleFields + 3];
            if (!is_storable(pt) || !is_storable(eta) || !is_storable(phi)) {
                problem.column = "Particles[" + std::to_string(index) + "]";
                problem.what = "not finite";
            }
            if (kind == 1) {
                event.met_pt = pt;
                event.met_phi = phi;
            } else if (kind == 2 || kind == 3) {
                ImportedLepton& lepton = (kind == 2 ? event.electrons : event.muons).emplace_back();
                lepton.pt = pt;
                lepton.eta = eta;
                lepton.phi = phi;
            } else if (kind == 4) {
                event.jets.push_back({pt, eta, phi, 0, 0});
            } else if (kind != 0) {
                problem.column = "Particles[" + std::to_string(index) + "]";
                problem.what = "a class that is none of 0 to 4";
            }
        }
        return event;
    }

    std::unique_ptr<Hdf5Reader> file_;
    std::uint64_t rows_;
    std::uint64_t next_ = 0;
    std::vector<float> numbers_;
    std::string error_;
};

}  // namespace

bool is_hdf5_file(const std::string& path) {
    constexpr std::array<char, 8> kSignature = {'\x89', 'H', 'D', 'F', '\r', '\n', '\x1a', '\n'};
    std::array<char, 8> begin{};
    std::ifstream(path, std::ios::binary).read(begin.data(), begin.size());
    return begin == kSignature;
}

tl::expected<Hdf5Layout, std::string> detect_hdf5_layout(const std::string& path) {
    const auto file = Hdf5Reader::open(path);
    if (!file) {
        return tl::unexpected(file.error());
    }
    if ((*file)->text("tamis_export")) {
        return Hdf5Layout::tamis_hdf5;
    }
    if ((*file)->has("Particles")) {
        return Hdf5Layout::adc2021;
    }
    return tl::unexpected("cannot import " + path +
                          " (no known layout); it has neither the tables of tamis export nor a "
                          "dataset \"Particles\"");
}

tl::expected<std::unique_ptr<Hdf5EventSource>, std::string> make_hdf5_event_source(
    const std::string& path, Hdf5Layout layout) {
    auto file = Hdf5Reader::open(path);
    if (!file) {
        return tl::unexpected(std::move(file.error()));
    }
    if (layout == Hdf5Layout::tamis_hdf5) {
        if (!(*file)->has("events")) {
            return tl::unexpected(path + " has no table \"events\"");
        }
        return std::make_unique<TamisHdf5Source>(std::move(*file));
    }
    const auto shape = (*file)->shape("Particles");
    if (shape.size() != 3 || shape[1] != kParticles || shape[2] != kParticleFields) {
        return tl::unexpected(path + " has no dataset \"Particles\" of N x 19 x 4 numbers");
    }
    return std::make_unique<Adc2021Source>(std::move(*file), shape[0]);
}

}  // namespace tamis::streams
