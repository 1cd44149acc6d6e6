// Work shared out to threads.
#pragma once

#include <algorithm>
#include <thread>
#include <vector>

namespace policynet {

/// Calls `work(thread, threads)` on so many threads, but on no more than there are items: thread t is meant to take the
/// items t, t + threads ...
template <class Work>
void deal(int items, int threads, const Work& work) {
  threads = std::clamp(threads, 1, std::max(1, items));
  std::vector<std::jthread> others;
  for (int thread = 1; thread < threads; ++thread) others.emplace_back(work, thread, threads);
  work(0, threads);
}

}  // namespace policynet
