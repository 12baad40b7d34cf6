#include "models/ringer/ringer_athena.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "models/model_loader.hpp"
#include "models/ringer/ringer_athena_export.hpp"
#include "models/ringer/ringer_network.hpp"
#include "models/ringer/ringer_settings.hpp"
#include "models/ringer/tuning_text.hpp"

namespace tamis::models {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kAthenaGoldenRows = 6;

// "VeryLoose" to "very_loose".
std::string snake_case(std::string_view words) {
    std::string name;
    for (const char letter : words) {
        const auto code = static_cast<unsigned char>(letter);
        if (std::isupper(code) != 0 && !name.empty() && name.back() != '_') {
            name += '_';
        }
        name += static_cast<char>(std::tolower(code));
    }
    return name;
}

// Of the operation the file states, else of its own name.
std::string point_name(const TuningText& text) {
    std::string stem = text.file().stem().string();
    if (stem.starts_with(kTuningPrefix) && stem.ends_with(kTuningSuffix) &&
        stem.size() > kTuningPrefix.size() + kTuningSuffix.size()) {
        stem = stem.substr(kTuningPrefix.size(),
                           stem.size() - kTuningPrefix.size() - kTuningSuffix.size());
    }
    const std::string stated = text.word("__operation__");
    const bool is_word =
        !stated.empty() && std::all_of(stated.begin(), stated.end(), [](unsigned char letter) {
            return std::isalnum(letter) != 0;
        });
    return snake_case(is_word ? stated : stem);
}

// The networks of one working point, without their hashes; files as the text names them.
struct NetworkList {
    std::vector<NetworkFile> entries;
    bool half_rings = false;

    [[nodiscard]] bool is_same(const NetworkList& other) const {
        const auto same = [](const NetworkFile& a, const NetworkFile& b) {
            return a.file == b.file && a.et_low_gev == b.et_low_gev &&
                   a.et_high_gev == b.et_high_gev && a.eta_low == b.eta_low &&
                   a.eta_high == b.eta_high;
        };
        return std::equal(entries.begin(), entries.end(), other.entries.begin(),
                          other.entries.end(), same);
    }
};

struct BinEdges {
    std::array<std::vector<double>, 4> lists;  // etmin, etmax, etamin, etamax

