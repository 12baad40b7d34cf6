#include "streams/whole_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

namespace tamis::streams {
namespace {

namespace fs = std::filesystem;

class WholeFile : public testing::Test {
 protected:
    WholeFile()
        : folder_(fs::path(testing::TempDir()) /
                  (testing::UnitTest::GetInstance()->current_test_info()->name() +
                   std::to_string(getpid()))) {
        fs::remove_all(folder_);
        fs::create_directories(folder_);
    }
    ~WholeFile() override { fs::remove_all(folder_); }

    fs::path folder_;
};

TEST_F(WholeFile, comes_back_as_it_was_written) {
    const fs::path file = folder_ / "file";
    for (const std::string& text : {std::string("one"), std::string(), std::string("a\0b\n", 4)}) {
        ASSERT_TRUE(write_whole_file(file, text));
        const auto read = read_whole_file(file);
        ASSERT_TRUE(read) << read.error();
        EXPECT_EQ(*read, text);
    }
}

TEST_F(WholeFile, leaves_nothing_when_it_cannot_be_written) {
    const auto nowhere = write_whole_file(folder_ / "absent" / "file", "text");
    ASSERT_FALSE(nowhere);
    EXPECT_THAT(nowhere.error(), testing::HasSubstr("no such folder"));
    fs::create_directories(folder_ / "taken" / "inside");
    const auto taken = write_whole_file(folder_ / "taken", "text");
    ASSERT_FALSE(taken);
    EXPECT_THAT(taken.error(), testing::HasSubstr("in place"));
    EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()), 1);
}

TEST_F(WholeFile, says_that_a_device_is_full_and_keeps_the_device) {
    const auto full = write_whole_file("/dev/full", "text");
    ASSERT_FALSE(full);
    EXPECT_THAT(full.error(), testing::HasSubstr("no room"));
    EXPECT_TRUE(fs::exists("/dev/full"));
}

TEST_F(WholeFile, is_not_a_folder_and_must_be_there) {
    EXPECT_FALSE(read_whole_file(folder_));
    EXPECT_FALSE(read_whole_file(folder_ / "absent"));
}

}  // namespace
}  // namespace tamis::streams
