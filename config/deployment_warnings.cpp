#include "config/deployment_warnings.hpp"

#include "streams/endpoint.hpp"

namespace tamis::config {
namespace {

void warn_of_open_port(const std::string& whose, const std::string& text,
                       const streams::KeyFiles& keys, std::vector<std::string>& warnings) {
    const auto endpoint = streams::parse_endpoint(text, streams::Attachment::bind);
    if (endpoint && !endpoint->is_local() && keys.is_empty()) {
        warnings.push_back(whose + " endpoint \"" + text +
                           "\" is open (whoever reaches the port takes part, and nothing is "
                           "encrypted); make keys with tamis keys NAME, and write security { ... } "
                           "in place of insecure: true");
    }
}

}  // namespace

std::vector<std::string> warnings_of(const Deployment& deployment) {
    std::vector<std::string> warnings;
    for (const std::string& endpoint : deployment.input.endpoints) {
        warn_of_open_port("input", endpoint, deployment.input.keys, warnings);
    }
    for (const OutputConfig& output : deployment.outputs) {
        if (output.pattern == OutputPattern::publish) {
            warn_of_open_port("output " + output.name, output.endpoint, output.keys, warnings);
        }
    }
    return warnings;
}

}  // namespace tamis::config
