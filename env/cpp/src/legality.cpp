#include "placecore/legality.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>
#include <random>

namespace placecore {

namespace {

constexpr double kSnapSlack = 5e-10;      // um
constexpr double kSnapTolerance = 2e-10;  // um, rounding of a corner that is meant to lie on the grid
constexpr double kOnGrid = 1e-7;          // um
constexpr double kRounding = 1e-9;        // in cells

}  // namespace

Rules::Rules(const Design& design)
    : design_(&design),
      canvas_(&design.canvas),
      snaps_(design.canvas.snap_x.pitch > 0.0 || design.canvas.snap_y.pitch > 0.0),
      slack_(snaps_ ? kSnapSlack : 0.0),
      margin_(design.canvas.boundary + (snaps_ ? -kSnapSlack : kEdgeMargin)) {}

double Rules::up(double centre, double half, const Pitch& pitch) const {
  if (pitch.pitch <= 0.0) return centre;
  return pitch.offset + pitch.pitch * std::ceil((centre - half - pitch.offset - kSnapTolerance) / pitch.pitch) + half;
}

double Rules::down(double centre, double half, const Pitch& pitch) const {
  if (pitch.pitch <= 0.0) return centre;
  return pitch.offset + pitch.pitch * std::floor((centre - half - pitch.offset + kSnapTolerance) / pitch.pitch) + half;
}

double Rules::nearest(double centre, double half, const Pitch& pitch) const {
  if (pitch.pitch <= 0.0) return centre;
  return pitch.offset + pitch.pitch * std::round((centre - half - pitch.offset) / pitch.pitch) + half;
}

Point Rules::at_cell(int col, int row, double half_w, double half_h, Point offset) const {
  const Point centre = canvas_->grid().centre(col, row);
  return {nearest(centre.x + offset.x, half_w, canvas_->snap_x), nearest(centre.y + offset.y, half_h, canvas_->snap_y)};
}

Point Rules::whole_cells(int node, double half_w, double half_h) const {
  const auto along = [&](double half, double cell) {
    const double cells = (2.0 * half + halo(node)) / cell;
    return std::fmod(std::ceil(cells - kRounding), 2.0) == 0.0 ? -0.5 * cell : 0.0;
  };
  const Grid grid = canvas_->grid();
  return {along(half_w, grid.cell_width), along(half_h, grid.cell_height)};
}

Point Rules::snap(Point centre, double half_w, double half_h) const {
  if (!snaps_) return centre;
  const auto along = [&](double at, double half, double extent, const Pitch& pitch) {
    const double low = up(margin_ + half, half, pitch), high = down(extent - margin_ - half, half, pitch);
    return low > high ? at : std::clamp(nearest(at, half, pitch), low, high);
  };
  return {along(centre.x, half_w, canvas_->width, canvas_->snap_x),
          along(centre.y, half_h, canvas_->height, canvas_->snap_y)};
}

bool Rules::allow(const Box& box) const {
  if (!inside(box)) return false;
  if (snaps_ && (std::abs(nearest(box.lx, 0.0, canvas_->snap_x) - box.lx) > kOnGrid ||
                 std::abs(nearest(box.ly, 0.0, canvas_->snap_y) - box.ly) > kOnGrid)) {
    return false;
  }
  return std::none_of(canvas_->blockages.begin(), canvas_->blockages.end(),
                      [&](const Box& blockage) { return overlaps(box, blockage, blockage_gap()); });
}

HardMacros::HardMacros(const Design& design, const PlacementView& placement)
    : rules_(design), rank_(design.netlist.num_nodes(), -1) {
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
    halo_.push_back(rules_.halo(node));
  }
  uniform_ = std::all_of(halo_.begin(), halo_.end(), [&](double halo) { return halo == halo_.front(); });
}

