#include "engine/checkpoint.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>

#include "engine/graph_builder.hpp"
#include "engine/onnx_writer.hpp"
#include "engine/random.hpp"
#include "engine/trainer.hpp"

namespace tamis::engine {
namespace {

// A path of its own per test, removed at the end.
class CheckpointFile : public testing::Test {
 protected:
    void TearDown() override { std::filesystem::remove(path_); }
    // GoogleTest separates the parameters by slashes.
    static std::string file_name() {
        std::string name = testing::UnitTest::GetInstance()->current_test_info()->name();
        std::ranges::replace(name, '/', '_');
        return name;
    }
    std::filesystem::path path_ =
        std::filesystem::temp_directory_path() /
        ("tamis_checkpoint_" + std::to_string(::getpid()) + "_" + file_name());
};

Checkpoint some_numbers() {
    Checkpoint checkpoint;
    checkpoint.floats["a"] = {1.F, -0.F, std::nanf(""), 1e-42F};
    checkpoint.floats["none"] = {};
    checkpoint.reals["b"] = {0.1, -std::numeric_limits<double>::infinity()};
    checkpoint.integers["c"] = ~std::uint64_t{0};
    return checkpoint;
}

TEST_F(CheckpointFile, gives_back_every_bit) {
    const Checkpoint written = some_numbers();
    ASSERT_TRUE(write_checkpoint(written, path_).has_value());
    auto read = read_checkpoint(path_);
    ASSERT_TRUE(read.has_value()) << read.error();
    EXPECT_EQ(std::memcmp(read->floats["a"].data(), written.floats.at("a").data(), 16), 0);
    read->floats["a"] = {};  // NaN is not equal to itself
    Checkpoint rest = written;
    rest.floats["a"] = {};
    EXPECT_EQ(*read, rest);
    EXPECT_FALSE(std::filesystem::exists(path_.string() + ".part"));
}

TEST_F(CheckpointFile, is_refused_by_name_when_any_byte_is_damaged_or_missing) {
    ASSERT_TRUE(write_checkpoint(some_numbers(), path_).has_value());
    std::string bytes(std::filesystem::file_size(path_), '\0');
    std::ifstream(path_, std::ios::binary)
        .read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    const auto refused = [&](const std::string& damaged) {
        std::ofstream(path_, std::ios::binary | std::ios::trunc) << damaged;
        const auto read = read_checkpoint(path_);
        return !read.has_value() && read.error().find(path_.string()) != std::string::npos;
    };
    for (std::size_t at = 0; at < bytes.size(); ++at) {
        std::string damaged = bytes;
        damaged[at] = static_cast<char>(damaged[at] ^ 4);
        EXPECT_TRUE(refused(damaged)) << "byte " << at;
        EXPECT_TRUE(refused(bytes.substr(0, at))) << "length " << at;
    }
    EXPECT_FALSE(refused(bytes));
}

TEST_F(CheckpointFile, that_cannot_be_read_or_written_is_an_error_with_its_path) {
    const auto missing = read_checkpoint(path_);
    ASSERT_FALSE(missing.has_value());
    EXPECT_NE(missing.error().find(path_.string()), std::string::npos);
    const auto nowhere = write_checkpoint({}, "/nowhere/at/all");
    ASSERT_FALSE(nowhere.has_value());
    EXPECT_NE(nowhere.error().find("/nowhere/at/all"), std::string::npos);
}

TEST(CheckpointReader, keeps_the_first_mistake) {
    const Checkpoint checkpoint = some_numbers();
    CheckpointReader reader(checkpoint);
    std::vector<float> four(4);
    std::vector<float> three(3);
    reader.read("a", four);
    EXPECT_TRUE(reader.result().has_value());
    reader.expect("c", 7);
    reader.read("a", three);
    ASSERT_FALSE(reader.result().has_value());
    EXPECT_NE(reader.result().error().find("\"c\" was 18446744073709551615 and is now 7"),
              std::string::npos)
        << reader.result().error();
}

// ---- a training that stops and goes on ----

struct Samples {
    std::vector<float> x;
    std::vector<float> labels;
    std::size_t rows;

