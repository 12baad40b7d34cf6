#include "streams/recording/hdf5_tables.hpp"

#include <hdf5.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <gsl/assert>
#include <utility>

#include "streams/recording/output_file.hpp"

namespace tamis::streams {
namespace {

static_assert(std::is_same_v<hid_t, std::int64_t>);

constexpr hsize_t kRowsOfChunk = 4096;  // of a dataset's chunk, and of one call
constexpr unsigned kDeflateLevel = 1;

// One object of the library, closed with what it was opened by.
class Handle {
 public:
    using Close = herr_t (*)(hid_t);
    Handle(hid_t id, Close close) noexcept : id_(id), close_(close) {}
    Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
    Handle& operator=(Handle&&) = delete;
    ~Handle() {
        if (id_ >= 0) {
            close_(id_);
        }
    }
    [[nodiscard]] hid_t get() const noexcept { return id_; }
    [[nodiscard]] bool is_good() const noexcept { return id_ >= 0; }

 private:
    hid_t id_;
    Close close_;
};

hid_t number_type(ColumnType type) {
    switch (type) {
        case ColumnType::u8:
            return H5T_NATIVE_UINT8;
        case ColumnType::i32:
            return H5T_NATIVE_INT32;
        case ColumnType::u32:
            return H5T_NATIVE_UINT32;
        case ColumnType::u64:
            return H5T_NATIVE_UINT64;
        case ColumnType::f32:
            return H5T_NATIVE_FLOAT;
    }
    return H5T_NATIVE_FLOAT;
}

Handle row_type(std::span<const TableColumn> columns) {
    Handle type(H5Tcreate(H5T_COMPOUND, row_bytes(columns)), H5Tclose);
    std::size_t offset = 0;
    for (const TableColumn& column : columns) {
        if (column.count == 1) {
            H5Tinsert(type.get(), column.name.c_str(), offset, number_type(column.type));
        } else {
            const hsize_t length = column.count;
            const Handle array(H5Tarray_create2(number_type(column.type), 1, &length), H5Tclose);
            H5Tinsert(type.get(), column.name.c_str(), offset, array.get());
        }
        offset += column.bytes();
    }
    return type;
}

// The library prints every failure by default; here each is a returned text.
void keep_quiet() { H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr); }

// Rows first .. first + count - 1 of a dataset, as a selection of its space.
bool select_rows(const Handle& space, std::span<const hsize_t> shape, hsize_t first,
                 hsize_t count) {
    std::vector<hsize_t> start(shape.size(), 0);
    std::vector<hsize_t> size(shape.begin(), shape.end());
    start[0] = first;
    size[0] = count;
    return H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, start.data(), nullptr, size.data(),
                               nullptr) >= 0;
}

std::vector<hsize_t> shape_of(const Handle& space) {
    const int rank = H5Sget_simple_extent_ndims(space.get());
    std::vector<hsize_t> shape(static_cast<std::size_t>(std::max(rank, 0)));
    H5Sget_simple_extent_dims(space.get(), shape.data(), nullptr);
    return shape;
}

}  // namespace

std::size_t TableColumn::bytes() const noexcept {
    const std::size_t one = type == ColumnType::u8 ? 1 : type == ColumnType::u64 ? 8 : 4;
    return one * count;
}

std::size_t row_bytes(std::span<const TableColumn> columns) noexcept {
    std::size_t bytes = 0;
    for (const TableColumn& column : columns) {
        bytes += column.bytes();
    }
    return bytes;
}

struct Hdf5Writer::File {
    struct Table {
        std::string name;
        Handle type;
        Handle dataset;
        std::size_t bytes = 0;  // of a row
        std::vector<std::byte> waiting;
        hsize_t written = 0;
    };

    void flush(Table& table) {
        const hsize_t count = table.waiting.size() / table.bytes;
        if (count == 0) {
            return;
        }
        const hsize_t total = table.written + count;
        const bool is_extended = H5Dset_extent(table.dataset.get(), &total) >= 0;
        const Handle space(H5Dget_space(table.dataset.get()), H5Sclose);
        const Handle rows(H5Screate_simple(1, &count, nullptr), H5Sclose);
        const bool is_written = is_extended &&
                                select_rows(space, std::span(&total, 1), table.written, count) &&
                                H5Dwrite(table.dataset.get(), table.type.get(), rows.get(),
                                         space.get(), H5P_DEFAULT, table.waiting.data()) >= 0;
        if (!is_written && error.empty()) {
            error = "cannot write table " + table.name + " of " + unfinished_path(path) +
                    "; is the disk full?";
        }
        table.written = total;
        table.waiting.clear();
    }

    std::string path;
    hid_t id = -1;
    std::vector<Table> tables;
    std::string error;
};

