#include "engine/onnx_tensors.hpp"

#include <array>
#include <bit>
#include <cstring>

#include "engine/refusal.hpp"

namespace tamis::engine {

namespace {

static_assert(std::endian::native == std::endian::little, "ONNX raw data is little-endian");

// The values of a tensor from raw_data or from its typed field; the counts must match the shape
// exactly, so that no tensor is larger than the file.
template <class Stored, class Field, class To>
tl::expected<void, std::string> read_values(const onnx::TensorProto& tensor, const Field& field,
                                            std::size_t count, std::vector<To>& values) {
    if (tensor.has_raw_data()) {
        if (tensor.raw_data().size() != count * sizeof(Stored)) {
            return refuse("holds " + std::to_string(tensor.raw_data().size()) +
                          " bytes; its shape needs " + std::to_string(count * sizeof(Stored)));
        }
        values.resize(count);
        for (std::size_t i = 0; i < count; ++i) {
            Stored value{};
            std::memcpy(&value, tensor.raw_data().data() + i * sizeof(Stored), sizeof(Stored));
            values[i] = static_cast<To>(value);  // NOLINT: int8 keeps its sign
        }
        return {};
    }
    if (static_cast<std::size_t>(field.size()) != count) {
        return refuse("holds " + std::to_string(field.size()) + " values; its shape needs " +
                      std::to_string(count));
    }
    values.assign(field.begin(), field.end());
    return {};
}

// Elements; 0 where a dimension is 0.
tl::expected<std::size_t, std::string> element_count(const std::vector<std::int64_t>& dimensions) {
    std::vector<std::int64_t> positive = dimensions;
    bool empty = false;
    for (std::int64_t& extent : positive) {
        empty = empty || extent == 0;
        if (extent == 0) extent = 1;
    }
    const auto shape = Shape::make(positive);
    if (!shape) return tl::unexpected(shape.error());
    return empty ? 0 : shape->element_count();
}

constexpr std::array kTypes = {
    std::pair{onnx::TensorProto::FLOAT, ElementType::float32},
    std::pair{onnx::TensorProto::INT64, ElementType::int64},
    std::pair{onnx::TensorProto::INT32, ElementType::int32},
    std::pair{onnx::TensorProto::UINT8, ElementType::uint8},
    std::pair{onnx::TensorProto::INT8, ElementType::int8},
    std::pair{onnx::TensorProto::BOOL, ElementType::boolean},
};

tl::expected<void, std::string> read_typed(const onnx::TensorProto& tensor, std::size_t count,
                                           OnnxConstant& to) {
    switch (to.type) {
        case ElementType::float32:
            return read_values<float>(tensor, tensor.float_data(), count, to.reals);
        case ElementType::int64:
            return read_values<std::int64_t>(tensor, tensor.int64_data(), count, to.integers);
        case ElementType::int32:
            return read_values<std::int32_t>(tensor, tensor.int32_data(), count, to.integers);
        case ElementType::int8:
            return read_values<std::int8_t>(tensor, tensor.int32_data(), count, to.integers);
        case ElementType::uint8:
        case ElementType::boolean:
            break;
    }
    return read_values<std::uint8_t>(tensor, tensor.int32_data(), count, to.integers);
}

}  // namespace

std::optional<ElementType> element_type(int of_the_format) {
    for (const auto& [format, type] : kTypes) {
        if (format == of_the_format) return type;
    }
    return std::nullopt;
}

int format_type(ElementType type) {
    for (const auto& [format, own] : kTypes) {
        if (own == type) return format;
    }
    return onnx::TensorProto::UNDEFINED;
}

tl::expected<OnnxConstant, std::string> read_tensor(const onnx::TensorProto& tensor) {
    if (tensor.external_data_size() > 0 || tensor.data_location() == onnx::TensorProto::EXTERNAL) {
        return refuse("keeps its data in another file (refused); store it inside the model");
    }
    if (tensor.has_segment()) return refuse("is split into segments (unsupported)");
    OnnxConstant to;
    to.dimensions.assign(tensor.dims().begin(), tensor.dims().end());
    const auto count = element_count(to.dimensions);
    if (!count) return tl::unexpected(count.error());
    const auto type = element_type(tensor.data_type());
    if (tensor.data_type() == onnx::TensorProto::DOUBLE) {
        // Rounded to float32, as everything is computed.
        if (auto done = read_values<double>(tensor, tensor.double_data(), *count, to.reals);
            !done) {
            return tl::unexpected(done.error());
        }
        return to;
    }
    if (!type) {
        return refuse("has element type " + std::to_string(tensor.data_type()) +
                      " (unsupported); supported are float32, float64 (rounded), int64, int32, "
                      "uint8, int8 and bool");
    }
    to.type = *type;
    if (auto done = read_typed(tensor, *count, to); !done) return tl::unexpected(done.error());
    return to;
}

}  // namespace tamis::engine
