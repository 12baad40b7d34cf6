// Waits for the disk in place of the event path: one thread that does one job at a time for one
// other thread. Starting a job and asking for its end take no lock and allocate nothing.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>

#include "streams/recording/output_file.hpp"

namespace tamis::streams {

class DiskThread {
 public:
    DiskThread();
    ~DiskThread();  // after the job it has
    DiskThread(const DiskThread&) = delete;
    DiskThread& operator=(const DiskThread&) = delete;

    [[nodiscard]] bool is_busy() const noexcept;
    // Not while busy. The file may be appended to meanwhile, but must stay. The result is for
    // OutputFile::note_sync().
    void start_sync(const OutputFile& file) noexcept;
    // Not while busy. Nobody else may touch the file meanwhile. The result is 0 when it is closed.
    void start_close(OutputFile& file) noexcept;
    // Not while busy: of the last job.
    [[nodiscard]] int result() const noexcept { return result_; }
    void wait() const noexcept;

 private:
    enum class State : std::uint8_t { idle, has_job, stops };
    void start() noexcept;
    void run() noexcept;

    std::atomic<State> state_ = State::idle;
    const OutputFile* to_sync_ = nullptr;
    OutputFile* to_close_ = nullptr;
    int result_ = 0;
    std::thread thread_;
};

}  // namespace tamis::streams
