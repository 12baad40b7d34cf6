// What a function that may refuse its input returns when it does: the reason, for a person.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace tamis::engine {

inline tl::unexpected<std::string> refuse(std::string message) {
    return tl::unexpected<std::string>(std::move(message));
}

}  // namespace tamis::engine
