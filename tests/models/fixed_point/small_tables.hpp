// Layer tables for tests, made up here: no published weights.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace tamis::tests {

using Json = nlohmann::ordered_json;

// Steps of a table as JSON; weights and bias are called w0, b0 after the step's index.
class TableMaker {
 public:
    // Without scaling: inputs of that type enter as they are.
    TableMaker(std::size_t inputs, const std::string& type);

    TableMaker& dense(const std::string& input, const std::string& output,
                      std::vector<double> weights, std::vector<double> bias,
                      const std::string& accumulator);
    TableMaker& activation(const std::string& operation, const std::string& input,
                           const std::string& output, const std::string& result);
    // Any step; its types and lengths are the caller's.
    TableMaker& step(Json step);

    // Types of weights and biases of the dense steps that follow.
    TableMaker& constants(const std::string& weight, const std::string& bias);

    // The document, its score of the last step's type.
    [[nodiscard]] Json json() const;
    [[nodiscard]] std::string text() const { return json().dump(); }

    [[nodiscard]] std::string type_of(const std::string& name) const { return types_.at(name); }
    [[nodiscard]] std::size_t size_of(const std::string& name) const { return sizes_.at(name); }
    void add_weights(const std::string& name, std::vector<double> values) {
        document_["weights"][name] = std::move(values);
    }

 private:
    Json document_;
    std::string weight_type_ = "ap_fixed<6,3>", bias_type_ = "ap_fixed<10,7>";
    std::map<std::string, std::string> types_;
    std::map<std::string, std::size_t> sizes_;
};

// Multiples of 1/8 in [-2, 2), a function of (seed, index).
[[nodiscard]] std::vector<double> drawn_weights(std::uint64_t seed, std::size_t count);

// The whole of the forms that are published, with drawn weights: 57 scaled inputs to 8 terms whose
// squares are summed; 57 inputs to an embedding and its reconstruction; an image of 18 x 14.
[[nodiscard]] Json encoder_table(std::uint64_t seed);
[[nodiscard]] Json autoencoder_table(std::uint64_t seed);
[[nodiscard]] Json region_table(std::uint64_t seed);

}  // namespace tamis::tests
