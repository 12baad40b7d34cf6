// Threads for a pipeline, as the deployment says: `dedicated`, one for each stage; `shared`, one
// that turns the whole loop (best on few cores). They start here and end with this object.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "config/deployment.hpp"
#include "daemon/pipeline.hpp"
#include "daemon/stage_thread.hpp"

namespace tamis::daemon {

class PipelineThreads {
 public:
    // The pipeline must outlive the threads and have config.workers workers.
    PipelineThreads(Pipeline& pipeline, const config::ThreadConfig& config);
    ~PipelineThreads();

    // Until the pipeline has finished or the time is over; says whether it has finished.
    [[nodiscard]] bool wait_until_finished(std::chrono::milliseconds limit) const;

    [[nodiscard]] const std::vector<std::unique_ptr<StageThread>>& threads() const noexcept {
        return threads_;
    }

 private:
    class SharedLoop;

    Pipeline& pipeline_;
    std::unique_ptr<SharedLoop> shared_loop_;
    std::vector<std::unique_ptr<StageThread>> threads_;
};

}  // namespace tamis::daemon
