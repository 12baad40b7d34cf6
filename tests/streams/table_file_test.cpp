#include "streams/table_file.hpp"

#include <gtest/gtest.h>
#include <hdf5.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace tamis::streams {
namespace {

// Writes data sets of the forms that people use.
class Hdf5File {
 public:
    explicit Hdf5File(const std::filesystem::path& path)
        : id_(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT)) {}
    ~Hdf5File() { H5Fclose(id_); }
    Hdf5File(const Hdf5File&) = delete;
    Hdf5File& operator=(const Hdf5File&) = delete;

    void group(const char* name) {
        H5Gclose(H5Gcreate2(id_, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    }
    // As 32-bit floats, whatever the type in the file.
    hid_t numbers(const char* name, std::vector<hsize_t> shape, const std::vector<float>& values,
                  hid_t type) {
        return write(name, shape, type, H5T_NATIVE_FLOAT, values.data());
    }
    // Fixed-length strings as numpy writes them.
    void strings(const char* name, const std::vector<std::string>& texts) {
        const hid_t type = H5Tcopy(H5T_C_S1);
        H5Tset_size(type, 8);
        std::string bytes;
        for (const auto& text : texts) bytes += text + std::string(8 - text.size(), '\0');
        H5Dclose(write(name, {texts.size()}, type, type, bytes.data()));
        H5Tclose(type);
    }
    // Strings of any length as h5py writes them.
    static void name_columns(hid_t set, const char* attribute, std::vector<const char*> names) {
        const hid_t type = H5Tcopy(H5T_C_S1);
        H5Tset_size(type, H5T_VARIABLE);
        const hsize_t count = names.size();
        const hid_t space = H5Screate_simple(1, &count, nullptr);
        const hid_t id = H5Acreate2(set, attribute, type, space, H5P_DEFAULT, H5P_DEFAULT);
        H5Awrite(id, type, static_cast<const void*>(names.data()));
        H5Aclose(id);
        H5Sclose(space);
        H5Tclose(type);
    }
    hid_t write(const char* name, const std::vector<hsize_t>& shape, hid_t type, hid_t memory,
                const void* values) {
        const hid_t space = H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr);
        const hid_t set = H5Dcreate2(id_, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
        H5Dwrite(set, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
        H5Sclose(space);
        return set;
    }

 private:
    hid_t id_;
};

class TableFileTest : public testing::Test {
 protected:
    void SetUp() override {
        const auto* test = testing::UnitTest::GetInstance()->current_test_info();
        file_ = std::filesystem::path(testing::TempDir()) /
                (test->name() + std::to_string(getpid()) + ".h5");
    }
    void TearDown() override { std::filesystem::remove(file_); }

    std::filesystem::path file_;
};

using Names = std::vector<std::string>;

TEST_F(TableFileTest, two_dimensions_with_named_columns_and_a_column_beside) {
    {
        Hdf5File file(file_);
        file.group("events");
        const hid_t set =
            file.numbers("events/features", {3, 2}, {1, 2, 3, 4, 5, 6.5F}, H5T_IEEE_F32LE);
        Hdf5File::name_columns(set, "columns", {"HT", "a longer name"});
        H5Dclose(set);
        H5Dclose(file.numbers("events/label", {3}, {0, 1, 1}, H5T_STD_I8LE));
        H5Dclose(file.numbers("length", {1}, {3}, H5T_STD_I8LE));
    }
    // "length" has another number of rows than the table: it is no column of it.
    const auto table = read_table_file(file_);
    ASSERT_FALSE(table);
    EXPECT_NE(table.error().find(".h5: data set length: 1 rows where events/label has 3"),
              std::string::npos)
        << table.error();
}

TEST_F(TableFileTest, names_from_an_attribute) {
    {
        Hdf5File file(file_);
        file.group("events");
        const hid_t set =
            file.numbers("events/features", {3, 2}, {1, 2, 3, 4, 5, 6.5F}, H5T_IEEE_F32LE);
        Hdf5File::name_columns(set, "columns", {"HT", "a longer name"});
        H5Dclose(set);
        H5Dclose(file.numbers("events/label", {3}, {0, 1, 1}, H5T_STD_I8LE));
    }
    const auto table = read_table_file(file_);
    ASSERT_TRUE(table) << table.error();
    EXPECT_EQ(table->columns, (Names{"HT", "a longer name", "label"}));
    EXPECT_EQ(table->values, (std::vector<double>{1, 2, 0, 3, 4, 1, 5, 6.5, 1}));
    EXPECT_EQ(table->words, Names(3));
    EXPECT_EQ(table->place_of_row(1), file_.string() + ": row 2");
    EXPECT_EQ(table->place_of_names(), file_.string());
}

TEST_F(TableFileTest, names_from_a_data_set_of_strings_or_none) {
    {
        Hdf5File file(file_);
        H5Dclose(file.numbers("data", {1, 3}, {7, 8, 9}, H5T_STD_U16BE));
        file.strings("feature_names", {"a", "b", "c"});
    }
    EXPECT_EQ(read_table_file(file_).value().columns, (Names{"a", "b", "c"}));
    {
        Hdf5File file(file_);
        H5Dclose(file.numbers("data", {1, 3}, {7, 8, 9}, H5T_IEEE_F64LE));
    }
    const auto table = read_table_file(file_).value();
    EXPECT_EQ(table.columns, (Names{"x0", "x1", "x2"}));
    EXPECT_EQ(table.values, (std::vector<double>{7, 8, 9}));
}

TEST_F(TableFileTest, one_data_set_a_column_in_order_of_name) {
    {
        Hdf5File file(file_);
        H5Dclose(file.numbers("b", {2}, {3, 4}, H5T_IEEE_F32LE));
        H5Dclose(file.numbers("a", {2}, {1, 2}, H5T_STD_I32LE));
    }
    const auto table = read_table_file(file_);
    ASSERT_TRUE(table) << table.error();
    EXPECT_EQ(table->columns, (Names{"a", "b"}));
    EXPECT_EQ(table->values, (std::vector<double>{1, 3, 2, 4}));
}

TEST_F(TableFileTest, members_of_a_compound_but_those_that_are_no_numbers) {
    struct Row {
        float ht;
        std::int32_t jets;
        char name[4];
    };
    {
        Hdf5File file(file_);
        const hid_t text = H5Tcopy(H5T_C_S1);
        H5Tset_size(text, 4);
        const hid_t type = H5Tcreate(H5T_COMPOUND, sizeof(Row));
        H5Tinsert(type, "HT", HOFFSET(Row, ht), H5T_NATIVE_FLOAT);
        H5Tinsert(type, "nJets", HOFFSET(Row, jets), H5T_NATIVE_INT32);
        H5Tinsert(type, "name", HOFFSET(Row, name), text);
        const std::array<Row, 2> rows = {{{30.5F, 2, "w"}, {40, 3, "z"}}};
        H5Dclose(file.write("events", {2}, type, type, rows.data()));
        H5Tclose(type);
        H5Tclose(text);
    }
    const auto table = read_table_file(file_);
    ASSERT_TRUE(table) << table.error();
    EXPECT_EQ(table->columns, (Names{"HT", "nJets"}));
    EXPECT_EQ(table->values, (std::vector<double>{30.5, 2, 40, 3}));
}

TEST_F(TableFileTest, what_is_no_table_is_refused_by_file_and_data_set) {
    const auto refusal = [this] {
        const auto table = read_table_file(file_);
        return table ? std::string() : table.error();
    };
    EXPECT_NE(refusal().find(".h5: cannot be opened"), std::string::npos);
    std::ofstream(file_) << "HT,MT\n1,2\n";
    EXPECT_NE(refusal().find("no HDF5 file"), std::string::npos);
    { const Hdf5File file(file_); }
    EXPECT_NE(refusal().find("no data set of numbers"), std::string::npos);
    {
        Hdf5File file(file_);
        H5Dclose(file.numbers("first", {1, 2}, {1, 2}, H5T_IEEE_F32LE));
        H5Dclose(file.numbers("second", {1, 2}, {1, 2}, H5T_IEEE_F32LE));
    }
    EXPECT_NE(refusal().find("data set second: a second table beside first"), std::string::npos)
        << refusal();
    {
        Hdf5File file(file_);
        const hid_t set = file.numbers("features", {1, 2}, {1, 2}, H5T_IEEE_F32LE);
        Hdf5File::name_columns(set, "names", {"HT", "HT"});
        H5Dclose(set);
    }
    EXPECT_NE(refusal().find("column HT is there twice"), std::string::npos) << refusal();
}

TEST_F(TableFileTest, a_file_cut_anywhere_is_refused_or_read_as_it_was) {
    {
        Hdf5File file(file_);
        const hid_t set =
            file.numbers("features", {50, 2}, std::vector<float>(100, 1.5F), H5T_IEEE_F32LE);
        Hdf5File::name_columns(set, "names", {"HT", "MT"});
        H5Dclose(set);
    }
    const auto size = std::filesystem::file_size(file_);
    for (auto left = size; left > 37; left -= 37) {
        std::filesystem::resize_file(file_, left);
        const auto table = read_table_file(file_);
        EXPECT_TRUE(left == size ? table.has_value() : !table.has_value()) << left;
    }
}

TEST(PlaceOfRow, follows_the_name_of_the_file) {
    EXPECT_EQ(place_of_row("features.csv", 0), "features.csv:2");
    EXPECT_EQ(place_of_row("features.hdf5", 0), "features.hdf5: row 1");
}

}  // namespace
}  // namespace tamis::streams
