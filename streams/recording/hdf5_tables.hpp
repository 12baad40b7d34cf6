// Tables in an HDF5 file: one-dimensional datasets of a compound type, which h5py and NumPy read as
// arrays with named columns. Only hdf5_tables.cpp and hdf5_reader.cpp know the HDF5 library. Cold
// path; one thread (the library has one lock for all).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <type_traits>
#include <vector>

namespace tamis::streams {

enum class ColumnType : std::uint8_t { u8, i32, u32, u64, f32 };

struct TableColumn {
    std::string name;
    ColumnType type = ColumnType::f32;
    std::size_t count = 1;  // numbers of one cell

    [[nodiscard]] std::size_t bytes() const noexcept;
};

// One row, packed column after column; on the way in and on the way out.
class TableRow {
 public:
    void clear() noexcept { bytes_.clear(); }
    template <typename Number>
    TableRow& put(Number value) {
        return put(std::span<const Number>(&value, 1));
    }
    template <typename Number>
    TableRow& put(std::span<const Number> values) {
        static_assert(std::is_arithmetic_v<Number>);
        const std::size_t before = bytes_.size();
        bytes_.resize(before + values.size_bytes());
        std::memcpy(bytes_.data() + before, values.data(), values.size_bytes());
        return *this;
    }
    [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return bytes_; }

 private:
    std::vector<std::byte> bytes_;
};

class Hdf5Writer {
 public:
    // Writes to PATH.part until close(). Errors: cannot be made; it or what is left of another
    // export exists (unless it replaces).
    [[nodiscard]] static tl::expected<std::unique_ptr<Hdf5Writer>, std::string> create(
        const std::string& path, bool replaces);
    // Goes on from the last checkpoint() of a writer that died: PATH.part is made of it anew, since
    // what it holds may be damaged. Begins where there is none. Errors: PATH is whole; the
    // checkpoint cannot be read.
    [[nodiscard]] static tl::expected<std::unique_ptr<Hdf5Writer>, std::string> resume(
        const std::string& path);
    ~Hdf5Writer();  // without close(): PATH.part is removed, a checkpoint stays
    Hdf5Writer(const Hdf5Writer&) = delete;
    Hdf5Writer& operator=(const Hdf5Writer&) = delete;

    // name: may have groups, "paths/any". The number goes into append(). After resume() the table
    // of that name, with its rows, where it is there.
    [[nodiscard]] std::size_t add_table(const std::string& name, std::vector<TableColumn> columns);
    void append(std::size_t table, std::span<const std::byte> row);
    [[nodiscard]] std::uint64_t row_count(std::size_t table) const noexcept;
    // A text of the file, or of a table once it is there.
    void set_text(const std::string& name, const std::string& text);

    // A table that resume() found.
    [[nodiscard]] bool has_table(const std::string& name) const;
    // A copy of the file as it is now (checkpoint_file.hpp). False: none was made (no room?); the
    // writer goes on all the same.
    [[nodiscard]] bool checkpoint();

    // The first of anything before; empty without one.
    [[nodiscard]] const std::string& error() const noexcept;
    // The error is error(). The checkpoint goes once the file has its name.
    [[nodiscard]] tl::expected<void, std::string> close();

 private:
    struct File;
    explicit Hdf5Writer(std::unique_ptr<File> file);
    std::unique_ptr<File> file_;
};

class Hdf5Reader {
 public:
    [[nodiscard]] static tl::expected<std::unique_ptr<Hdf5Reader>, std::string> open(
        const std::string& path);
    ~Hdf5Reader();
    Hdf5Reader(const Hdf5Reader&) = delete;
    Hdf5Reader& operator=(const Hdf5Reader&) = delete;

    [[nodiscard]] bool has(const std::string& dataset) const;
    // Length of each dimension; empty where there is no such dataset.
    [[nodiscard]] std::vector<std::uint64_t> shape(const std::string& dataset) const;
    // Rows first .. first + count - 1 of a table: these columns of it, packed, converted to the
    // types asked for. Errors: no such table or column.
    [[nodiscard]] tl::expected<std::vector<std::byte>, std::string> read_rows(
        const std::string& table, std::span<const TableColumn> columns, std::uint64_t first,
        std::uint64_t count);
    // The same of a dataset of plain numbers of any number of dimensions: its first index.
    [[nodiscard]] tl::expected<std::vector<float>, std::string> read_numbers(
        const std::string& dataset, std::uint64_t first, std::uint64_t count);
    // How many numbers one cell of a column has; 0 where there is no such column.
    [[nodiscard]] std::size_t array_length(const std::string& table,
                                           const std::string& column) const;
    [[nodiscard]] std::optional<std::string> text(const std::string& name) const;
    [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
    Hdf5Reader(std::int64_t file, std::string path);
    std::int64_t file_;
    std::string path_;
    std::uint64_t bytes_ = 0;  // of the file
};

// Takes numbers off a packed row in the order of its columns.
class TableCells {
 public:
    explicit TableCells(std::span<const std::byte> row) noexcept : rest_(row) {}
    template <typename Number>
    Number take() noexcept {
        Number value{};
        std::memcpy(&value, rest_.data(), sizeof(Number));
        rest_ = rest_.subspan(sizeof(Number));
        return value;
    }
    void take(std::span<float> values) noexcept {
        std::memcpy(values.data(), rest_.data(), values.size_bytes());
        rest_ = rest_.subspan(values.size_bytes());
    }

 private:
    std::span<const std::byte> rest_;
};

[[nodiscard]] std::size_t row_bytes(std::span<const TableColumn> columns) noexcept;

}  // namespace tamis::streams
