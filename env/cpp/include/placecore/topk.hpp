#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <vector>

namespace placecore {

/// Sum of the k largest of a set of values that changes a little from call to call.
///
/// A threshold t a little below the k-th largest value is kept. One pass without sorting tells how many values lie above
/// it and by how much; the answer is k * t + sum of max(0, v - t), less the least excesses of those that are too many.
/// These are looked for among candidates, the indices of values that were large at some earlier call; whether any large
/// value is missing there, its count tells.
class TopSum {
 public:
  /// The sum; or, if it exceeds `enough`, perhaps only a lower bound of it that exceeds `enough` too.
  /// `values` is read only, as many at each call; 0 < k <= values.size().
  double operator()(std::span<const double> values, int k, double enough = std::numeric_limits<double>::infinity());

  /// At or a little below the k-th largest value of the last call: where values above it change, about so does the sum.
  double threshold() const { return threshold_; }

 private:
  std::optional<double> least_excess(std::span<const double> values, std::size_t count, std::size_t above);
  void add_candidates(std::span<const double> values);
  double select(std::span<const double> values, std::size_t k);
  void collect(std::span<const double> values, std::size_t k);

  double threshold_ = 0.0, floor_ = 0.0;  // candidates were above the floor
  std::vector<int> candidates_;           // the least few first, when they were collected; others were added later
  std::vector<std::uint8_t> is_candidate_;
  std::vector<double> least_, scratch_;
};

}  // namespace placecore