    template <typename Bin>
    void copy_to(std::size_t index, Bin& bin) const {
        bin.et_low_gev = lists[0][index];
        bin.et_high_gev = lists[1][index];
        bin.eta_low = lists[2][index];
        bin.eta_high = lists[3][index];
    }
};

tl::expected<BinEdges, std::string> read_edges(const TuningText& text, const std::string& section,
                                               std::size_t count) {
    BinEdges edges;
    constexpr std::array<const char*, 4> kKeys = {"etmin", "etmax", "etamin", "etamax"};
    for (std::size_t i = 0; i < kKeys.size(); ++i) {
        auto list = text.numbers(section + kKeys[i], count);
        if (!list) {
            return tl::unexpected(list.error());
        }
        edges.lists[i] = std::move(*list);
    }
    for (std::size_t bin = 0; bin < count; ++bin) {
        if (!(edges.lists[0][bin] < edges.lists[1][bin]) ||
            !(edges.lists[2][bin] < edges.lists[3][bin])) {
            return text.refuse(section + "etmin",
                               fmt::format("and its neighbours make no bin at entry {}; give lower "
                                           "edges below upper edges",
                                           bin));
        }
    }
    return edges;
}

tl::expected<bool, std::string> reads_half_rings(const TuningText& text, std::size_t count) {
    const auto barcode = text.common("Model__barcode", count, 0);
    if (!barcode) {
        return tl::unexpected(barcode.error());
    }
    if (*barcode != 0 && *barcode != 1) {
        return text.refuse("Model__barcode",
                           "is neither 0 (100 rings) nor 1 (50 half rings); give "
                           "one of them");
    }
    for (const char* const key : {"Model__UseShowerShapes", "Model__UseTrackVariables"}) {
        const std::string words = text.word(key);
        for (const std::string_view word : split_list(words)) {
            if (word != "0" && snake_case(word) != "false") {
                return text.refuse(key,
                                   "asks for inputs beside rings; give networks of rings "
                                   "alone");
            }
        }
    }
    return *barcode == 1;
}

tl::expected<NetworkList, std::string> read_network_list(const TuningText& text) {
    const auto count = text.size("Model__size");
    if (!count) {
        return tl::unexpected(count.error());
    }
    const auto edges = read_edges(text, "Model__", *count);
    const auto half_rings = reads_half_rings(text, *count);
    const auto paths = text.words("Model__path", *count);
    if (!edges || !half_rings || !paths) {
        return tl::unexpected(!edges        ? edges.error()
                              : !half_rings ? half_rings.error()
                                            : paths.error());
    }
    NetworkList list;
    list.half_rings = *half_rings;
    for (std::size_t i = 0; i < *count; ++i) {
        NetworkFile& entry = list.entries.emplace_back();
        entry.file = (*paths)[i];
        edges->copy_to(i, entry);
    }
    return list;
}

tl::expected<WorkingPoint, std::string> read_point(const TuningText& text) {
    const auto count = text.size("Threshold__size");
    if (!count) {
        return tl::unexpected(count.error());
    }
    constexpr double kMuMax = 100;  // of a file that names none
    const auto edges = read_edges(text, "Threshold__", *count);
    const auto slopes = text.numbers("Threshold__slope", *count);
    const auto offsets = text.numbers("Threshold__offset", *count);
    const auto mu_high = text.common("Threshold__MaxAverageMu", *count, kMuMax);
    const auto mu_low = text.common("Threshold__MinAverageMu", *count, 0);
    for (const auto* const read : {&slopes, &offsets}) {
        if (!*read) {
            return tl::unexpected(read->error());
        }
    }
    if (!edges || !mu_high || !mu_low) {
        return tl::unexpected(!edges ? edges.error() : !mu_high ? mu_high.error() : mu_low.error());
    }
    WorkingPoint point;
    point.name = point_name(text);
    point.mu_low = *mu_low;
    point.mu_high = *mu_high;
    for (std::size_t i = 0; i < *count; ++i) {
        ThresholdBin& bin = point.bins.emplace_back();
        edges->copy_to(i, bin);
        bin.slope = (*slopes)[i];
        bin.offset = (*offsets)[i];
    }
    return point;
}

// The published points from the tightest on, then others by name.
std::size_t rank_of(const std::string& name) {
    constexpr std::array<std::string_view, 4> kOrder = {"tight", "medium", "loose", "very_loose"};
    return static_cast<std::size_t>(std::find(kOrder.begin(), kOrder.end(), name) - kOrder.begin());
}

tl::expected<std::vector<TuningText>, std::string> read_texts(const fs::path& directory) {
    std::error_code error;
    std::vector<fs::path> paths;
    for (const auto& entry : fs::directory_iterator(directory, error)) {
        if (entry.path().extension() == ".conf") {
            paths.push_back(entry.path());
        }
    }
    if (error || paths.empty()) {
        return tl::unexpected(directory.string() + ": no .conf file" +
                              (error ? " (" + error.message() + ")" : "") +
                              "; give the directory of a tuning, with "
                              "ElectronRinger<Point>TriggerConfig.conf");
    }
    std::vector<TuningText> texts;
    for (const fs::path& path : paths) {
        auto text = TuningText::read(path);
        if (!text) {
            return tl::unexpected(text.error());
        }
        texts.push_back(std::move(*text));
    }
    std::sort(texts.begin(), texts.end(), [](const TuningText& a, const TuningText& b) {
        const std::string first = point_name(a), second = point_name(b);
        return std::pair(rank_of(first), first) < std::pair(rank_of(second), second);
    });
    return texts;
}

tl::expected<void, std::string> add_networks(const NetworkList& list, const fs::path& directory,
                                             ModelFiles& files) {
    std::size_t total = 0;
    for (const std::string& network : files.networks) {
        total += network.size();
    }
    for (NetworkFile entry : list.entries) {
        auto bytes = read_network_file(entry, directory);
        if (!bytes) {
            return tl::unexpected(bytes.error());
        }
        total += bytes->size();
        if (total > kMaxNetworkBytes) {
            return tl::unexpected(
                fmt::format("{}: networks of more than {} bytes together, one "
                            "named twice counted twice; right are at most as many",
                            (directory / entry.file).string(), kMaxNetworkBytes));
        }
        entry.file = fs::path(entry.file).filename().string();
        add_network(files, std::move(entry), std::move(*bytes));
    }
    return {};
}

// Every point's thresholds; networks of the first, or of each where they differ.
tl::expected<RingerSettings, std::string> read_points(const std::vector<TuningText>& texts,
                                                      const fs::path& directory,
                                                      ModelFiles& files) {
    std::vector<NetworkList> lists;
    for (const TuningText& text : texts) {
        auto list = read_network_list(text);
        auto point = read_point(text);
        if (!list || !point) {
            return tl::unexpected(list ? point.error() : list.error());
        }
        if (!lists.empty() && (list->half_rings != lists.front().half_rings ||
                               list->entries.size() != lists.front().entries.size())) {
            return text.refuse("Model__size",
                               "or Model__barcode differs from that of the other working points; "
                               "give points with the same bins and rings");
        }
        lists.push_back(std::move(*list));
        files.manifest.working_points.push_back(std::move(*point));
    }
    const bool shared = std::all_of(lists.begin(), lists.end(), [&](const NetworkList& list) {
        return list.is_same(lists.front());
    });
    RingerSettings settings;
    settings.half_rings = lists.front().half_rings;
    settings.ensembles = shared ? 1 : lists.size();
    for (std::size_t i = 0; i < settings.ensembles; ++i) {
        if (auto added = add_networks(lists[i], directory, files); !added) {
            return tl::unexpected(added.error());
        }
    }
    if (auto named = check_network_names(files); !named) {
        return tl::unexpected(named.error());
    }
    return settings;
}

}  // namespace

tl::expected<ModelFiles, std::string> import_athena_ringer(const fs::path& directory,
                                                           const std::string& command) {
    const auto texts = read_texts(directory);
    if (!texts) {
        return tl::unexpected(texts.error());
    }
    ModelFiles files;
    Manifest& manifest = files.manifest;
    const auto settings = read_points(*texts, directory, files);
    if (!settings) {
        return tl::unexpected(settings.error());
    }
    const std::string name = texts->front().word("__name__");
    const std::string version = texts->front().word("__version__");
    manifest.name = name.empty() ? "ringer" : name;
    manifest.version = version.empty() ? "1" : version;
    manifest.kind = "ringer";
    manifest.schema = "rings100";
    manifest.features = ringer_features();
    manifest.parameters = ringer_parameters(*settings);
    manifest.provenance.command = command;
    manifest.provenance.data =
        fmt::format("tuning in athena's layout: {} networks, {} working points",
                    manifest.networks.size(), manifest.working_points.size());
    manifest.provenance.report = {manifest.provenance.data};
    const std::size_t rows = std::min(kAthenaGoldenRows, manifest.networks.size());
    const auto golden =
        make_ringer_rows(std::span<const NetworkFile>(manifest.networks).first(rows));
    if (auto added = add_golden_vectors(files, golden, kGoldenTolerance); !added) {
        return tl::unexpected(added.error());
    }
    return files;
}

}  // namespace tamis::models
