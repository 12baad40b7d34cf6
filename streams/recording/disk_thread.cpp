#include "streams/recording/disk_thread.hpp"

#include <cerrno>
#include <gsl/assert>

namespace tamis::streams {

DiskThread::DiskThread() : thread_([this] { run(); }) {}

DiskThread::~DiskThread() {
    wait();
    state_.store(State::stops, std::memory_order_release);
    state_.notify_all();
    thread_.join();
}

bool DiskThread::is_busy() const noexcept {
    return state_.load(std::memory_order_acquire) == State::has_job;
}

void DiskThread::start_sync(const OutputFile& file) noexcept {
    Expects(!is_busy());
    to_sync_ = &file;
    to_close_ = nullptr;
    start();
}

void DiskThread::start_close(OutputFile& file) noexcept {
    Expects(!is_busy());
    to_sync_ = nullptr;
    to_close_ = &file;
    start();
}

void DiskThread::start() noexcept {
    state_.store(State::has_job, std::memory_order_release);
    state_.notify_all();
}

void DiskThread::wait() const noexcept {
    while (is_busy()) {
        state_.wait(State::has_job, std::memory_order_acquire);
    }
}

void DiskThread::run() noexcept {
    for (;;) {
        state_.wait(State::idle, std::memory_order_acquire);
        if (state_.load(std::memory_order_acquire) == State::stops) {
            return;
        }
        if (to_close_ != nullptr) {
            result_ = to_close_->close() == WriteStatus::written ? 0 : EIO;
        } else {
            result_ = to_sync_->wait_for_disk();
        }
        state_.store(State::idle, std::memory_order_release);
        state_.notify_all();
    }
}

}  // namespace tamis::streams
