#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "placecore/design.hpp"
#include "placecore/routing.hpp"
#include "placecore/topk.hpp"
#include "placecore/wirelength.hpp"

namespace placecore {

/// Grid cell of a coordinate along one axis, or -1 off the canvas. On the upper edge it is the last one.
inline int cell_along(double at, double extent, double cell, int count) {
  if (!(at >= 0.0 && at <= extent)) return -1;
  return std::min(static_cast<int>(at / cell), count - 1);
}

/// Calls `add(index into a congestion map, routes)` for what a hard macro with this outline blocks. Its last row blocks
/// nothing vertical, its last column nothing horizontal, if it covers the first or the last one in part.
template <class Add>
void for_each_blocked(const Canvas& canvas, const Grid& grid, const Box& box, Add add) {
  constexpr double kTolerance = 1e-5;  // um, by which an overlap counts as a whole cell
  struct Range {
    int first, last;
    bool last_counts;
  };
  const auto overlap = [](double lo, double hi, double cell, int k) {
    return std::max(0.0, std::min(hi, (k + 1) * cell) - std::max(lo, k * cell));
  };
  const auto range = [&](double lo, double hi, double cell, int count) {
    const int first = static_cast<int>(std::clamp(std::floor(lo / cell), 0.0, count - 1.0));
    const int last = static_cast<int>(std::clamp(std::floor(hi / cell), 0.0, count - 1.0));
    const bool partial = last > first && (std::abs(overlap(lo, hi, cell, first) - cell) > kTolerance ||
                                          std::abs(overlap(lo, hi, cell, last) - cell) > kTolerance);
    return Range{first, last, !partial};
  };
  const Range rows = range(box.ly, box.uy, grid.cell_height, grid.rows);
  const Range cols = range(box.lx, box.ux, grid.cell_width, grid.cols);
  for (int row = rows.first; row <= rows.last; ++row) {
    const double dy = overlap(box.ly, box.uy, grid.cell_height, row);
    if (dy <= 0.0) continue;
    const bool vertical = row != rows.last || rows.last_counts;
    for (int col = cols.first; col <= cols.last; ++col) {
      const double dx = overlap(box.lx, box.ux, grid.cell_width, col);
      if (dx <= 0.0) continue;
      if (vertical) add(grid.size() + row * grid.cols + col, dx * canvas.macro_routes_ver);
      if (col != cols.last || cols.last_counts) add(col * grid.rows + row, dy * canvas.macro_routes_hor);
    }
  }
}

/// Routes of all nets whose every pin is placed and on the canvas.
class NetRouter {
 public:
  void route(const Design& design, const PinPositions& pins, RouteSteps& steps);

 private:
  struct PinCell {
    Cell cell;
    int flat;  // -1: unplaced or off the canvas
  };

  void locate(const Design& design, const PinPositions& pins);

  std::vector<PinCell> pin_cell_;  // (P)
  std::vector<int> seen_;          // (G) the last net that touched a cell
  std::vector<Cell> cells_;        // of the net at hand
};

/// A range of columns or of rows, both ends included; empty at first.
struct Lines {
  int first = std::numeric_limits<int>::max(), last = -1;

  bool empty() const { return last < first; }
  void add(int line) {
    first = std::min(first, line);
    last = std::max(last, line);
  }
  void add(const Lines& other) {
    first = std::min(first, other.first);
    last = std::max(last, other.last);
  }
};

/// Per cell of the congestion grid, (2G): horizontal values as (cols, rows), then vertical ones as (rows, cols), the
/// orders in which routes are summed.
class CongestionMap {
 public:
  explicit CongestionMap(const Canvas& canvas);

  /// Smoothed demand plus what hard macros block, over capacity.
  void compute(const RouteSteps& steps, const std::vector<double>& blocked, std::vector<double>& congestion);
  /// The same from demand, (2G), for horizontal values of these columns and vertical ones of these rows.
  void measure(const std::vector<double>& demand, const std::vector<double>& blocked, const Lines& columns,
               const Lines& rows, std::vector<double>& congestion);
  /// What hard macros block alone, over capacity.
  void compute_blocked(const std::vector<double>& blocked, std::vector<double>& congestion) const;

 private:
  void measure_line(const double* demand, const double* blocked, int width, double per_capacity, double* congestion);

  Grid grid_;
  int smoothing_;
  double per_horizontal_, per_vertical_;  // 1 / capacity of a cell
  std::vector<double> line_;
};

/// Routes that hard macros block, in the order of a congestion map.
void blocked_routes(const Design& design, const PlacementView& placement, std::vector<double>& blocked);

/// Mean of the twentieth of the 2G values that is highest; their maximum if that is no cell at all.
/// If it exceeds `enough` it may be a lower bound only that exceeds `enough` too.
double congestion_cost(const std::vector<double>& congestion, TopSum& top_sum,
                       double enough = std::numeric_limits<double>::infinity());

}  // namespace placecore
