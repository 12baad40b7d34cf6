// Any text as the .conf of an ATLAS tuning, two of them where a byte 0 divides it, beside networks
// that exist: it is read or refused with a reason. What is read is a model, and, where the layout
// can say it, is written and read again alike.
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <gsl/assert>
#include <string>
#include <string_view>

#include "config/manifest_file.hpp"
#include "engine/onnx_writer.hpp"
#include "models/model_loader.hpp"
#include "models/ringer/ringer_athena.hpp"
#include "models/ringer/ringer_athena_export.hpp"
#include "models/ringer/ringer_network.hpp"
#include "streams/whole_file.hpp"

namespace {

namespace fs = std::filesystem;
using namespace tamis;

void write(const fs::path& file, std::string_view bytes) {
    fs::create_directories(file.parent_path());
    const auto written = streams::write_whole_file(file, bytes);
    Ensures(written.has_value());
}

// A folder of networks of 100 and of 50 rings, gone at the end.
class Folder {
 public:
    explicit Folder(const std::string& name)
        : path_(fs::temp_directory_path() / (name + std::to_string(getpid()))) {
        for (std::size_t i = 0; i < 3; ++i) {
            const std::array<std::size_t, 3> nodes = {i == 2 ? 50U : 100U, 2, 1};
            const auto graph = models::make_mlp("bin", nodes, models::LastLayer::linear, i + 1);
            const auto onnx = engine::write_onnx(graph);
            Ensures(onnx.has_value());
            write(path_ / "models" / (std::to_string(i) + ".onnx"), *onnx);
        }
    }
    ~Folder() {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    [[nodiscard]] const fs::path& path() const { return path_; }
    void clear() const { fs::remove_all(path_); }

 private:
    fs::path path_;
};

void write_and_read_again(const models::ModelFiles& files) {
    static const Folder folder("tamis_tuning_again_");
    const auto tuning = models::export_athena_ringer(files);
    Ensures(tuning.has_value());
    folder.clear();
    for (const models::AthenaFile& file : *tuning) {
        write(folder.path() / file.path, file.bytes);
    }
    const auto again =
        models::import_athena_ringer(folder.path(), files.manifest.provenance.command);
    Ensures(again.has_value());
    Ensures(config::manifest_text(again->manifest) == config::manifest_text(files.manifest));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const Folder folder("tamis_tuning_");
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto first = text.substr(0, text.find('\0'));
    const fs::path second = folder.path() / "ElectronRingerLooseTriggerConfig.conf";
    write(folder.path() / "ElectronRingerTightTriggerConfig.conf", first);
    fs::remove(second);
    if (first.size() < text.size()) {
        write(second, text.substr(first.size() + 1));
    }
    const auto files = models::import_athena_ringer(folder.path(), "a command");
    if (!files) {
        Ensures(!files.error().empty());
        return 0;
    }
    Ensures(models::load_model(files->manifest, files->networks).has_value());
    // A name that no manifest may have is refused where the model is written.
    if (config::parse_manifest(config::manifest_text(files->manifest), "manifest.pbtxt")) {
        write_and_read_again(*files);
    }
    return 0;
}
