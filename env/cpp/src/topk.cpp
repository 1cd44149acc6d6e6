#include "placecore/topk.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <numeric>

namespace placecore {

namespace {

constexpr double kTie = 1e-13;  // values this close count as equal; they err the sum by less than k * kTie
constexpr std::size_t kLanes = 8;
// Vectors as GCC and Clang know them on every processor; what the compiler makes of a plain loop is several times slower.
using Doubles [[gnu::vector_size(kLanes * sizeof(double))]] = double;
using Counts [[gnu::vector_size(kLanes * sizeof(std::int64_t))]] = std::int64_t;

struct Above {
  double excess;           // sum of max(0, v - t)
  std::int64_t over;       // number of v > t + kTie
  std::int64_t at_least;   // number of v >= t - kTie
};

Above measure(std::span<const double> values, double threshold) {
  Doubles excess{};
  Counts not_over{}, not_at_least{};
  const auto add = [&](const double* from) {
    Doubles d;
    std::memcpy(&d, from, sizeof d);
    d -= threshold;
    excess += d > 0.0 ? d : Doubles{};
    not_over += d <= kTie;  // a comparison that holds is -1
    not_at_least += d < -kTie;
  };
  const std::size_t blocks = values.size() / kLanes * kLanes;
  for (std::size_t i = 0; i < blocks; i += kLanes) add(values.data() + i);
  double rest[kLanes];
  std::fill(rest, rest + kLanes, -std::numeric_limits<double>::infinity());
  std::copy(values.begin() + static_cast<std::ptrdiff_t>(blocks), values.end(), rest);
  add(rest);
  const auto total = static_cast<std::int64_t>(blocks + kLanes);
  Above above{0.0, total, total};
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    above.excess += excess[lane];
    above.over += not_over[lane];
    above.at_least += not_at_least[lane];
  }
  return above;
}

}  // namespace

double TopSum::operator()(std::span<const double> values, int k, double enough) {
  const Above above = measure(values, threshold_);
  if (above.over <= k && k <= above.at_least) return k * threshold_ + above.excess;
  if (above.over > k) {
    const double bound = k * (threshold_ + above.excess / static_cast<double>(above.over));
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
