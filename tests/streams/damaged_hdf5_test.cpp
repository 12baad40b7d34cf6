// HDF5 files that lie about themselves: their reading ends with an error, whatever the library
// does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <hdf5.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <new>
#include <string>
#include <vector>

#include "streams/recording/hdf5_event_source.hpp"
#include "streams/recording/hdf5_tables.hpp"
#include "streams/recording/import_layout.hpp"
#include "streams/rehearsal.hpp"
#include "streams/table_file.hpp"

namespace tamis::streams {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

class DamagedHdf5 : public testing::Test {
 protected:
    void SetUp() override {
        const auto* test = testing::UnitTest::GetInstance()->current_test_info();
        file_ = fs::path(testing::TempDir()) / (test->name() + std::to_string(getpid()) + ".h5");
    }
    void TearDown() override { fs::remove(file_); }

    // A data set of bytes that nothing was written to.
    void claim(const char* name, const std::vector<hsize_t>& shape, const char* other_file = "") {
        const hid_t file = H5Fcreate(file_.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
        const auto rank = static_cast<int>(shape.size());
        const hid_t space = H5Screate_simple(rank, shape.data(), nullptr);
        const hid_t layout = H5Pcreate(H5P_DATASET_CREATE);
        if (*other_file != '\0') H5Pset_external(layout, other_file, 0, H5F_UNLIMITED);
        const hid_t set =
            H5Dcreate2(file, name, H5T_STD_U8LE, space, H5P_DEFAULT, layout, H5P_DEFAULT);
        EXPECT_GE(set, 0);
        H5Dclose(set);
        H5Pclose(layout);
        H5Sclose(space);
        H5Fclose(file);
    }
    [[nodiscard]] std::string refusal() const {
        const auto table = read_table_file(file_);
        return table ? std::string() : table.error();
    }

    fs::path file_;
};

TEST_F(DamagedHdf5, more_than_a_file_can_hold_is_refused_unread) {
    claim("a", {hsize_t{1} << 25});
    EXPECT_THAT(refusal(), HasSubstr(".h5: data set a: it claims 33554432 bytes in a file of "));
    claim("a", {1000});
    EXPECT_EQ(refusal(), "");
}

// 2^62 x 19 x 4 values are 0 in 64 bits.
TEST_F(DamagedHdf5, a_count_that_wraps_around_is_refused) {
    claim("Particles", {hsize_t{1} << 62, 19, 4});
    const auto source = make_hdf5_event_source(file_, Hdf5Layout::adc2021);
    ASSERT_TRUE(source) << source.error();
    EXPECT_FALSE((*source)->next([](const RowProblem&) {}));
    EXPECT_THAT((*source)->error(), HasSubstr("it claims 18446744073709551615 bytes"));
}

TEST_F(DamagedHdf5, values_in_another_file_are_refused) {
    claim("a", {4}, "/dev/zero");
    EXPECT_THAT(refusal(), HasSubstr("data set a: its values lie in other files"));
}

TEST_F(DamagedHdf5, several_texts_are_no_text) {
    const hid_t file = H5Fcreate(file_.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    const hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, 8);
    const hsize_t count = 64;
    const hid_t space = H5Screate_simple(1, &count, nullptr);
    const hid_t texts = H5Acreate2(file, "tamis_export", type, space, H5P_DEFAULT, H5P_DEFAULT);
    const std::string bytes(8 * count, 'x');
    H5Awrite(texts, type, bytes.data());
    H5Aclose(texts);
    H5Sclose(space);
    H5Tclose(type);
    H5Fclose(file);
    const auto reader = Hdf5Reader::open(file_);
    ASSERT_TRUE(reader) << reader.error();
    EXPECT_FALSE((*reader)->text("tamis_export"));
    EXPECT_FALSE(detect_import_layout(file_));
}

TEST(Rehearsal, says_how_the_child_ended_and_keeps_its_parent) {
    int done = 0;
    EXPECT_TRUE(rehearse("file.h5", "the library", [&done] { done = 1; }));
    EXPECT_EQ(done, 0);
    const auto crash = rehearse("file.h5", "the library", [] { std::raise(SIGSEGV); });
    ASSERT_FALSE(crash);
    EXPECT_EQ(crash.error(),
              "file.h5: the library cannot read it (ended by signal 11 when it tried: the file is "
              "damaged); right is a whole file");
    const auto memory = rehearse("file.h5", "the library", [] { throw std::bad_alloc(); });
    ASSERT_FALSE(memory);
    EXPECT_THAT(memory.error(), HasSubstr("ran out of memory"));
}

// The library crashes on some of these: it trusts the lengths of its heap of texts.
TEST_F(DamagedHdf5, a_changed_length_in_the_heap_ends_no_process) {
    const hid_t file = H5Fcreate(file_.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    const std::array<hsize_t, 2> shape = {1, 2};
    const hid_t space = H5Screate_simple(2, shape.data(), nullptr);
    const hid_t set =
        H5Dcreate2(file, "features", H5T_STD_U8LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    const hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, H5T_VARIABLE);
    const hid_t names_space = H5Screate_simple(1, &shape[1], nullptr);
    const hid_t names = H5Acreate2(set, "columns", type, names_space, H5P_DEFAULT, H5P_DEFAULT);
    const std::array<const char*, 2> texts = {"HT", "MT"};
    H5Awrite(names, type, static_cast<const void*>(texts.data()));
    H5Aclose(names);
    H5Sclose(names_space);
    H5Tclose(type);
    H5Dclose(set);
    H5Sclose(space);
    H5Fclose(file);
    std::ifstream whole(file_, std::ios::binary);
    const std::string bytes(std::istreambuf_iterator<char>(whole), {});
    const std::size_t heap = bytes.find("GCOL");
    ASSERT_NE(heap, std::string::npos);
    constexpr std::size_t kLengthBytes = 6;  // of 8; a change of the lowest ones takes 10 s
    constexpr std::size_t kFirstLength = 26;
    int ended = 0;
    for (std::size_t at = heap + kFirstLength; at < heap + kFirstLength + kLengthBytes; ++at) {
        std::string changed = bytes;
        changed[at] = static_cast<char>(changed[at] ^ 0x7f);
        std::ofstream(file_, std::ios::binary) << changed;
        const std::string error = refusal();
        EXPECT_TRUE(error.empty() || error.starts_with(file_.string())) << at;
        ended += error.find("ended by signal") != std::string::npos ? 1 : 0;
    }
    RecordProperty("ended", ended);  // none once the library is mended
}

}  // namespace
}  // namespace tamis::streams
