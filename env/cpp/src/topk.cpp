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
  double excess;  // sum of max(0, v - t)
  double over;    // number of v > t + kTie
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

double TopSum::operator()(std::span<const double> values, int k) {
  const Above above = measure(values, threshold_);
  if (above.over <= k && k <= above.at_least) return k * threshold_ + above.excess;
  // A threshold that is a little low still leaves few values to select from.
  if (above.over > k && above.over < 4.0 * k) {
    scratch_.clear();
    for (const double value : values) {
      if (value > threshold_) scratch_.push_back(value);
    }
  } else {
    scratch_.assign(values.begin(), values.end());
  }
  const auto kth = scratch_.begin() + (k - 1);
  std::nth_element(scratch_.begin(), kth, scratch_.end(), std::greater<>());
  threshold_ = *kth;
  return std::accumulate(scratch_.begin(), kth + 1, 0.0);
}

}  // namespace placecore
