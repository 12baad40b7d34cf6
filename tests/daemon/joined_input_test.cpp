#include "daemon/joined_input.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "tests/daemon/small_node.hpp"

namespace tamis::daemon {
namespace {

using tests::MemoryInput;

class CountingSink final : public streams::MessageSink {
 public:
    streams::Hold on_message(std::span<const std::byte> message,
                             std::uint64_t /*at*/) noexcept override {
        order.push_back(static_cast<char>(message[0]));
        return streams::kNoHold;
    }
    void on_refused(std::uint64_t /*at*/) noexcept override {}
    std::string order;
};

TEST(JoinedInput, takes_its_inputs_in_turn) {
    std::vector<std::unique_ptr<streams::FragmentInput>> inputs;
    inputs.push_back(std::make_unique<MemoryInput>(std::vector<std::string>(6, "a")));
    inputs.push_back(std::make_unique<MemoryInput>(std::vector<std::string>(2, "b")));
    JoinedInput joined(std::move(inputs));
    CountingSink sink;
    EXPECT_EQ(joined.poll(sink, 0, 4), 4U);
    EXPECT_EQ(sink.order, "aabb") << "a loud source leaves room for the others";
    EXPECT_FALSE(joined.is_exhausted());
    while (joined.poll(sink, 0, 4) > 0) {
    }
    EXPECT_EQ(sink.order, "aabbaaaa");
    EXPECT_TRUE(joined.is_exhausted());
    EXPECT_EQ(joined.wait_descriptor(), -1) << "inputs without a descriptor have none together";
}

class DescriptorInput final : public streams::FragmentInput {
 public:
    explicit DescriptorInput(int descriptor) : descriptor_(descriptor) {}
    ~DescriptorInput() override { close(descriptor_); }
    std::size_t poll(streams::MessageSink& /*sink*/, std::uint64_t /*now*/,
                     std::size_t /*limit*/) noexcept override {
        return 0;
    }
    [[nodiscard]] bool is_exhausted() const noexcept override { return false; }
    [[nodiscard]] int wait_descriptor() const noexcept override { return descriptor_; }
    [[nodiscard]] bool is_drained() const noexcept override { return is_empty; }

    bool is_empty = true;

 private:
    int descriptor_;
};

TEST(JoinedInput, can_be_waited_for_when_all_its_inputs_can) {
    const int one = eventfd(0, EFD_NONBLOCK);
    const int two = eventfd(0, EFD_NONBLOCK);
    std::vector<std::unique_ptr<streams::FragmentInput>> inputs;
    inputs.push_back(std::make_unique<DescriptorInput>(one));
    inputs.push_back(std::make_unique<DescriptorInput>(two));
    const JoinedInput joined(std::move(inputs));
    pollfd waited{.fd = joined.wait_descriptor(), .events = POLLIN, .revents = 0};
    EXPECT_EQ(poll(&waited, 1, 0), 0);
    ASSERT_EQ(eventfd_write(two, 1), 0);
    EXPECT_EQ(poll(&waited, 1, 0), 1);
}

TEST(JoinedInput, is_drained_when_all_its_inputs_are) {
    std::vector<std::unique_ptr<streams::FragmentInput>> inputs;
    inputs.push_back(std::make_unique<DescriptorInput>(eventfd(0, EFD_NONBLOCK)));
    auto second = std::make_unique<DescriptorInput>(eventfd(0, EFD_NONBLOCK));
    DescriptorInput& full = *second;
    inputs.push_back(std::move(second));
    const JoinedInput joined(std::move(inputs));
    EXPECT_TRUE(joined.is_drained());
    full.is_empty = false;
    EXPECT_FALSE(joined.is_drained());
}

}  // namespace
}  // namespace tamis::daemon
