#include "placecore/legality.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>

namespace placecore {

HardMacros::HardMacros(const Design& design, const PlacementView& placement)
    : canvas_(&design.canvas), gap_(std::max(design.canvas.halo, kMinGap)), rank_(design.netlist.num_nodes(), -1) {
  const Netlist& netlist = design.netlist;
  for (int node = 0; node < netlist.num_nodes(); ++node) {
    if (!netlist.is_hard(node) || !placement.placed[node]) continue;
    rank_[node] = static_cast<int>(nodes_.size());
    nodes_.push_back(node);
    const Box box = outline(netlist, node, placement.x[node], placement.y[node], placement.orientation[node]);
    lx_.push_back(box.lx);
    ly_.push_back(box.ly);
    ux_.push_back(box.ux);
    uy_.push_back(box.uy);
  }
}

bool HardMacros::fits(int node, const Box& box, int ignored) const {
  if (box.lx < kEdgeMargin || box.ly < kEdgeMargin || box.ux > canvas_->width - kEdgeMargin ||
      box.uy > canvas_->height - kEdgeMargin) {
    return false;
  }
  for (const Box& blockage : canvas_->blockages) {
    if (overlaps(box, blockage, 0.0)) return false;
  }
  const double lx = box.lx - gap_, ly = box.ly - gap_, ux = box.ux + gap_, uy = box.uy + gap_;
  int met = 0;  // counted without a branch, several macros at once
  for (std::size_t k = 0; k < lx_.size(); ++k) {
    met += static_cast<int>(lx < ux_[k]) & static_cast<int>(lx_[k] < ux) & static_cast<int>(ly < uy_[k]) &
           static_cast<int>(ly_[k] < uy);
  }
  const auto meets = [&](int which) { return overlaps({lx, ly, ux, uy}, this->box(which), 0.0); };
  return met == static_cast<int>(meets(node)) + (ignored < 0 ? 0 : static_cast<int>(meets(ignored)));
}

Box HardMacros::box(int node) const {
  const int at = rank_[node];
  return {lx_[at], ly_[at], ux_[at], uy_[at]};
}

void HardMacros::put(int node, const Box& box) {
  const int at = rank_[node];
  lx_[at] = box.lx;
  ly_[at] = box.ly;
  ux_[at] = box.ux;
  uy_[at] = box.uy;
}

bool HardMacros::all_fit() const {
  return std::all_of(nodes_.begin(), nodes_.end(), [&](int node) { return fits(node, box(node)); });
}

namespace {

constexpr int kExchangePasses = 10;

struct Interval {
  double lo, hi;
};

/// The value in [lo, hi] outside all open intervals that is nearest to `wanted`.
std::optional<double> nearest_free(double wanted, double lo, double hi, std::vector<Interval>& taken) {
  if (lo > hi) return std::nullopt;
  wanted = std::clamp(wanted, lo, hi);
  std::sort(taken.begin(), taken.end(), [](const Interval& a, const Interval& b) { return a.lo < b.lo; });
  std::optional<double> best;
  const auto offer = [&](double from, double to) {  // a free closed range
    if (from > to) return;
    const double at = std::clamp(wanted, from, to);
    if (!best || std::abs(at - wanted) < std::abs(*best - wanted)) best = at;
  };
  double free_from = lo;
  for (const Interval& interval : taken) {
    offer(free_from, std::min(interval.lo, hi));
    free_from = std::max(free_from, interval.hi);
  }
  offer(free_from, hi);
  return best;
}

class Legalizer {
 public:
  Legalizer(const Canvas& canvas, double gap) : canvas_(canvas), gap_(gap) {
    for (const Box& blockage : canvas.blockages) obstacles_.push_back(blockage);
  }

  /// Keeps a macro where it is. The gap is part of the obstacle.
  void keep(const Box& box) { obstacles_.push_back({box.lx - gap_, box.ly - gap_, box.ux + gap_, box.uy + gap_}); }

  bool is_free(const Box& box) const {
    return inside(box) && std::none_of(obstacles_.begin(), obstacles_.end(),
                                       [&](const Box& obstacle) { return overlaps(box, obstacle, 0.0); });
  }

  /// The free centre nearest to `wanted` (Manhattan) among columns that touch an obstacle, an edge or the wanted one.
  std::optional<Point> nearest(Point wanted, double width, double height) {
    const double lo_x = kSafe + 0.5 * width, hi_x = canvas_.width - kSafe - 0.5 * width;
    const double lo_y = kSafe + 0.5 * height, hi_y = canvas_.height - kSafe - 0.5 * height;
    if (lo_x > hi_x || lo_y > hi_y) return std::nullopt;
    columns_ = {std::clamp(wanted.x, lo_x, hi_x), lo_x, hi_x};
    for (const Box& obstacle : obstacles_) {
      columns_.push_back(obstacle.lx - 0.5 * width - kSafe);
      columns_.push_back(obstacle.ux + 0.5 * width + kSafe);
    }
    std::sort(columns_.begin(), columns_.end(),
              [&](double a, double b) { return std::abs(a - wanted.x) < std::abs(b - wanted.x); });
    std::optional<Point> best;
    double best_distance = std::numeric_limits<double>::infinity();
    for (const double x : columns_) {
      if (x < lo_x || x > hi_x) continue;
      if (std::abs(x - wanted.x) >= best_distance) break;
      taken_.clear();
      for (const Box& obstacle : obstacles_) {
        if (obstacle.lx < x + 0.5 * width && x - 0.5 * width < obstacle.ux) {
          taken_.push_back({obstacle.ly - 0.5 * height - kSafe, obstacle.uy + 0.5 * height + kSafe});
        }
      }
      const auto y = nearest_free(wanted.y, lo_y, hi_y, taken_);
      if (!y) continue;
      const double distance = std::abs(x - wanted.x) + std::abs(*y - wanted.y);
      if (distance < best_distance) {
        best_distance = distance;
        best = Point{x, *y};
      }
    }
    return best;
  }