bool HardMacros::fits(int node, const Box& box, int ignored) const {
  if (!rules_.allow(box)) return false;
  const double own = halo_[rank_[node]];
  int met = 0;  // counted without a branch, several macros at once
  if (uniform_) {
    const double lx = box.lx - own, ly = box.ly - own, ux = box.ux + own, uy = box.uy + own;
    for (std::size_t k = 0; k < lx_.size(); ++k) {
      met += static_cast<int>(lx < ux_[k]) & static_cast<int>(lx_[k] < ux) & static_cast<int>(ly < uy_[k]) &
             static_cast<int>(ly_[k] < uy);
    }
  } else {
    for (std::size_t k = 0; k < lx_.size(); ++k) {
      const double gap = std::max(own, halo_[k]);
      met += static_cast<int>(box.lx - gap < ux_[k]) & static_cast<int>(lx_[k] < box.ux + gap) &
             static_cast<int>(box.ly - gap < uy_[k]) & static_cast<int>(ly_[k] < box.uy + gap);
    }
  }
  const auto meets = [&](int which) {
    const double gap = std::max(own, halo_[rank_[which]]);
    return overlaps({box.lx - gap, box.ly - gap, box.ux + gap, box.uy + gap}, this->box(which), 0.0);
  };
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

bool HardMacros::fixed_fits(int node, std::span<const std::uint8_t> fixed) const {
  const Box at = box(node);
  const Canvas& canvas = rules_.canvas();
  if (at.lx < -kFixedEdge || at.ly < -kFixedEdge || at.ux > canvas.width + kFixedEdge ||
      at.uy > canvas.height + kFixedEdge) {
    return false;
  }
  const auto meets = [&](const Box& other) { return overlaps(at, other, -kFixedOverlap); };
  return std::none_of(canvas.blockages.begin(), canvas.blockages.end(), meets) &&
         std::none_of(nodes_.begin(), nodes_.end(),
                      [&](int other) { return other != node && fixed[other] && meets(box(other)); });
}

bool HardMacros::all_fit(std::span<const std::uint8_t> fixed) const {
  return std::all_of(nodes_.begin(), nodes_.end(),
                     [&](int node) { return fixed[node] ? fixed_fits(node, fixed) : fits(node, box(node)); });
}

namespace {

constexpr int kExchangePasses = 10;

/// Of packing in random orders: most attempts, and work in all (an attempt takes about the cube of the macros).
constexpr double kPackings = 4000.0, kPackingWork = 1e8;

/// Attempts after which an order is drawn anew.
constexpr int kReshuffle = 4;

struct Interval {
  double lo, hi;
};

/// The value in [lo, hi] outside all open intervals that is nearest to `wanted`. `up` and `down` bring the ends of a free
/// range onto the grid, `nearest` a value between them.
template <class Up, class Down, class Nearest>
std::optional<double> nearest_free(double wanted, double lo, double hi, std::vector<Interval>& taken, const Up& up,
                                   const Down& down, const Nearest& nearest) {
  if (lo > hi) return std::nullopt;
  std::sort(taken.begin(), taken.end(), [](const Interval& a, const Interval& b) { return a.lo < b.lo; });
  std::optional<double> best;
  const auto offer = [&](double from, double to) {  // a free closed range
    from = up(from);
    to = down(to);
    if (from > to) return;
    const double at = std::clamp(nearest(wanted), from, to);
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
  explicit Legalizer(const Rules& rules)
      : rules_(rules), safe_x_(safety(rules.canvas().snap_x)), safe_y_(safety(rules.canvas().snap_y)) {}

  /// Keeps a macro where it is.
  void keep(const Box& box, double halo) {
    boxes_.push_back(box);
    halos_.push_back(halo);
  }

  bool is_free(const Box& box, double halo) const {
    if (!rules_.allow(box)) return false;
    for (std::size_t k = 0; k < boxes_.size(); ++k) {
      if (overlaps(box, boxes_[k], std::max(halo, halos_[k]))) return false;
    }
    return true;
  }

  /// The free centre nearest to `wanted` (Manhattan) among columns that touch an obstacle, an edge or the wanted one.
  std::optional<Point> nearest(Point wanted, double width, double height, double halo) {
    const Canvas& canvas = rules_.canvas();
    const double half_w = 0.5 * width, half_h = 0.5 * height;
    const double margin_x = canvas.boundary + safe_x_, margin_y = canvas.boundary + safe_y_;
    const double lo_x = margin_x + half_w, hi_x = canvas.width - margin_x - half_w;
    const double lo_y = margin_y + half_h, hi_y = canvas.height - margin_y - half_h;
    if (lo_x > hi_x || lo_y > hi_y) return std::nullopt;
    surround(halo);
    list_columns(wanted.x, half_w, lo_x, hi_x);
    const auto up = [&](double y) { return rules_.up(y, half_h, canvas.snap_y); };
    const auto down = [&](double y) { return rules_.down(y, half_h, canvas.snap_y); };
    const auto round = [&](double y) { return rules_.nearest(y, half_h, canvas.snap_y); };
    std::optional<Point> best;
    double best_distance = std::numeric_limits<double>::infinity();
    for (const double x : columns_) {
      if (x < lo_x - kSnapTolerance || x > hi_x + kSnapTolerance) continue;
      if (std::abs(x - wanted.x) >= best_distance) break;
      taken_.clear();
      for (const Box& obstacle : obstacles_) {
        if (obstacle.lx < x + half_w && x - half_w < obstacle.ux) {
          taken_.push_back({obstacle.ly - half_h - safe_y_, obstacle.uy + half_h + safe_y_});
        }
      }
      const auto y = nearest_free(std::clamp(wanted.y, lo_y, hi_y), lo_y, hi_y, taken_, up, down, round);
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
  /// Along an axis, um: so that rounding never turns touching into overlapping. On a grid the rules' own slack sees to it.
  static double safety(const Pitch& pitch) { return pitch.pitch > 0.0 ? 0.0 : 1e-5; }

  /// All that a macro of this halo keeps off, each with the distance that it keeps.
  void surround(double halo) {
    obstacles_.clear();
    const auto add = [&](const Box& box, double gap) {
      obstacles_.push_back({box.lx - gap, box.ly - gap, box.ux + gap, box.uy + gap});
    };
    for (const Box& blockage : rules_.canvas().blockages) add(blockage, rules_.blockage_gap());
    for (std::size_t k = 0; k < boxes_.size(); ++k) add(boxes_[k], std::max(halo, halos_[k]));
  }

  /// Centres along x at which to look for a place, nearest first.
  void list_columns(double wanted, double half, double lo, double hi) {
    const Pitch& pitch = rules_.canvas().snap_x;
    columns_ = {rules_.nearest(std::clamp(wanted, lo, hi), half, pitch), rules_.up(lo, half, pitch),
                rules_.down(hi, half, pitch)};
    for (const Box& obstacle : obstacles_) {
      columns_.push_back(rules_.down(obstacle.lx - half - safe_x_, half, pitch));
      columns_.push_back(rules_.up(obstacle.ux + half + safe_x_, half, pitch));
    }
    std::sort(columns_.begin(), columns_.end(),
              [&](double a, double b) { return std::abs(a - wanted) < std::abs(b - wanted); });
  }

  const Rules& rules_;
  double safe_x_, safe_y_;
  std::vector<Box> boxes_, obstacles_;
  std::vector<double> halos_, columns_;
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
  const Rules rules(design);
  Legalizer legalizer(rules);
  const auto box_of = [&](int node) {
    return outline(netlist, node, result.x[node], result.y[node], placement.orientation[node]);
  };
  const auto put = [&](int node, Point at) {
    result.x[node] = at.x;
    result.y[node] = at.y;
  };
  for (int node = 0; node < netlist.num_nodes(); ++node) {
    if (netlist.is_hard(node) && placement.placed[node] && fixed[node]) legalizer.keep(box_of(node), rules.halo(node));
  }
  std::vector<int> homeless;
  for (const int node : order) {
    const Box box = box_of(node);
    if (keep_legal) put(node, rules.snap({result.x[node], result.y[node]}, 0.5 * (box.ux - box.lx), 0.5 * (box.uy - box.ly)));
    if (keep_legal && legalizer.is_free(box_of(node), rules.halo(node))) {
      legalizer.keep(box_of(node), rules.halo(node));
    } else {
      homeless.push_back(node);
    }
  }
  for (const int node : homeless) {
    const Box box = box_of(node);
    const auto at =
        legalizer.nearest({result.x[node], result.y[node]}, box.ux - box.lx, box.uy - box.ly, rules.halo(node));
    if (!at) return {false, {}, {}, node};
    put(node, *at);
    legalizer.keep(box_of(node), rules.halo(node));
  }
  return result;
}

/// Packs the macros towards the lower left corner in the given order, then in others: what found no place goes before
/// all others, and where that is in vain, too, large ones come first with some luck. Deterministic.
Legalized pack(const Design& design, const PlacementView& placement, std::span<const std::uint8_t> fixed,
               std::vector<int> order) {
  const Netlist& netlist = design.netlist;
  std::vector<double> corner_x(placement.x.begin(), placement.x.end());
  std::vector<double> corner_y(placement.y.begin(), placement.y.end());
  for (const int node : order) corner_x[node] = corner_y[node] = 0.0;
  const PlacementView packed{corner_x, corner_y, placement.orientation, placement.placed};
  const double macros = std::max(1.0, static_cast<double>(order.size()));
  const int attempts = static_cast<int>(std::clamp(kPackingWork / (macros * macros * macros), 1.0, kPackings));
  std::mt19937_64 random(0);
  std::vector<double> key(netlist.num_nodes());
  Legalized result = place_in_order(design, packed, fixed, order, false);
  for (int attempt = 1; attempt < attempts && !result.found; ++attempt) {
    if (attempt % kReshuffle != 0) {
      const auto stuck = std::find(order.begin(), order.end(), result.blocked_node);
      std::rotate(order.begin(), stuck, stuck + 1);
    } else {
      for (const int node : order) {
        const double luck = 0.25 + 0x1p-53 * static_cast<double>(random() >> 11);
        key[node] = luck * netlist.width[node] * netlist.height[node];
      }
      std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return key[a] > key[b]; });
    }
    result = place_in_order(design, packed, fixed, order, false);
  }
  return result;
}

/// Exchanges macros of one size and halo while that brings them nearer to where they were.
void exchange_equals(const Netlist& netlist, const PlacementView& wanted, const std::vector<int>& order,
                     Legalized& result) {
  const auto same = [&](int a, int b) {
    return netlist.width[a] == netlist.width[b] && netlist.height[a] == netlist.height[b] &&
           netlist.halo[a] == netlist.halo[b] &&
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
  result = pack(design, placement, fixed, order);
  if (result.found) exchange_equals(netlist, placement, order, result);
  return result;
}

}  // namespace placecore
