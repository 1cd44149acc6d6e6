#pragma once

#include <span>
#include <vector>

namespace placecore {

/// Sum of the k largest of a set of values that changes a little from call to call.
///
/// The k-th largest value of the last call is tried first: for t between the k-th and the (k+1)-th largest value
/// the sum is k * t + sum of max(0, v - t), one pass without sorting. Else the values above a bound are selected.
class TopSum {
 public:
  /// `values` is read only; 0 < k <= values.size().
  double operator()(std::span<const double> values, int k);

 private:
  double threshold_ = 0.0;
  std::vector<double> scratch_;
};

}  // namespace placecore
