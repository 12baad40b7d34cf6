// Shapes and float storage of the engine. A Shape cannot exist with an overflowing product: every
// dimension is 1..65,536, there are at most 8 and their product is at most 2^26, checked before any
// library sees it (oneDNN 2.6 does not check). Plain values, any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <new>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <vector>

namespace tamis::engine {

inline constexpr std::int64_t kMaxDimension = 65'536;
inline constexpr std::size_t kMaxRank = 8;
inline constexpr std::size_t kMaxElements = std::size_t{1} << 26;
inline constexpr std::size_t kAlignmentBytes = 64;

// Dimensions of one tensor, or of one row of a batch (then without the batch dimension). Rank 0 has
// one element.
class Shape {
 public:
    Shape() = default;
    // For shapes written in code; Expects() that the dimensions are legal.
    Shape(std::initializer_list<std::int64_t> dimensions);

    // Error: a dimension outside 1..kMaxDimension or more than kMaxElements elements.
    [[nodiscard]] static tl::expected<Shape, std::string> make(
        std::span<const std::int64_t> dimensions);

    [[nodiscard]] std::size_t rank() const { return dimensions_.size(); }
    [[nodiscard]] std::int64_t operator[](std::size_t axis) const { return dimensions_[axis]; }
    [[nodiscard]] std::span<const std::int64_t> dimensions() const { return dimensions_; }
    [[nodiscard]] std::size_t element_count() const { return element_count_; }
    [[nodiscard]] std::string text() const;  // "[3, 16, 16]"
    bool operator==(const Shape&) const = default;

 private:
    std::vector<std::int64_t> dimensions_;
    std::size_t element_count_ = 1;
};

template <class T>
struct AlignedAllocator {
    using value_type = T;
    AlignedAllocator() = default;
    template <class U>
    explicit AlignedAllocator(const AlignedAllocator<U>&) {}
    T* allocate(std::size_t count) {
        return static_cast<T*>(
            ::operator new (count * sizeof(T), std::align_val_t{kAlignmentBytes}));
    }
    void deallocate(T* pointer, std::size_t) {
        ::operator delete (pointer, std::align_val_t{kAlignmentBytes});
    }
    bool operator==(const AlignedAllocator&) const { return true; }
};

// 64-byte aligned, zero-initialised floats.
using FloatBuffer = std::vector<float, AlignedAllocator<float>>;

// Row-major values of a shape.
struct Tensor {
    Shape shape;
    FloatBuffer values;

    Tensor() : values(1) {}
    explicit Tensor(Shape of) : shape(std::move(of)), values(shape.element_count()) {}
    Tensor(Shape of, std::span<const float> row_major);
    bool operator==(const Tensor&) const = default;
};

[[nodiscard]] bool all_finite(std::span<const float> values) noexcept;
// Rows of a size, one after another.
struct RowValues {
    const float* values;
    std::size_t row_size;
};
// For callers that ask often: what all_finite looks up at every call. True: rows [first, first +
// rows) of each of them are finite.
using FiniteCheck = bool (*)(std::span<const RowValues> of, std::size_t first, std::size_t rows);
[[nodiscard]] FiniteCheck finite_check() noexcept;

}  // namespace tamis::engine
