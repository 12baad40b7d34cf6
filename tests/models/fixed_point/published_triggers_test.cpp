// The published models on their published vectors, bit for bit. Needs the recorded data.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>

#include "models/fixed_point/layer_table_import.hpp"
#include "models/model_loader.hpp"

namespace tamis::models {
namespace {

namespace fs = std::filesystem;

using Columns = std::map<std::string, std::vector<std::string>>;

std::vector<std::string> split(const std::string& line) {
    std::vector<std::string> fields;
    std::istringstream stream(line);
    for (std::string field; std::getline(stream, field, ',');) {
        fields.push_back(field);
    }
    return fields;
}

// A CSV file with words in it, without quotes.
Columns read_columns(const fs::path& file) {
    std::ifstream stream(file);
    std::string line;
    std::getline(stream, line);
    const auto names = split(line);
    Columns columns;
    while (std::getline(stream, line)) {
        const auto fields = split(line);
        EXPECT_EQ(fields.size(), names.size());
        for (std::size_t i = 0; i < names.size(); ++i) {
            columns[names[i]].push_back(fields.at(i));
        }
    }
    return columns;
}

struct Published {
    AnomalyTrigger trigger;
    std::string folder, table, vectors;
    std::string input;  // columns input0, input1, ...
    std::string score;
    std::string terms;  // columns terms0, ...; empty: not published
};

class PublishedTrigger : public testing::TestWithParam<Published> {};

TEST_P(PublishedTrigger, every_vector_is_reproduced_bit_for_bit) {
    const Published& published = GetParam();
    const fs::path folder = fs::path(TAMIS_DATA_DIR) / published.folder;
    if (!fs::exists(folder)) {
        GTEST_SKIP() << folder << " is absent; set TAMIS_DATA_DIR to compare with the published "
                     << "vectors";
    }
    const auto files = import_layer_table(published.trigger, folder / published.table);
    ASSERT_TRUE(files.has_value()) << files.error();
    const auto model = load_model(files->manifest, files->networks).value();
    const Columns columns = read_columns(folder / published.vectors);
    const auto& scores = columns.at(published.score);
    const std::size_t terms = published.terms.empty() ? 0 : model->contribution_names().size();
    std::size_t equal_scores = 0, equal_terms = 0;
    std::vector<float> row(model->input_columns().size()), answer(model->score_columns().size());
    for (std::size_t i = 0; i < scores.size(); ++i) {
        for (std::size_t k = 0; k < row.size(); ++k) {
            row[k] = std::stof(columns.at(published.input + std::to_string(k)).at(i));
        }
        model->score_table(row, answer);
        equal_scores += double{answer[0]} == std::stod(scores[i]) ? 1 : 0;
        for (std::size_t k = 0; k < terms; ++k) {
            const auto& term = columns.at(published.terms + std::to_string(k)).at(i);
            equal_terms += double{answer[1 + k]} == std::stod(term) ? 1 : 0;
        }
    }
    std::cout << files->manifest.version << ": " << equal_scores << " of " << scores.size()
              << " scores equal";
    if (terms != 0) {
        std::cout << ", " << equal_terms << " of " << terms * scores.size() << " terms";
    }
    std::cout << '\n';
    EXPECT_GT(scores.size(), 600U);
    EXPECT_EQ(equal_scores, scores.size());
    EXPECT_EQ(equal_terms, terms * scores.size());
}

Published axol1tl(const std::string& version, const std::string& terms) {
    return {
        AnomalyTrigger::axol1tl, "cms_axol1tl", "axol1tl_" + version + ".json", "vectors.csv", "x",
        version + "_score",      terms};
}

Published cicada(const std::string& version) {
    return {AnomalyTrigger::cicada,
            "cms_cicada",
            "cicada_" + version + ".json",
            "zerobias_vectors.csv",
            "r",
            version,
            ""};
}

INSTANTIATE_TEST_SUITE_P(All, PublishedTrigger,
                         testing::Values(axol1tl("v3", "v3_mu"), axol1tl("v4", "v4_mu"),
                                         axol1tl("v5", ""), cicada("v1p1p2"), cicada("v2p1p2"),
                                         cicada("v2p2p0")),
                         [](const auto& which) {
                             return fs::path(which.param.table).stem().string();
                         });

}  // namespace
}  // namespace tamis::models
