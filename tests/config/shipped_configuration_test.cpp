// The menus and deployments that come with the node.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>

#include "config/deployment_reader.hpp"
#include "config/manifest_file.hpp"
#include "config/menu_reader.hpp"
#include "models/event_inputs.hpp"
#include "models/model_loader.hpp"

namespace tamis::config {
namespace {

const std::filesystem::path kConfig = std::filesystem::path(TAMIS_SOURCE_DIR) / "config";

// A model whose working points have every name: for what is to be known without the models.
tl::expected<models::Manifest, Mistakes> any_model(const std::filesystem::path&) {
    models::Manifest manifest;
    for (const char* name : {"tight", "medium", "loose"}) {
        manifest.working_points.push_back({.name = name, .bins = {}});
    }
    return manifest;
}

MenuContext context_without_models() {
    return {.quantities = models::quantity_names(), .manifest_of = any_model};
}

TEST(ShippedMenus, physics_has_each_kind_of_path_and_asks_three_models) {
    const auto menu = read_menu(kConfig / "menus/physics.pbtxt", context_without_models());
    ASSERT_TRUE(menu) << to_string(menu.error());
    EXPECT_EQ(menu->models.size(), 3U);
    for (const PathKind kind :
         {PathKind::select, PathKind::pass_through, PathKind::force_accept, PathKind::veto}) {
        EXPECT_TRUE(std::any_of(menu->paths.begin(), menu->paths.end(),
                                [kind](const Path& path) { return path.kind == kind; }));
    }
    for (const MenuModel& model : menu->models) {
        EXPECT_TRUE(std::any_of(menu->paths.begin(), menu->paths.end(), [&](const Path& path) {
            return path.cut && path.cut->model == model.name;
        })) << model.name;
        EXPECT_EQ(std::filesystem::path(model.directory).parent_path(),
                  kConfig.parent_path() / "models/shipped");
    }
}

TEST(ShippedMenus, cosmics_asks_no_model) {
    const auto menu = read_menu(kConfig / "menus/cosmics.pbtxt", context_without_models());
    ASSERT_TRUE(menu) << to_string(menu.error());
    EXPECT_TRUE(menu->models.empty());
}

TEST(ShippedMenus, physics_names_working_points_that_the_shipped_models_have) {
    const auto models = kConfig.parent_path() / "models/shipped";
    for (const char* name : {"vae", "ringer", "seed_filter"}) {
        if (!std::filesystem::exists(models / name / kManifestFileName)) {
            GTEST_SKIP() << "model not found at " << models / name;
        }
    }
    const auto menu =
        read_menu(kConfig / "menus/physics.pbtxt", {.quantities = models::quantity_names()});
    EXPECT_TRUE(menu) << to_string(menu.error());
}

// The kind "onnx" is in models/model_loader_test.
TEST(ShippedModels, of_every_kind_are_refused_when_a_golden_vector_is_off) {
    for (const char* name : {"vae", "ringer", "seed_filter"}) {
        const auto directory = kConfig.parent_path() / "models/shipped" / name;
        const auto manifest = read_model_directory(directory);
        ASSERT_TRUE(manifest) << to_string(manifest.error());
        const auto model = models::load_model(*manifest, directory);
        ASSERT_TRUE(model) << model.error();
        for (const std::size_t index : {std::size_t{0}, manifest->golden.size() - 1}) {
            models::Manifest other = *manifest;
            other.golden[index].output.back() += 0.5;
            const auto refused = models::load_model(other, directory);
            ASSERT_FALSE(refused) << name;
            EXPECT_THAT(refused.error(),
                        testing::AllOf(testing::HasSubstr(manifest->name),
                                       testing::HasSubstr("golden vector " + std::to_string(index)),
                                       testing::HasSubstr((*model)->score_columns().back())));
        }
    }
}

TEST(ShippedDeployments, are_right_for_a_machine_of_eight_processors) {
    for (const char* name : {"demo", "low_latency", "shared"}) {
        const auto both =
            read_configuration(kConfig / "deployments" / (std::string(name) + ".pbtxt"),
                               context_without_models(), {.cpu_count = 8});
        ASSERT_TRUE(both) << to_string(both.error());
        EXPECT_EQ(both->menu.name, "physics");
        EXPECT_EQ(both->deployment.input.sources.size(), 4U);
    }
}

TEST(ShippedDeployments, demo_and_shared_run_on_one_processor) {
    for (const char* name : {"demo", "shared"}) {
        const auto deployment = read_deployment(
            kConfig / "deployments" / (std::string(name) + ".pbtxt"), {.cpu_count = 1});
        EXPECT_TRUE(deployment) << to_string(deployment.error());
    }
}

}  // namespace
}  // namespace tamis::config
