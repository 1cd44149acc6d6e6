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
// Vectors as GCC and Clang know them on every processor; what the compiler makes of a plain loop is several times slower,
// and so is what it makes of vectors that are longer than a register.
#if defined(__AVX512F__)
constexpr std::size_t kLanes = 8;
#elif defined(__AVX2__)
constexpr std::size_t kLanes = 4;
#else
constexpr std::size_t kLanes = 2;
#endif
using Doubles [[gnu::vector_size(kLanes * sizeof(double))]] = double;
using Counts [[gnu::vector_size(kLanes * sizeof(std::int64_t))]] = std::int64_t;
constexpr std::size_t kBlock = 8, kVectors = kBlock / kLanes;  // eight sums on every processor: the same result

struct Above {
  double excess;           // sum of max(0, v - t)
  std::int64_t over;       // number of v > t + kTie
  std::int64_t at_least;   // number of v >= t - kTie
};

Above measure(std::span<const double> values, double threshold) {
  Doubles excess[kVectors] = {};
  Counts not_over[kVectors] = {}, not_at_least[kVectors] = {};
  const auto add = [&](const double* from) {
    for (std::size_t v = 0; v < kVectors; ++v) {
      Doubles d;
      std::memcpy(&d, from + v * kLanes, sizeof d);
      d -= threshold;
      excess[v] += d > 0.0 ? d : Doubles{};
      not_over[v] += d <= kTie;  // a comparison that holds is -1
      not_at_least[v] += d < -kTie;
    }
  };
  const std::size_t blocks = values.size() / kBlock * kBlock;
  for (std::size_t i = 0; i < blocks; i += kBlock) add(values.data() + i);
  double rest[kBlock];
  std::fill(rest, rest + kBlock, -std::numeric_limits<double>::infinity());
  std::copy(values.begin() + static_cast<std::ptrdiff_t>(blocks), values.end(), rest);
  add(rest);
  const auto total = static_cast<std::int64_t>(blocks + kBlock);
  Above above{0.0, total, total};
  for (std::size_t i = 0; i < kBlock; ++i) {
    above.excess += excess[i / kLanes][i % kLanes];
    above.over += not_over[i / kLanes][i % kLanes];
    above.at_least += not_at_least[i / kLanes][i % kLanes];
  }
  return above;
}

/// How many values above the k-th largest one the threshold leaves room for, so that small changes leave k above it.
std::size_t slack_of(std::size_t k) { return k / 8 + 2; }

/// How many candidates are looked through at most; with more, they are collected anew.
std::size_t most_candidates(std::size_t k) { return 3 * k; }

}  // namespace

double TopSum::operator()(std::span<const double> values, int k, double enough) {
  const Above above = measure(values, threshold_);
  const auto over = static_cast<std::size_t>(above.over), wanted = static_cast<std::size_t>(k);
  if (above.over <= k && k <= above.at_least) return k * threshold_ + above.excess;
  if (over > wanted) {
    const double bound = k * (threshold_ + above.excess / static_cast<double>(over));
    if (bound > enough) return bound;
    if (over - wanted <= 2 * slack_of(wanted)) {
      auto least = least_excess(values, over - wanted, over);
      if (!least && candidates_.size() < most_candidates(wanted)) {
        add_candidates(values);
        least = least_excess(values, over - wanted, over);
      }
      if (least) return k * threshold_ + above.excess - *least;
    }
  }
  return select(values, wanted);
}

/// Sum of the `count` least excesses, of which there are `above`; nothing if not all of these are candidates.
std::optional<double> TopSum::least_excess(std::span<const double> values, std::size_t count, std::size_t above) {
  least_.assign(count, std::numeric_limits<double>::infinity());  // ascending
  std::size_t found = 0;
  for (const int candidate : candidates_) {
    const double excess = values[candidate] - threshold_;
    if (excess <= kTie) continue;
    ++found;
    if (excess >= least_.back()) continue;
    std::size_t at = count - 1;
    for (; at > 0 && least_[at - 1] > excess; --at) least_[at] = least_[at - 1];
    least_[at] = excess;
  }
  if (found < above) return std::nullopt;
  return std::accumulate(least_.begin(), least_.end(), 0.0);
}

/// Adds all values above the threshold that are not there yet to the candidates.
void TopSum::add_candidates(std::span<const double> values) {
  std::size_t count = candidates_.size();
  is_candidate_.resize(values.size());
  candidates_.resize(values.size() + 1);  // one more: what is at hand is written before it is known to be new
  for (std::size_t i = 0; i < values.size(); ++i) {  // without a branch: which values pass is unpredictable
    const bool is_new = values[i] - threshold_ > kTie && is_candidate_[i] == 0;
    candidates_[count] = static_cast<int>(i);
    count += is_new;
    is_candidate_[i] |= is_new;
  }
  candidates_.resize(count);
}

/// Collects candidates anew, sums up from them, and sets the threshold for the next call: right at the k-th largest value
/// where many values are equal to it.
double TopSum::select(std::span<const double> values, std::size_t k) {
  collect(values, k);
  const auto from_top = [&](std::size_t rank) { return candidates_.end() - static_cast<std::ptrdiff_t>(rank); };
  const auto less = [&](int a, int b) { return values[a] < values[b]; };
  const auto kth = from_top(k), lower = from_top(std::min(k + slack_of(k), candidates_.size()));
  std::nth_element(candidates_.begin(), lower, candidates_.end(), less);
  if (lower < kth) std::nth_element(lower + 1, kth, candidates_.end(), less);
  threshold_ = values[*lower] >= values[*kth] - kTie ? values[*kth] : values[*lower];
  return std::accumulate(kth, candidates_.end(), 0.0, [&](double sum, int i) { return sum + values[i]; });
}

/// Finds half as many candidates again as values are summed up; from the last floor, if that still gives about as many.
void TopSum::collect(std::span<const double> values, std::size_t k) {
  const auto gather = [&] {
    candidates_.clear();
    is_candidate_.assign(values.size(), 0);
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (values[i] < floor_) continue;
      candidates_.push_back(static_cast<int>(i));
      is_candidate_[i] = 1;
    }
  };
  gather();
  if (candidates_.size() >= k + slack_of(k) && candidates_.size() <= most_candidates(k)) return;
  scratch_.assign(values.begin(), values.end());
  const auto last = scratch_.begin() + static_cast<std::ptrdiff_t>(std::min(k + k / 2 + 2, values.size()) - 1);
  std::nth_element(scratch_.begin(), last, scratch_.end(), std::greater<>());
  floor_ = *last;
  gather();
}

}  // namespace placecore
