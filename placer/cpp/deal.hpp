// Work shared out to threads.
#pragma once

#include <algorithm>
#include <thread>
#include <vector>

#if defined(__SSE__)
#include <xmmintrin.h>
#endif

namespace policynet {

/// While it lives, this thread's floats that are too small for their full precision count as zero. Gradients of what is
/// learned by heart are full of them, and arithmetic on them takes up to a hundred times as long.
class FlushDenormals {
 public:
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;
#if defined(__SSE__)
  FlushDenormals() : before_(_mm_getcsr()) { _mm_setcsr(before_ | kResultsAreZero | kInputsAreZero); }
  ~FlushDenormals() { _mm_setcsr(before_); }

 private:
  static constexpr unsigned kResultsAreZero = 0x8000, kInputsAreZero = 0x0040;
  unsigned before_;
#else
  FlushDenormals() {}
#endif
};

/// Calls `work(thread, threads)` on so many threads, but on no more than there are items: thread t is meant to take the
/// items t, t + threads ...
template <class Work>
void deal(int items, int threads, const Work& work) {
  threads = std::clamp(threads, 1, std::max(1, items));
  const auto flushing = [&](int thread) {
    const FlushDenormals flush;
    work(thread, threads);
  };
  std::vector<std::jthread> others;
  for (int thread = 1; thread < threads; ++thread) others.emplace_back(flushing, thread);
  flushing(0);
}

}  // namespace policynet
