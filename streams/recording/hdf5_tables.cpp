#include "streams/recording/hdf5_tables.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <gsl/assert>
#include <utility>

#include "streams/recording/checkpoint_file.hpp"
#include "streams/recording/hdf5_handles.hpp"
#include "streams/recording/output_file.hpp"

namespace tamis::streams {
namespace {

using hdf5::Handle;
using hdf5::keep_quiet;
using hdf5::row_type;
using hdf5::select_rows;
using hdf5::shape_of;

constexpr hsize_t kRowsOfChunk = 4096;  // of a dataset's chunk, and of one call
constexpr unsigned kDeflateLevel = 1;

Handle make_dataset(hid_t file, const std::string& name, const Handle& type) {
    const hsize_t none = 0;
    const hsize_t unlimited = H5S_UNLIMITED;
    const Handle space(H5Screate_simple(1, &none, &unlimited), H5Sclose);
    const Handle layout(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
    H5Pset_chunk(layout.get(), 1, &kRowsOfChunk);
    H5Pset_shuffle(layout.get());
    H5Pset_deflate(layout.get(), kDeflateLevel);
    const Handle links(H5Pcreate(H5P_LINK_CREATE), H5Pclose);
    H5Pset_create_intermediate_group(links.get(), 1);
    return {H5Dcreate2(file, name.c_str(), type.get(), space.get(), links.get(), layout.get(),
                       H5P_DEFAULT),
            H5Dclose};
}

bool has_rows_of(const Handle& dataset, const Handle& type) {
    const Handle stored(H5Dget_type(dataset.get()), H5Tclose);
    return H5Tequal(stored.get(), type.get()) > 0;
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

    // Keeps the first.
    void note(std::string what) {
        if (error.empty()) {
            error = std::move(what);
        }
    }
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
        if (!is_written) {
            note("cannot write table " + table.name + " of " + unfinished_path(path) +
                 "; is the disk full?");
        }
        table.written = total;
        table.waiting.clear();
    }

    std::string path;
    hid_t id = -1;
    bool is_resumed = false;
    std::vector<Table> tables;
    std::string error;
};

tl::expected<std::unique_ptr<Hdf5Writer>, std::string> Hdf5Writer::create(const std::string& path,
                                                                          bool replaces) {
    keep_quiet();
    for (const std::string& taken : {path, unfinished_path(path), checkpoint_path(path)}) {
        if (!replaces && std::filesystem::exists(taken)) {
            std::string why = "cannot write " + path;
            why.append(" (").append(taken).append(" exists); choose another name, replace it ");
            return tl::unexpected(why.append("or resume it"));
        }
    }
    std::remove(checkpoint_path(path).c_str());  // of what is replaced
    auto file = std::make_unique<File>();
    file->path = path;
    file->id = H5Fcreate(unfinished_path(path).c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    if (file->id < 0) {
        return tl::unexpected("cannot write " + unfinished_path(path) +
                              "; the folder must exist and be writable");
    }
    return std::unique_ptr<Hdf5Writer>(new Hdf5Writer(std::move(file)));
}

tl::expected<std::unique_ptr<Hdf5Writer>, std::string> Hdf5Writer::resume(const std::string& path) {
    keep_quiet();
    const std::string checkpoint = checkpoint_path(path);
    if (std::filesystem::exists(path)) {
        return tl::unexpected("cannot resume " + path + " (it is whole already)");
    }
    if (!std::filesystem::exists(checkpoint)) {
        return create(path, true);  // broken off before the first one
    }
    if (!restore_checkpoint(path)) {
        return tl::unexpected("cannot resume " + path + " (" + checkpoint +
                              " cannot be copied to " + unfinished_path(path) +
                              "); make room for it");
    }
    auto file = std::make_unique<File>();
    file->path = path;
    file->is_resumed = true;
    file->id = H5Fopen(unfinished_path(path).c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
    if (file->id < 0) {
        return tl::unexpected("cannot resume " + path + " (" + checkpoint +
                              " is no HDF5 file, or damaged); replace the file instead");
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
    Handle type = row_type(columns);
    const bool is_there = has_table(name);
    Handle dataset = is_there ? Handle(H5Dopen2(file_->id, name.c_str(), H5P_DEFAULT), H5Dclose)
                              : make_dataset(file_->id, name, type);
    if (!dataset.is_good()) {
        file_->note("cannot make table " + name + " of " + unfinished_path(file_->path));
    } else if (!has_rows_of(dataset, type)) {
        file_->note("table " + name + " of " + unfinished_path(file_->path) +
                    " has other columns; resume with the options that it was made with");
    }
    const auto shape = is_there ? shape_of(Handle(H5Dget_space(dataset.get()), H5Sclose))
                                : std::vector<hsize_t>{0};
    file_->tables.push_back({name,
                             std::move(type),
                             std::move(dataset),
                             row_bytes(columns),
                             {},
                             shape.empty() ? 0 : shape[0]});
    return file_->tables.size() - 1;
}

bool Hdf5Writer::has_table(const std::string& name) const {
    return file_->is_resumed &&
           Handle(H5Dopen2(file_->id, name.c_str(), H5P_DEFAULT), H5Dclose).is_good();
}

const std::string& Hdf5Writer::error() const noexcept { return file_->error; }

bool Hdf5Writer::checkpoint() {
    for (File::Table& table : file_->tables) {
        file_->flush(table);
    }
    return file_->error.empty() && H5Fflush(file_->id, H5F_SCOPE_GLOBAL) >= 0 &&
           save_checkpoint(file_->path);
}

void Hdf5Writer::append(std::size_t table, std::span<const std::byte> row) {
    File::Table& to = file_->tables[table];
    Expects(row.size() == to.bytes);
    to.waiting.insert(to.waiting.end(), row.begin(), row.end());
    // Up to the end of a chunk, so that none is packed twice (but the one that a checkpoint cuts).
    if (to.waiting.size() >= (kRowsOfChunk - to.written % kRowsOfChunk) * to.bytes) {
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
    if (!attribute.is_good() || H5Awrite(attribute.get(), type.get(), text.c_str()) < 0) {
        file_->note("cannot write text " + name + " of " + unfinished_path(file_->path));
    }
}

tl::expected<void, std::string> Hdf5Writer::close() {
    for (File::Table& table : file_->tables) {
        file_->flush(table);
    }
    file_->tables.clear();
    const bool is_closed = H5Fclose(std::exchange(file_->id, -1)) >= 0;
    if (!is_closed) {
        file_->note("cannot finish " + unfinished_path(file_->path) + "; is the disk full?");
    }
    if (file_->error.empty() &&
        std::rename(unfinished_path(file_->path).c_str(), file_->path.c_str()) != 0) {
        file_->note("cannot rename " + unfinished_path(file_->path) + " to " + file_->path);
    }
    if (!file_->error.empty()) {
        std::remove(unfinished_path(file_->path).c_str());
        return tl::unexpected(file_->error);
    }
    std::remove(checkpoint_path(file_->path).c_str());
    return {};
}

}  // namespace tamis::streams
