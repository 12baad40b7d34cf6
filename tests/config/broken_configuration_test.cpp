// Every file in broken/ is refused with exactly the lines of the .expected file beside it. To renew
// them after a change of words, run with TAMIS_RENEW_EXPECTED=1 and read the difference.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "config/deployment_reader.hpp"
#include "config/manifest_file.hpp"
#include "config/menu_reader.hpp"
#include "models/event_inputs.hpp"

namespace tamis::config {
namespace {

const std::filesystem::path kFolder =
    std::filesystem::path(TAMIS_SOURCE_DIR) / "tests/config/broken";

std::string content(const std::filesystem::path& file) {
    std::ostringstream text;
    text << std::ifstream(file).rdbuf();
    return text.str();
}

// The mistakes in a file by the reader that its name asks for; places relative to the folder.
std::string mistakes_of(const std::filesystem::path& file) {
    const MenuContext menu_context{.quantities = models::quantity_names()};
    const std::string name = file.filename();
    std::string text = "accepted\n";
    if (name.ends_with(".menu.pbtxt")) {
        if (const auto menu = read_menu(file, menu_context); !menu) {
            text = to_string(menu.error());
        }
    } else if (name.ends_with(".deployment.pbtxt")) {
        const auto both = read_configuration(file, menu_context, {.cpu_count = 8});
        if (!both) {
            text = to_string(both.error());
        }
    } else if (const auto manifest = read_manifest(file); !manifest) {
        text = to_string(manifest.error());
    }
    const std::string folder = kFolder.string() + '/';
    const std::string outer = kFolder.parent_path().string() + '/';
    for (const std::string& prefix : {folder, outer}) {
        for (std::size_t at = text.find(prefix); at != std::string::npos; at = text.find(prefix)) {
            text.replace(at, prefix.size(), prefix == outer ? "../" : "");
        }
    }
    return text;
}

std::vector<std::filesystem::path> broken_files() {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
        if (entry.path().extension() == ".pbtxt" &&
            !entry.path().filename().string().starts_with("good.")) {
            files.push_back(entry.path());
        }
    }
    std::sort(files.begin(), files.end());
    return files;
}

class BrokenConfiguration : public testing::TestWithParam<std::filesystem::path> {};

TEST_P(BrokenConfiguration, is_refused_with_the_expected_words) {
    std::filesystem::path expected_file = GetParam();
    expected_file.replace_extension(".expected");
    const std::string mistakes = mistakes_of(GetParam());
    if (std::getenv("TAMIS_RENEW_EXPECTED") != nullptr) {
        std::ofstream(expected_file) << mistakes;
    }
    ASSERT_TRUE(std::filesystem::exists(expected_file)) << mistakes;
    EXPECT_EQ(mistakes, content(expected_file));
    EXPECT_NE(mistakes, "accepted\n");
}

INSTANTIATE_TEST_SUITE_P(Files, BrokenConfiguration, testing::ValuesIn(broken_files()),
                         [](const auto& file) {
                             std::string name = file.param.stem().string();
                             std::replace(name.begin(), name.end(), '.', '_');
                             return name;
                         });

TEST(BrokenConfigurations, are_twenty_at_least_and_what_they_stand_beside_is_right) {
    EXPECT_GE(broken_files().size(), 20U);
    const auto good =
        read_menu(kFolder / "good.menu.pbtxt", {.quantities = models::quantity_names()});
    EXPECT_TRUE(good) << to_string(good.error());
}

}  // namespace
}  // namespace tamis::config
