#include "streams/csv_table.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>

namespace tamis::streams {
namespace {

class CsvTableTest : public testing::Test {
 protected:
    void SetUp() override {
        const auto* test = testing::UnitTest::GetInstance()->current_test_info();
        file_ = std::filesystem::path(testing::TempDir()) /
                (test->name() + std::to_string(getpid()) + ".csv");
    }
    void TearDown() override { std::filesystem::remove(file_); }

    tl::expected<CsvTable, std::string> read(const std::string& text) {
        std::ofstream(file_, std::ios::binary) << text;
        return read_csv_table(file_);
    }

    std::filesystem::path file_;
};

TEST_F(CsvTableTest, reads_names_and_numbers) {
    const auto table = read("HT,\"MET, p\"\n38.1,-2e-3\r\n1,\n");
    ASSERT_TRUE(table) << table.error();
    EXPECT_EQ(table->columns, (std::vector<std::string>{"HT", "MET, p"}));
    ASSERT_EQ(table->row_count(), 2U);
    EXPECT_EQ(table->row(0)[1], -2e-3);
    EXPECT_TRUE(std::isnan(table->row(1)[1]));
    EXPECT_EQ(table->find_column("HT"), 0U);
    EXPECT_EQ(table->find_column("ht"), std::nullopt);
}

TEST_F(CsvTableTest, keeps_where_a_column_has_its_first_word) {
    const auto table = read("a,b\n1,2\n3,four\n5,six\n");
    ASSERT_TRUE(table) << table.error();
    EXPECT_EQ(table->words,
              (std::vector<std::string>{"", file_.string() + ":3: column b: 'four' is no number; "
                                                             "write it like 12.5 or 3e-4"}));
    EXPECT_EQ(table->row(1)[0], 3);
    EXPECT_TRUE(std::isnan(table->row(1)[1]));
}

TEST_F(CsvTableTest, refuses_rows_of_another_length) {
    EXPECT_NE(read("a,b\n1\n").error().find(":2: 1 fields where the header names 2"),
              std::string::npos);
    EXPECT_NE(read("a,b\n1,2,3\n").error().find(":2: more fields than"), std::string::npos);
}

TEST_F(CsvTableTest, refuses_an_empty_file_a_double_name_and_an_open_quote) {
    EXPECT_NE(read("").error().find("no header row"), std::string::npos);
    EXPECT_NE(read("a,a\n").error().find("named twice"), std::string::npos);
    EXPECT_FALSE(read("a\n\"1\n"));
    EXPECT_FALSE(read_csv_table("/nonexistent/table.csv"));
}

TEST_F(CsvTableTest, what_is_written_reads_back_exactly) {
    const std::vector<std::string> columns{"x", "a,b"};
    const std::vector<float> values{0.1F, 3.0e-39F, -16777217.0F, 2.5F};
    ASSERT_TRUE(write_csv_table(file_, columns, values));
    const auto table = read_csv_table(file_);
    ASSERT_TRUE(table) << table.error();
    EXPECT_EQ(table->columns, columns);
    for (std::size_t i = 0; i < values.size(); ++i) {
        EXPECT_EQ(static_cast<float>(table->values[i]), values[i]);
    }
}

TEST_F(CsvTableTest, numbers_of_few_binary_places_are_written_in_full) {
    const std::vector<float> values = {20.6953125F, 477.1875F, -0.0078125F, 16777215.0F, 0.1F};
    ASSERT_TRUE(write_csv_table(file_, std::vector<std::string>{"x"}, values));
    std::ifstream stream(file_);
    const std::string text(std::istreambuf_iterator<char>(stream), {});
    EXPECT_EQ(text, "x\n20.6953125\n477.1875\n-0.0078125\n16777215\n0.1\n");
}

TEST_F(CsvTableTest, a_full_disk_is_an_error) {
    EXPECT_FALSE(
        write_csv_table("/dev/full", std::vector<std::string>{"x"}, std::vector<float>{1.0F}));
}

}  // namespace
}  // namespace tamis::streams