tl::expected<std::unique_ptr<Hdf5Writer>, std::string> Hdf5Writer::create(const std::string& path,
                                                                          bool replaces) {
    keep_quiet();
    if (!replaces && std::filesystem::exists(path)) {
        return tl::unexpected("cannot write " + path +
                              " (it exists); choose another name or move it away");
    }
    auto file = std::make_unique<File>();
    file->path = path;
    file->id = H5Fcreate(unfinished_path(path).c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    if (file->id < 0) {
        return tl::unexpected("cannot write " + unfinished_path(path) +
                              "; the folder must exist and be writable");
    }
    return std::unique_ptr<Hdf5Writer>(new Hdf5Writer(std::move(file)));
}

Hdf5Writer::Hdf5Writer(std::unique_ptr<File> file) : file_(std::move(file)) {}

Hdf5Writer::~Hdf5Writer() {
    if (file_->id >= 0) {
        file_->tables.clear();
        H5Fclose(file_->id);
        std::remove(unfinished_path(file_->path).c_str());
    }
}

std::size_t Hdf5Writer::add_table(const std::string& name, std::vector<TableColumn> columns) {
    const hsize_t none = 0;
    const hsize_t unlimited = H5S_UNLIMITED;
    const Handle space(H5Screate_simple(1, &none, &unlimited), H5Sclose);
    const Handle layout(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
    H5Pset_chunk(layout.get(), 1, &kRowsOfChunk);
    H5Pset_shuffle(layout.get());
    H5Pset_deflate(layout.get(), kDeflateLevel);
    const Handle links(H5Pcreate(H5P_LINK_CREATE), H5Pclose);
    H5Pset_create_intermediate_group(links.get(), 1);
    Handle type = row_type(columns);
    Handle dataset(H5Dcreate2(file_->id, name.c_str(), type.get(), space.get(), links.get(),
                              layout.get(), H5P_DEFAULT),
                   H5Dclose);
    if (!dataset.is_good() && file_->error.empty()) {
        file_->error = "cannot make table " + name + " of " + unfinished_path(file_->path);
    }
    file_->tables.push_back({name, std::move(type), std::move(dataset), row_bytes(columns), {}, 0});
    return file_->tables.size() - 1;
}

void Hdf5Writer::append(std::size_t table, std::span<const std::byte> row) {
    File::Table& to = file_->tables[table];
    Expects(row.size() == to.bytes);
    to.waiting.insert(to.waiting.end(), row.begin(), row.end());
    if (to.waiting.size() >= kRowsOfChunk * to.bytes) {
        file_->flush(to);
    }
}

std::uint64_t Hdf5Writer::row_count(std::size_t table) const noexcept {
    const File::Table& of = file_->tables[table];
    return of.written + of.waiting.size() / of.bytes;
}

void Hdf5Writer::set_text(const std::string& name, const std::string& text) {
    const Handle type(H5Tcopy(H5T_C_S1), H5Tclose);
    H5Tset_size(type.get(), std::max<std::size_t>(text.size(), 1));
    H5Tset_cset(type.get(), H5T_CSET_UTF8);
    const Handle space(H5Screate(H5S_SCALAR), H5Sclose);
    const Handle attribute(
        H5Acreate2(file_->id, name.c_str(), type.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT),
        H5Aclose);
    if ((!attribute.is_good() || H5Awrite(attribute.get(), type.get(), text.c_str()) < 0) &&
        file_->error.empty()) {
        file_->error = "cannot write text " + name + " of " + unfinished_path(file_->path);
    }
}

tl::expected<void, std::string> Hdf5Writer::close() {
    for (File::Table& table : file_->tables) {
        file_->flush(table);
    }
    file_->tables.clear();
    const bool is_closed = H5Fclose(std::exchange(file_->id, -1)) >= 0;
    if (file_->error.empty() && !is_closed) {
        file_->error = "cannot finish " + unfinished_path(file_->path) + "; is the disk full?";
    }
    if (file_->error.empty() &&
        std::rename(unfinished_path(file_->path).c_str(), file_->path.c_str()) != 0) {
        file_->error = "cannot rename " + unfinished_path(file_->path) + " to " + file_->path;
    }
    if (!file_->error.empty()) {
        std::remove(unfinished_path(file_->path).c_str());
        return tl::unexpected(file_->error);
    }
    return {};
}

tl::expected<std::unique_ptr<Hdf5Reader>, std::string> Hdf5Reader::open(const std::string& path) {
    keep_quiet();
    const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
    if (file < 0) {
        return tl::unexpected("cannot read " + path + " (no HDF5 file, or damaged)");
    }
    return std::unique_ptr<Hdf5Reader>(new Hdf5Reader(file, path));
}

Hdf5Reader::Hdf5Reader(std::int64_t file, std::string path) : file_(file), path_(std::move(path)) {}
Hdf5Reader::~Hdf5Reader() { H5Fclose(file_); }

bool Hdf5Reader::has(const std::string& dataset) const { return !shape(dataset).empty(); }

std::vector<std::uint64_t> Hdf5Reader::shape(const std::string& dataset) const {
    const Handle set(H5Dopen2(file_, dataset.c_str(), H5P_DEFAULT), H5Dclose);
    if (!set.is_good()) {
        return {};
    }
    const auto lengths = shape_of(Handle(H5Dget_space(set.get()), H5Sclose));
    return {lengths.begin(), lengths.end()};
}

tl::expected<std::vector<std::byte>, std::string> Hdf5Reader::read_rows(
    const std::string& table, std::span<const TableColumn> columns, std::uint64_t first,
    std::uint64_t count) {
    const Handle set(H5Dopen2(file_, table.c_str(), H5P_DEFAULT), H5Dclose);
    if (!set.is_good()) {
        return tl::unexpected(path_ + " has no table \"" + table + "\"");
    }
    const Handle stored(H5Dget_type(set.get()), H5Tclose);
    for (const TableColumn& column : columns) {
        if (H5Tget_class(stored.get()) != H5T_COMPOUND ||
            H5Tget_member_index(stored.get(), column.name.c_str()) < 0) {
            return tl::unexpected(path_ + ": table \"" + table + "\" has no column \"" +
                                  column.name + "\"");
        }
    }
    const Handle space(H5Dget_space(set.get()), H5Sclose);
    const auto shape = shape_of(space);
    std::vector<std::byte> rows(count * row_bytes(columns));
    const hsize_t length = count;
    const Handle memory(H5Screate_simple(1, &length, nullptr), H5Sclose);
    if (shape.size() != 1 || first + count > shape[0] || !select_rows(space, shape, first, count) ||
        H5Dread(set.get(), row_type(columns).get(), memory.get(), space.get(), H5P_DEFAULT,
                rows.data()) < 0) {
        return tl::unexpected(path_ + ": table \"" + table + "\" cannot be read at row " +
                              std::to_string(first) + " (damaged, or a column of another kind)");
    }
    return rows;
}

tl::expected<std::vector<float>, std::string> Hdf5Reader::read_numbers(const std::string& dataset,
                                                                       std::uint64_t first,
                                                                       std::uint64_t count) {
    const Handle set(H5Dopen2(file_, dataset.c_str(), H5P_DEFAULT), H5Dclose);
    if (!set.is_good()) {
        return tl::unexpected(path_ + " has no dataset \"" + dataset + "\"");
    }
    const Handle space(H5Dget_space(set.get()), H5Sclose);
    const auto shape = shape_of(space);
    hsize_t size = count;
    for (std::size_t dimension = 1; dimension < shape.size(); ++dimension) {
        size *= shape[dimension];
    }
    std::vector<float> numbers(size);
    const Handle memory(H5Screate_simple(1, &size, nullptr), H5Sclose);
    if (shape.empty() || first + count > shape[0] || !select_rows(space, shape, first, count) ||
        H5Dread(set.get(), H5T_NATIVE_FLOAT, memory.get(), space.get(), H5P_DEFAULT,
                numbers.data()) < 0) {
        return tl::unexpected(path_ + ": dataset \"" + dataset + "\" cannot be read at row " +
                              std::to_string(first) + " (damaged, or no numbers)");
    }
    return numbers;
}

std::size_t Hdf5Reader::array_length(const std::string& table, const std::string& column) const {
    const Handle set(H5Dopen2(file_, table.c_str(), H5P_DEFAULT), H5Dclose);
    const Handle stored(set.is_good() ? H5Dget_type(set.get()) : -1, H5Tclose);
    const int index = stored.is_good() ? H5Tget_member_index(stored.get(), column.c_str()) : -1;
    if (index < 0) {
        return 0;
    }
    const Handle type(H5Tget_member_type(stored.get(), static_cast<unsigned>(index)), H5Tclose);
    hsize_t length = 1;
    if (H5Tget_class(type.get()) == H5T_ARRAY &&
        (H5Tget_array_ndims(type.get()) != 1 || H5Tget_array_dims2(type.get(), &length) < 0)) {
        return 0;
    }
    return length;
}

std::optional<std::string> Hdf5Reader::text(const std::string& name) const {
    const Handle attribute(H5Aopen(file_, name.c_str(), H5P_DEFAULT), H5Aclose);
    if (!attribute.is_good()) {
        return std::nullopt;
    }
    const Handle type(H5Aget_type(attribute.get()), H5Tclose);
    if (H5Tget_class(type.get()) != H5T_STRING || H5Tis_variable_str(type.get()) != 0) {
        return std::nullopt;
    }
    std::string text(H5Tget_size(type.get()), '\0');
    if (H5Aread(attribute.get(), type.get(), text.data()) < 0) {
        return std::nullopt;
    }
    text.resize(std::min(text.find('\0'), text.size()));
    return text;
}

}  // namespace tamis::streams
