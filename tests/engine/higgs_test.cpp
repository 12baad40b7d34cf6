// Training on recorded data against scikit-learn. Its areas under the curve are constants here,
// made by higgs_reference.py beside this file: scikit-learn would bring 110 MB of packages into
// every build. Rows, split, scaling and shape are the same there.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <sstream>

#include "engine/graph_builder.hpp"
#include "engine/trainer.hpp"

namespace tamis::engine {
namespace {

namespace fs = std::filesystem;

constexpr double kMissing = -999.0;
constexpr std::size_t kEpochs = 12;
constexpr std::size_t kMiniBatch = 64;
constexpr float kL2 = 0.005F;
constexpr std::uint64_t kSeeds = 5;

struct Sample {
    std::size_t width = 0;
    std::vector<float> rows;
    std::vector<float> labels;
    [[nodiscard]] Dataset data() const { return {{rows}, labels, {}, labels.size()}; }
};

struct Table {
    std::size_t width = 0;
    std::vector<std::vector<double>> rows;  // of features
    std::vector<float> labels;
};

// Numbers of the lines of a file, separated by `separator`; a line that begins with a letter names
// the columns. Words end a line.
std::vector<std::vector<double>> read_numbers(const fs::path& path, char separator) {
    std::vector<std::vector<double>> rows;
    std::ifstream stream(path);
    for (std::string line; std::getline(stream, line);) {
        if (std::isalpha(static_cast<unsigned char>(line[0])) != 0) continue;
        std::ranges::replace(line, separator, ' ');
        std::istringstream words(line);
        std::vector<double>& row = rows.emplace_back();
        for (double value = 0.0; words >> value;) row.push_back(value);
    }
    return rows;
}

Table uci_higgs(const fs::path& folder) {
    Table table{28, {}, {}};
    for (const char* name : {"binary.train", "binary.test"}) {
        for (const auto& row : read_numbers(folder / name, '\t')) {
            table.labels.push_back(static_cast<float>(row.at(0)));
            table.rows.emplace_back(row.begin() + 1, row.end());
        }
    }
    return table;
}

// Signal and background in turn.
Table higgsml(const fs::path& folder) {
    Table table{30, {}, {}};
    const auto signal = read_numbers(folder / "train_sml_sig.csv", ',');
    const auto background = read_numbers(folder / "train_sml_bg.csv", ',');
    for (std::size_t i = 0; i < signal.size(); ++i) {
        for (const auto* row : {&signal[i], &background.at(i)}) {
            table.labels.push_back(row == &signal[i] ? 1.F : 0.F);
            table.rows.emplace_back(row->begin() + 1,
                                    row->begin() + 31);  // after the event's number
        }
    }
    return table;
}

bool is_test_row(std::size_t row) { return row % 5 == 0; }

// Each column to mean 0 and deviation 1 of the training rows; what is missing to the mean.
void scale(Table& table) {
    for (std::size_t column = 0; column < table.width; ++column) {
        double sum = 0.0;
        double known = 0.0;
        double count = 0.0;
        for (std::size_t i = 0; i < table.rows.size(); ++i) {
            if (is_test_row(i)) continue;
            ++count;
            if (table.rows[i][column] == kMissing) continue;
            ++known;
            sum += table.rows[i][column];
        }
        const double mean = sum / known;
        double squares = 0.0;
        for (std::size_t i = 0; i < table.rows.size(); ++i) {
            double& value = table.rows[i][column];
            value = value == kMissing ? 0.0 : value - mean;
            if (!is_test_row(i)) squares += value * value;
        }
        const double deviation = std::sqrt(squares / count);
        for (auto& row : table.rows) row[column] /= deviation > 0.0 ? deviation : 1.0;
    }
}

Sample part_of(const Table& table, bool test) {
    Sample sample{table.width, {}, {}};
    for (std::size_t i = 0; i < table.rows.size(); ++i) {
        if (is_test_row(i) != test) continue;
        for (const double value : table.rows[i]) sample.rows.push_back(static_cast<float>(value));
        sample.labels.push_back(table.labels[i]);
    }
    return sample;
}

// Probability that a signal scores above a background; equal scores count half.
double roc_area(const std::vector<float>& scores, const std::vector<float>& labels) {
    std::vector<std::size_t> order(scores.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::sort(order, {}, [&](std::size_t i) { return scores[i]; });
    double below = 0.0;
    double wins = 0.0;
    for (std::size_t first = 0; first < order.size();) {
        std::size_t last = first;
        double signals = 0.0;
        for (; last < order.size() && scores[order[last]] == scores[order[first]]; ++last) {
            signals += labels[order[last]];
        }
        const double backgrounds = static_cast<double>(last - first) - signals;
        wins += signals * (below + 0.5 * backgrounds);
        below += backgrounds;
        first = last;
    }
    return wins / (below * (static_cast<double>(order.size()) - below));
}

double area_of_trained_network(const Sample& training, const Sample& test, std::uint64_t seed) {
    GraphBuilder net("higgs", seed);
    GraphValue x = net.input("x", {static_cast<std::int64_t>(training.width)});
    x = net.relu(net.dense(x, 64, "hidden1"));
    x = net.relu(net.dense(x, 32, "hidden2"));
    net.output(net.dense(x, 1, "logit"), "score");
    const auto network = TrainableNetwork::create(net.build(), {.mini_batch = kMiniBatch});
    if (!network) return 0.0;
    Optimizer adam({.kernels = {.l2 = kL2}});
    const auto report =
        train(**network, adam, BinaryCrossEntropyWithLogits(), {training.data(), {}},
              {.epochs = kEpochs, .seed = seed, .keep_best = false});
    EXPECT_TRUE(report.has_value()) << (report ? "" : report.error());
    std::vector<float> scores;
    for (std::size_t first = 0; first < test.labels.size(); first += kMiniBatch) {
        const std::size_t rows = std::min(kMiniBatch, test.labels.size() - first);
        std::copy_n(test.rows.begin() + static_cast<std::ptrdiff_t>(first * test.width),
                    rows * test.width, (*network)->input(0).begin());
        EXPECT_TRUE((*network)->forward(rows, ForwardMode::evaluation));
        const auto output = (*network)->output(0).first(rows);
        scores.insert(scores.end(), output.begin(), output.end());
    }
    return roc_area(scores, test.labels);
}

struct Benchmark {
    const char* folder;
    Table (*read)(const fs::path&);
    std::size_t test_rows;
    double scikit_learn;  // the mean of ten seeds, scikit-learn 1.2.1
};

class Higgs : public testing::TestWithParam<Benchmark> {};

TEST_P(Higgs, trains_to_the_area_of_scikit_learn) {
    const fs::path folder = fs::path(TAMIS_DATA_DIR) / GetParam().folder;
    if (!fs::exists(folder)) {
        GTEST_SKIP() << folder << " is absent; set TAMIS_DATA_DIR to compare with scikit-learn";
    }
    Table table = GetParam().read(folder);
    scale(table);
    const Sample training = part_of(table, false);
    const Sample test = part_of(table, true);
    ASSERT_EQ(test.labels.size(), GetParam().test_rows);
    double area = 0.0;
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
        area += area_of_trained_network(training, test, seed) / static_cast<double>(kSeeds);
    }
    std::cout << GetParam().folder << ": area under the curve " << area << ", scikit-learn "
              << GetParam().scikit_learn << "\n";
    EXPECT_NEAR(area, GetParam().scikit_learn, 0.01);
}

INSTANTIATE_TEST_SUITE_P(Samples, Higgs,
                         testing::Values(Benchmark{"uci_higgs_subset", uci_higgs, 1500, 0.7267},
                                         Benchmark{"higgsml_10k", higgsml, 2000, 0.8815}),
                         [](const auto& entry) { return std::string(entry.param.folder); });

}  // namespace
}  // namespace tamis::engine
