// What a deployment means, checked: endpoints, sources, limits that must fit each other,
// processors.
//
// For deployment_reader only: it shows Protobuf. Cold path.
#pragma once

#include <cstdint>
#include <filesystem>

#include "config/deployment.pb.h"
#include "config/text_reader.hpp"

namespace tamis::config {

// Adds to the reader's mistakes. `directory` is that of the deployment file.
void check_deployment(TextReader& reader, const schema::Deployment& deployment,
                      const std::filesystem::path& directory, std::uint32_t cpu_count);

}  // namespace tamis::config
