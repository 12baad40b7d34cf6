// Stands in for torch_training.cpp where libtorch is not installed.
#include "bench/training_jobs.hpp"

namespace tamis::bench {

std::unique_ptr<TrainingPeer> torch_peer(const VaeJob&, std::size_t) { return nullptr; }

std::unique_ptr<TrainingPeer> torch_peer(const SeedFilterJob&, std::size_t) { return nullptr; }

}  // namespace tamis::bench