    Samples(std::size_t count, std::uint64_t seed) : rows(count) {
        for (std::size_t i = 0; i < count; ++i) {
            const float a = random_normal(seed, 1, i);
            const float b = random_normal(seed, 2, i);
            x.insert(x.end(), {a, b, a * b});
            labels.push_back(a * a + b > 0.5F ? 1.F : 0.F);
        }
    }
    [[nodiscard]] Dataset data() const { return {{x}, labels, {}, rows}; }
};

Graph classifier() {
    GraphBuilder net("classifier", 21);
    GraphValue x = net.relu(net.dense(net.input("x", {3}), 12, "hidden1"));
    x = net.dropout(net.batch_norm(x, "bn"), 0.2F);
    net.output(net.dense(x, 1, "logit"), "score");
    return net.build();
}

struct Outcome {
    TrainingReport report;
    std::string model;  // the bytes of its file
};

class ResumedTraining : public CheckpointFile,
                        public testing::WithParamInterface<OptimizerConfig::Kind> {
 protected:
    // Everything anew, as in a process of its own; stops after `epochs` of this call.
    tl::expected<Outcome, std::string> run(const TrainerConfig& config, std::size_t epochs,
                                           std::uint64_t dropout_seed = 9) const {
        auto network = TrainableNetwork::create(classifier(), {32, false, dropout_seed});
        Optimizer optimizer({.kind = GetParam(), .learning_rate = 0.02F, .momentum = 0.5F});
        std::size_t ran = 0;
        auto report = train(**network, optimizer, BinaryCrossEntropyWithLogits(),
                            {training_.data(), validation_.data()}, config,
                            [&](const EpochReport&) { return ++ran < epochs; });
        if (!report) return tl::unexpected(report.error());
        return Outcome{std::move(*report), *write_onnx((*network)->to_graph())};
    }

    Samples training_{300, 1};
    Samples validation_{100, 2};
    TrainerConfig config_{.epochs = 8,
                          .seed = 3,
                          .early_stop_patience = 4,
                          .early_stop_min_delta = 0.02,
                          .plateau_patience = 2,
                          .plateau_min_delta = 0.02};
};

TEST_P(ResumedTraining, gives_the_model_of_one_that_never_stopped_byte_for_byte) {
    for (const bool keep_best : {true, false}) {
        TrainerConfig config = config_;
        config.keep_best = keep_best;
        const auto straight = run(config, 100);
        ASSERT_TRUE(straight.has_value()) << straight.error();
        const std::size_t epochs = straight->report.epochs.size();
        config.checkpoint = path_;
        for (std::size_t interrupted_after = 1; interrupted_after <= epochs; ++interrupted_after) {
            std::filesystem::remove(path_);
            ASSERT_TRUE(run(config, interrupted_after).has_value());
            const auto resumed = run(config, 100);
            ASSERT_TRUE(resumed.has_value()) << resumed.error();
            EXPECT_EQ(resumed->model, straight->model) << "interrupted after " << interrupted_after;
            ASSERT_EQ(resumed->report.epochs.size(), epochs);
            EXPECT_EQ(resumed->report.best_epoch, straight->report.best_epoch);
            EXPECT_EQ(resumed->report.end, straight->report.end);
            for (std::size_t i = 0; i < epochs; ++i) {
                EXPECT_EQ(resumed->report.epochs[i].validation_loss,
                          straight->report.epochs[i].validation_loss);
                EXPECT_EQ(resumed->report.epochs[i].learning_rate,
                          straight->report.epochs[i].learning_rate);
            }
        }
    }
}

TEST_P(ResumedTraining, goes_on_beyond_the_epochs_it_was_begun_with) {
    TrainerConfig config = config_;
    config.early_stop_patience = 0;
    const auto straight = run(config, 100);
    config.checkpoint = path_;
    config.epochs = 3;
    ASSERT_TRUE(run(config, 100).has_value());
    config.epochs = 8;
    const auto resumed = run(config, 100);
    ASSERT_TRUE(resumed.has_value()) << resumed.error();
    EXPECT_EQ(resumed->model, straight->model);
}

TEST_P(ResumedTraining, refuses_a_checkpoint_of_another_training) {
    TrainerConfig config = config_;
    config.checkpoint = path_;
    ASSERT_TRUE(run(config, 1).has_value());
    const auto other_dropout = run(config, 1, 10);
    ASSERT_FALSE(other_dropout.has_value());
    EXPECT_NE(other_dropout.error().find("dropout_seed"), std::string::npos);
    EXPECT_NE(other_dropout.error().find(path_.string()), std::string::npos);
    config.seed = 4;
    EXPECT_FALSE(run(config, 1).has_value());
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << "not a checkpoint";
    config.seed = config_.seed;
    EXPECT_FALSE(run(config, 1).has_value());
}

INSTANTIATE_TEST_SUITE_P(Optimizers, ResumedTraining,
                         testing::Values(UpdateRule::sgd, UpdateRule::adagrad, UpdateRule::adam,
                                         UpdateRule::nadam));

}  // namespace
}  // namespace tamis::engine
