// Any text as a layer table: it is read or refused with a reason. What compiles scores the same in
// vector code as one by one, whatever the row.
#include <cstddef>
#include <cstdint>
#include <gsl/assert>
#include <string_view>
#include <vector>

#include "models/fixed_point/fixed_point_network.hpp"
#include "models/fixed_point/layer_table_reader.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace tamis::models;
    const auto table =
        read_layer_table(std::string_view(reinterpret_cast<const char*>(data), size));
    if (!table) {
        Ensures(!table.error().empty());
        return 0;
    }
    const auto network = FixedPointNetwork::compile(*table);
    const auto literal = FixedPointNetwork::compile(*table, SumOrder::one_by_one);
    Ensures(network.has_value() == literal.has_value());
    if (!network) {
        Ensures(!network.error().empty());
        return 0;
    }
    FixedPointRunner runner(*network), oracle(*literal);
    std::vector<std::int32_t> row((*network)->input_size());
    std::uint32_t state = 1;
    for (int round = 0; round < 4; ++round) {
        for (std::int32_t& value : row) {
            state = state * 1664525U + 1013904223U;
            const std::int32_t bound = kInputBound >> (6 * round);
            value = static_cast<std::int32_t>(state >> 8) % bound - bound / 2;
        }
        Ensures(runner.score(row) == oracle.score(row));
    }
    return 0;
}
