#include "placecore/topk.hpp"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <numeric>

namespace placecore {

namespace {

constexpr double kTie = 1e-13;  // values this close count as equal; they err the sum by less than k * kTie
constexpr int kLanes = 8;

struct Above {
  double excess;    // sum of max(0, v - t)
  double over;      // number of v > t + kTie
  double at_least;  // number of v >= t - kTie
};

Above measure(std::span<const double> values, double threshold) {
  double excess[kLanes] = {}, over[kLanes] = {}, at_least[kLanes] = {};
  const std::size_t blocks = values.size() / kLanes * kLanes;
  const auto add = [&](std::size_t lane, double value) {
    const double d = value - threshold;
    excess[lane] += d > 0.0 ? d : 0.0;
    over[lane] += d > kTie ? 1.0 : 0.0;
    at_least[lane] += d >= -kTie ? 1.0 : 0.0;
  };
  for (std::size_t i = 0; i < blocks; i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) add(lane, values[i + lane]);
  }
  for (std::size_t i = blocks; i < values.size(); ++i) add(i - blocks, values[i]);
  const auto sum = [](const double* lanes) { return std::accumulate(lanes, lanes + kLanes, 0.0); };
  return {sum(excess), sum(over), sum(at_least)};
}

}  // namespace

double TopSum::operator()(std::span<const double> values, int k, double enough) {
  const Above above = measure(values, threshold_);
  if (above.over <= k && k <= above.at_least) return k * threshold_ + above.excess;
  if (above.over > k) {
    const double bound = k * (threshold_ + above.excess / above.over);
    if (bound > enough) return bound;
    scratch_.resize(values.size());
    std::size_t count = 0;
    for (const double value : values) {  // without a branch: which values pass is unpredictable
      scratch_[count] = value;
      count += value > threshold_;
    }
    scratch_.resize(count);
  } else {
    scratch_.assign(values.begin(), values.end());
  }
  return select(static_cast<std::size_t>(k));
}

/// Selects from `scratch_`, and sets the threshold for the next call: a little below the k-th largest value, so that
/// small changes leave k values above it; right at it where many values are equal to it.
double TopSum::select(std::size_t k) {
  const auto kth = scratch_.begin() + static_cast<std::ptrdiff_t>(k - 1);
  std::nth_element(scratch_.begin(), kth, scratch_.end(), std::greater<>());
  const double sum = std::accumulate(scratch_.begin(), kth + 1, 0.0), value = *kth;
  const std::size_t slack = std::min(k + k / 8 + 2, scratch_.size());
  if (slack < scratch_.size() || threshold_ > value) {
    const auto lower = scratch_.begin() + static_cast<std::ptrdiff_t>(slack - 1);
    if (lower > kth) std::nth_element(kth + 1, lower, scratch_.end(), std::greater<>());
    threshold_ = *lower >= value - kTie ? value : *lower;
  }
  return sum;
}

}  // namespace placecore
