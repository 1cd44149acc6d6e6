#pragma once

#include <limits>
#include <span>
#include <vector>

namespace placecore {

/// Sum of the k largest of a set of values that changes a little from call to call.
///
/// A threshold near the k-th largest value is kept. One pass without sorting tells how many values lie above it and by
/// how much. If the threshold is the k-th largest value still, that is the answer: k * t + sum of max(0, v - t). Else,
/// with at least k values above it, their mean bounds the answer from below, and only they are selected from.
class TopSum {
 public:
  /// The sum; or, if it exceeds `enough`, perhaps only a lower bound of it that exceeds `enough` too.
  /// `values` is read only; 0 < k <= values.size().
  double operator()(std::span<const double> values, int k, double enough = std::numeric_limits<double>::infinity());

  /// At or a little below the k-th largest value of the last call: where values above it change, so about does the sum.
  double threshold() const { return threshold_; }

 private:
  double select(std::size_t k);

  double threshold_ = 0.0;
  std::vector<double> scratch_;
};

}  // namespace placecore
