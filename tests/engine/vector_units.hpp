// Tests run on each instruction set that this machine has and our kernels are compiled for.
#pragma once

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <set>
#include <string>

#include "engine/vector_unit.hpp"

namespace tamis::engine::test {

// body: gets the VectorUnit, which is also what networks are compiled for meanwhile.
template <class Body>
void on_every_vector_unit(const Body& body) {
    std::set<std::string> seen;
    for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
        hwy::SetSupportedTargetsForTest(target);
        const VectorUnit unit = vector_unit();
        SCOPED_TRACE(unit.name);
        if (seen.insert(unit.name).second) body(unit);
        hwy::SetSupportedTargetsForTest(0);
    }
}

}  // namespace tamis::engine::test