 private:
  static constexpr double kSafe = 1e-5;  // um, so that rounding never turns touching into overlapping

  bool inside(const Box& box) const {
    return box.lx >= kEdgeMargin && box.ly >= kEdgeMargin && box.ux <= canvas_.width - kEdgeMargin &&
           box.uy <= canvas_.height - kEdgeMargin;
  }

  const Canvas& canvas_;
  double gap_;
  std::vector<Box> obstacles_;
  std::vector<double> columns_;
  std::vector<Interval> taken_;
};

std::vector<int> movable_hard_macros(const Design& design, const PlacementView& placement,
                                     std::span<const std::uint8_t> fixed) {
  std::vector<int> nodes;
  for (int node = 0; node < design.netlist.num_nodes(); ++node) {
    if (design.netlist.is_hard(node) && placement.placed[node] && !fixed[node]) nodes.push_back(node);
  }
  return nodes;
}

/// Places the macros one after the other, each at the free place nearest to where it was.
/// `keep_legal`: those that overlap nothing stay, and only then the others find a place.
Legalized place_in_order(const Design& design, const PlacementView& placement, std::span<const std::uint8_t> fixed,
                         const std::vector<int>& order, bool keep_legal) {
  const Netlist& netlist = design.netlist;
  Legalized result{true, {placement.x.begin(), placement.x.end()}, {placement.y.begin(), placement.y.end()}, -1};
  Legalizer legalizer(design.canvas, std::max(design.canvas.halo, kMinGap));
  const auto box_of = [&](int node) {
    return outline(netlist, node, result.x[node], result.y[node], placement.orientation[node]);
  };
  for (int node = 0; node < netlist.num_nodes(); ++node) {
    if (netlist.is_hard(node) && placement.placed[node] && fixed[node]) legalizer.keep(box_of(node));
  }
  std::vector<int> homeless;
  for (const int node : order) {
    if (keep_legal && legalizer.is_free(box_of(node))) {
      legalizer.keep(box_of(node));
    } else {
      homeless.push_back(node);
    }
  }
  for (const int node : homeless) {
    const Box box = box_of(node);
    const auto at = legalizer.nearest({result.x[node], result.y[node]}, box.ux - box.lx, box.uy - box.ly);
    if (!at) return {false, {}, {}, node};
    result.x[node] = at->x;
    result.y[node] = at->y;
    legalizer.keep(box_of(node));
  }
  return result;
}

/// Exchanges macros of one size while that brings them nearer to where they were.
void exchange_equals(const Netlist& netlist, const PlacementView& wanted, const std::vector<int>& order,
                     Legalized& result) {
  const auto same = [&](int a, int b) {
    return netlist.width[a] == netlist.width[b] && netlist.height[a] == netlist.height[b] &&
           swaps_size(wanted.orientation[a]) == swaps_size(wanted.orientation[b]);
  };
  const auto distance = [&](int node, int place) {
    return std::abs(result.x[place] - wanted.x[node]) + std::abs(result.y[place] - wanted.y[node]);
  };
  bool improved = true;
  for (int pass = 0; pass < kExchangePasses && improved; ++pass) {
    improved = false;
    for (std::size_t i = 0; i < order.size(); ++i) {
      for (std::size_t j = i + 1; j < order.size(); ++j) {
        const int a = order[i], b = order[j];
        if (!same(a, b) || distance(a, b) + distance(b, a) >= distance(a, a) + distance(b, b)) continue;
        std::swap(result.x[a], result.x[b]);
        std::swap(result.y[a], result.y[b]);
        improved = true;
      }
    }
  }
}

}  // namespace

Legalized legalize(const Design& design, const PlacementView& placement, std::span<const std::uint8_t> fixed) {
  const Netlist& netlist = design.netlist;
  std::vector<int> order = movable_hard_macros(design, placement, fixed);
  const auto by_descending = [&](auto key) {
    std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return key(a) > key(b); });
  };
  by_descending([&](int node) { return netlist.width[node] * netlist.height[node]; });
  Legalized result = place_in_order(design, placement, fixed, order, true);
  if (result.found) return result;
  by_descending([&](int node) { return -placement.x[node]; });  // from left to right leaves fewer gaps than by area
  result = place_in_order(design, placement, fixed, order, false);
  if (result.found) return result;
  // Last, bottom-left packing: nothing is wasted between macros, whatever it does to their positions.
  by_descending([&](int node) {
    return swaps_size(placement.orientation[node]) ? netlist.width[node] : netlist.height[node];
  });
  std::vector<double> corner_x(placement.x.begin(), placement.x.end());
  std::vector<double> corner_y(placement.y.begin(), placement.y.end());
  for (const int node : order) corner_x[node] = corner_y[node] = 0.0;
  const PlacementView packed{corner_x, corner_y, placement.orientation, placement.placed};
  result = place_in_order(design, packed, fixed, order, false);
  if (result.found) exchange_equals(netlist, placement, order, result);
  return result;
}

}  // namespace placecore
