// How many multiply-adds one core does a second when nothing stands in its way: chains of
// independent fused multiply-adds in registers, the widest the processor has. What a network could
// take at best.
#pragma once

namespace tamis::daemon {

// Multiply-adds per second of the calling thread, the best of several bursts; takes about 10 ms.
// Measure it beside what it is compared with: the clock of a shared machine wanders.
[[nodiscard]] double measure_fma_peak();

}  // namespace tamis::daemon
