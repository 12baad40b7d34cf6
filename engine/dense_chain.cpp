#include "engine/dense_chain.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <gsl/assert>

namespace tamis::engine {

bool DenseChain::has_structure_of(const DenseChain& other) const {
    return operations_ == other.operations_ && sources_ == other.sources_ &&
           weights_.size() == other.weights_.size();
}

float* DenseChain::address(const Place& place, std::span<float* const> buffers,
                           std::size_t first_row, float* scratch) const noexcept {
    return place.is_buffer ? buffers[place.at] + first_row * place.stride : scratch + place.at;
}

std::size_t DenseChain::scratch_floats(std::size_t rows) const {
    const std::size_t of_rows = std::min(rows, rows_at_once_) * scratch_width_;
    if (block_rows() == 0 || rows < block_rows()) return of_rows;
    const std::size_t blocks = std::min(rows / block_rows(), blocks_at_once_);
    return std::max(of_rows, blocks * block_columns_ * block_rows());
}

std::size_t DenseChain::run(std::span<float* const> buffers, std::size_t rows, float* scratch,
                            const float* packed) const noexcept {
    std::size_t row = 0;
    bool is_finite = true;
    if (block_rows() > 0) {
        while (row + block_rows() <= rows) {
            const std::size_t blocks = std::min((rows - row) / block_rows(), blocks_at_once_);
            is_finite = run_columns(buffers, row, blocks, scratch, packed) && is_finite;
            row += blocks * block_rows();
        }
    }
    const std::size_t looked_at = row;
    for (; row < rows; row += rows_at_once_) {
        run_rows(buffers, row, std::min(rows_at_once_, rows - row), scratch, packed);
    }
    return is_finite ? looked_at : 0;
}

float* DenseChain::columns_of(const Place& place, float* scratch) const noexcept {
    const std::size_t column = place.is_buffer ? ports_[place.at].first_column : place.at;
    return scratch + column * kernels_.block_rows;
}

bool DenseChain::run_columns(std::span<float* const> buffers, std::size_t first_row,
                             std::size_t blocks, float* scratch,
                             const float* packed) const noexcept {
    const std::size_t rows = kernels_.block_rows;
    const std::size_t block_floats = block_columns_ * rows;
    bool is_finite = true;
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
        const Port& port = ports_[i];
        for (std::size_t block = 0; block < blocks; ++block) {
            const DenseSource source{buffers[i] + (first_row + block * rows) * port.width,
                                     port.width, port.width};
            float* columns = scratch + block * block_floats + port.first_column * rows;
            is_finite = kernels_.to_columns(source, columns) && is_finite;
        }
    }
    for (const Operation& operation : operations_) {
        std::array<DenseSource, kMaxSources> sources;
        for (std::size_t i = 0; i < operation.source_count; ++i) {
            const Source& source = sources_[operation.first_source + i];
            sources[i] = {columns_of(source.place, scratch) + source.column * rows, block_floats,
                          source.width};
        }
        const auto used = std::span<const DenseSource>(sources).first(operation.source_count);
        float* result = columns_of(operation.result, scratch) + operation.result_column * rows;
        if (operation.is_dense) {
            kernels_.dense_columns({used,
                                    operation.inputs,
                                    operation.units,
                                    packed + operation.weights_at,
                                    operation.function,
                                    operation.negative_slope,
                                    {result, block_floats, false},
                                    blocks * rows});
            continue;
        }
        for (std::size_t block = 0; block < blocks; ++block) {
            float* to = result + block * block_floats;
            for (const DenseSource& source : used) {
                to = std::copy_n(source.rows + block * block_floats, source.width * rows, to);
            }
            kernels_.apply_columns(operation.function, operation.negative_slope,
                                   result + block * block_floats, operation.units);
        }
    }
    for (std::size_t i = inputs_.size(); i < ports_.size(); ++i) {
        const Port& port = ports_[i];
        for (std::size_t block = 0; block < blocks; ++block) {
            float* to = buffers[i] + (first_row + block * rows) * port.width;
            kernels_.to_rows(scratch + block * block_floats + port.first_column * rows,
                             {to, port.width, false}, port.width);
        }
    }
    return is_finite;
}

DenseCall DenseChain::call_of(const Operation& operation, std::span<float* const> buffers,
                              std::size_t first_row, float* scratch, const float* packed,
                              std::span<DenseSource> sources) const noexcept {
    for (std::size_t i = 0; i < operation.source_count; ++i) {
        const Source& source = sources_[operation.first_source + i];
        sources[i] = {address(source.place, buffers, first_row, scratch) + source.column,
                      source.place.stride, source.width};
    }
    float* result = address(operation.result, buffers, first_row, scratch);
    return {.sources = sources.first(operation.source_count),
            .inputs = operation.inputs,
            .units = operation.units,
            .weights = operation.is_dense ? packed + operation.weights_at : nullptr,
            .function = operation.function,
            .negative_slope = operation.negative_slope,
            .result = {result + operation.result_column, operation.result.stride,
                       !operation.result.is_buffer}};
}

namespace {

void execute(const DenseKernels& kernels, const DenseCall& call) noexcept {
    if (call.weights != nullptr) return kernels.dense(call);
    for (std::size_t row = 0; row < call.rows; ++row) {
        float* to = call.result.rows + row * call.result.stride;
        for (const DenseSource& source : call.sources) {
            std::memcpy(to, source.rows + row * source.stride, source.width * sizeof(float));
            to += source.width;
        }
    }
    kernels.apply(call.function, call.negative_slope, call.result, call.units, call.rows);
}

}  // namespace

void DenseChain::run_rows(std::span<float* const> buffers, std::size_t first_row, std::size_t rows,
                          float* scratch, const float* packed) const noexcept {
    for (const Operation& operation : operations_) {
        std::array<DenseSource, kMaxSources> sources;
        DenseCall call = call_of(operation, buffers, first_row, scratch, packed, sources);
        call.rows = rows;
        execute(kernels_, call);
    }
}

DenseChain::FewRows::FewRows(const DenseChain& chain)
    : calls_(chain.operations_.size()),
      kernels_(chain.kernels_),
      most_rows_(chain.block_rows() > 0 ? std::min(chain.block_rows() - 1, chain.rows_at_once_)
                                        : chain.rows_at_once_),
      sources_(chain.sources_.size()),
      chain_(chain) {}

void DenseChain::FewRows::bind(std::span<float* const> buffers, float* scratch) noexcept {
    for (std::size_t i = 0; i < calls_.size(); ++i) {
        const Operation& operation = chain_.operations_[i];
        const auto sources = std::span(sources_).subspan(operation.first_source);
        calls_[i] = chain_.call_of(operation, buffers, 0, scratch, chain_.weights_.data(), sources);
    }
}

void DenseChain::FewRows::run(std::size_t rows) noexcept {
    for (DenseCall& call : calls_) {
        call.rows = rows;
        execute(kernels_, call);
    }
}

}  // namespace tamis::engine
