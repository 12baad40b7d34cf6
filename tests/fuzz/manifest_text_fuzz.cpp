// Any text as a manifest: it is read or refused, and what is read is written and read again alike.
#include <cstddef>
#include <cstdint>
#include <gsl/assert>
#include <string>

#include "config/manifest_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace tamis;
    std::string text(reinterpret_cast<const char*>(data), size);
    const auto manifest = config::parse_manifest(std::move(text), "manifest.pbtxt");
    if (!manifest) {
        Ensures(!manifest.error().empty());
        return 0;
    }
    const std::string written = config::manifest_text(*manifest);
    const auto again = config::parse_manifest(written, "manifest.pbtxt");
    Ensures(again && config::manifest_text(*again) == written);
    return 0;
}
