// What is published of a filter of pixel doublets: efficiency of true doublets at a fraction of
// rejected fakes (M. Pierini, Deep Learning Applications for collider physics, lecture 2), without
// errors. Of another network than ours and of other data (CMS Open Data). Plain data.
#pragma once

#include <array>

namespace tamis::models {

struct PublishedEfficiency {
    double rejection = 0;
    double efficiency = 0;
};
inline constexpr std::array<PublishedEfficiency, 4> kPublishedEfficiencies = {
    {{0.50, 0.998996700259},
     {0.75, 0.990524391331},
     {0.90, 0.922210826719},
     {0.99, 0.338669401587}}};

}  // namespace tamis::models
