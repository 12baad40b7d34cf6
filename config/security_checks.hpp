// What a `security` block says of keys: the right files for a link that binds or connects, and what
// is in them. For this folder only: it shows Protobuf. Cold path; any thread.
#pragma once

#include <filesystem>

#include "config/deployment.pb.h"
#include "config/text_reader.hpp"
#include "streams/endpoint.hpp"

namespace tamis::config {

// directory: of the deployment file.
void check_security(TextReader& reader, const Block& block, const schema::Security& security,
                    streams::Attachment attachment, const std::filesystem::path& directory);

}  // namespace tamis::config
