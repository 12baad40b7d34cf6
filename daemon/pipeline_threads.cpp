#include "daemon/pipeline_threads.hpp"

#include <optional>
#include <thread>

namespace tamis::daemon {

class PipelineThreads::SharedLoop final : public Stage {
 public:
    explicit SharedLoop(Pipeline& pipeline) : pipeline_(pipeline) {}

    // The loop reads the clock between its stages itself.
    std::size_t poll(std::uint64_t /*now_ns*/) noexcept override { return pipeline_.turn(); }
    [[nodiscard]] WaitPoint wait_point() const noexcept override { return pipeline_.wait_point(); }
    void on_wake(Wake wake) noexcept override { pipeline_.on_wake(wake); }

 private:
    Pipeline& pipeline_;
};

PipelineThreads::PipelineThreads(Pipeline& pipeline, const config::ThreadConfig& config)
    : pipeline_(pipeline) {
    const auto start = [&](const std::string& name, Stage& stage) {
        const std::size_t position = threads_.size();
        std::optional<std::uint32_t> cpu;
        if (position < config.cpus.size()) {
            cpu = config.cpus[position];
        }
        threads_.push_back(std::make_unique<StageThread>(
            StageThread::Config{
                .name = name, .cpu = cpu, .idle = config.idle, .waking = config.waking},
            stage));
    };
    if (config.mode == config::ThreadMode::shared) {
        shared_loop_ = std::make_unique<SharedLoop>(pipeline);
        start("tamis-loop", *shared_loop_);
        return;
    }
    const std::vector<Stage*> stages = pipeline.stages();
    start("tamis-receive", *stages.front());
    for (std::size_t i = 1; i + 1 < stages.size(); ++i) {
        start("tamis-worker-" + std::to_string(i - 1), *stages[i]);
    }
    start("tamis-send", *stages.back());
}

PipelineThreads::~PipelineThreads() {
    for (const auto& thread : threads_) {
        thread->request_stop();  // all at once: they sleep at most 50 ms
    }
}

bool PipelineThreads::wait_until_finished(std::chrono::milliseconds limit) const {
    const auto end = std::chrono::steady_clock::now() + limit;
    while (!pipeline_.is_finished()) {
        if (std::chrono::steady_clock::now() >= end) {
            return false;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
}

}  // namespace tamis::daemon
