// Stratified k-fold training of one network of a ringer: every fold validates once what the others
// trained, from several first weights; the best network is kept (kolmov and saphyra recipes of
// ATLAS). Cold path; one thread; the same arguments give the same weights.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "engine/graph.hpp"
#include "models/ringer/ringer_training.hpp"

namespace tamis::models {

struct RingerFolds {
    std::size_t folds = 3;            // 2 at least; ATLAS has 10
    std::size_t initialisations = 2;  // of each fold, 1 at least; ATLAS has 5
    RingerTrainingOptions training;   // its seed is of the bin
};

// The fold of each label: rows of a class are drawn by the seed and dealt out in turns, so that
// folds differ by one row of a class at most.
[[nodiscard]] std::vector<std::size_t> assign_folds(std::span<const float> labels,
                                                    std::size_t folds, std::uint64_t seed);

struct FoldResult {
    std::size_t initialisation = 0;  // the one with the largest SP of validation, from 0
    std::size_t epochs = 0;
    SpPoint validation;
    SpPoint operation;  // on all rows: training and validation
};

// Mean and standard deviation (n - 1) over folds.
struct Spread {
    double mean = 0, deviation = 0;
};

struct CrossValidation {
    std::vector<FoldResult> folds;
    std::size_t chosen = 0;  // the fold with the largest SP of operation
    engine::Graph graph;     // its network; linear output
    // Of every row by the network of the fold that it validated: what a network says of clusters it
    // has not seen.
    std::vector<float> held_out;

    [[nodiscard]] Spread spread(double SpPoint::*figure) const;
};

// Each class has as many rows as folds at least. Error: as train_ringer_bin.
[[nodiscard]] tl::expected<CrossValidation, std::string> cross_validate(const std::string& name,
                                                                        const RingRows& rows,
                                                                        const RingerFolds& options);

}  // namespace tamis::models
