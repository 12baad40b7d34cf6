#include "streams/reliable/service_time.hpp"

#include <gsl/assert>

namespace tamis::streams {
namespace {

constexpr double kWeight = 1.0 / 8;    // of the newest measurement
constexpr double kShortestNs = 1'000;  // a message costs no node less

}  // namespace

// Only a node that always had work shows how fast it is; one that waited for some shows how much
// came. Acknowledgements come in batches, so it certainly had work where as many are left as have
// just ended. A node without a backlog is taken for faster and faster until it has one.
void ServiceTime::on_served(std::size_t count, std::size_t left, std::uint64_t now_ns) noexcept {
    Expects(count >= 1);
    const bool had_backlog = has_backlog_;
    has_backlog_ = left >= count;
    const auto passed_ns = static_cast<double>(now_ns - served_ns_);
    served_ns_ = now_ns;
    if (!had_backlog || !has_backlog_) {
        each_ns_ -= each_ns_ * kWeight;
        return;
    }
    const double measured_ns = passed_ns / static_cast<double>(count);
    each_ns_ += each_ns_ == 0 ? measured_ns : (measured_ns - each_ns_) * kWeight;
}

double ServiceTime::expected_wait_ns(std::size_t waiting) const noexcept {
    return static_cast<double>(waiting + 1) * (kShortestNs + each_ns_);
}

}  // namespace tamis::streams
