#include "daemon/joined_input.hpp"

#include <algorithm>
#include <gsl/assert>
#include <utility>

namespace tamis::daemon {
namespace {

// Of all inputs, or none: who waits must hear of each.
std::vector<int> descriptors_of(
    const std::vector<std::unique_ptr<streams::FragmentInput>>& inputs) {
    std::vector<int> descriptors;
    descriptors.reserve(inputs.size());
    for (const auto& input : inputs) {
        descriptors.push_back(input->wait_descriptor());
    }
    if (std::ranges::any_of(descriptors, [](int descriptor) { return descriptor < 0; })) {
        descriptors.clear();
    }
    return descriptors;
}

}  // namespace

JoinedInput::JoinedInput(std::vector<std::unique_ptr<streams::FragmentInput>> inputs)
    : inputs_(std::move(inputs)), descriptor_(descriptors_of(inputs_)) {
    Expects(!inputs_.empty());
}

std::size_t JoinedInput::poll(streams::MessageSink& sink, std::uint64_t now_ns,
                              std::size_t limit) noexcept {
    const std::size_t share = limit == 0 ? 0 : std::max<std::size_t>(1, limit / inputs_.size());
    std::size_t messages = 0;
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
        messages += inputs_[next_]->poll(sink, now_ns, share);
        next_ = (next_ + 1) % inputs_.size();
    }
    next_ = (next_ + 1) % inputs_.size();  // another one is first next time
    return messages;
}

void JoinedInput::settle(streams::Hold hold, streams::LinkLevel level) noexcept {
    for (const auto& input : inputs_) {
        input->settle(hold, level);
    }
}

void JoinedInput::stop() noexcept {
    for (const auto& input : inputs_) {
        input->stop();
    }
}

void JoinedInput::flush(std::uint64_t now_ns) noexcept {
    for (const auto& input : inputs_) {
        input->flush(now_ns);
    }
}

std::uint64_t JoinedInput::heard_until(std::uint64_t now_ns) const noexcept {
    std::uint64_t until = now_ns;
    for (const auto& input : inputs_) {
        until = std::min(until, input->heard_until(now_ns));
    }
    return until;
}

bool JoinedInput::wants_settling() const noexcept {
    return std::any_of(inputs_.begin(), inputs_.end(),
                       [](const auto& input) { return input->wants_settling(); });
}

bool JoinedInput::is_drained() const noexcept {
    return std::all_of(inputs_.begin(), inputs_.end(),
                       [](const auto& input) { return input->is_drained(); });
}

bool JoinedInput::is_exhausted() const noexcept {
    return std::all_of(inputs_.begin(), inputs_.end(),
                       [](const auto& input) { return input->is_exhausted(); });
}

}  // namespace tamis::daemon
