#pragma once

#include <algorithm>
#include <limits>
#include <vector>

#include "placecore/design.hpp"
#include "placecore/topk.hpp"

namespace placecore {

/// Calls `add(cell, area)` for every grid cell that the box overlaps; the box is clipped to the canvas.
template <class Add>
void for_each_overlap(const Grid& grid, const Box& box, Add add) {
  const int col_lo = grid.nearest_col(box.lx), col_hi = grid.nearest_col(box.ux);
  const int row_lo = grid.nearest_row(box.ly), row_hi = grid.nearest_row(box.uy);
  for (int row = row_lo; row <= row_hi; ++row) {
    const double dy = std::min(box.uy, (row + 1) * grid.cell_height) - std::max(box.ly, row * grid.cell_height);
    if (dy <= 0.0) continue;
    for (int col = col_lo; col <= col_hi; ++col) {
      const double dx = std::min(box.ux, (col + 1) * grid.cell_width) - std::max(box.lx, col * grid.cell_width);
      if (dx > 0.0) add(row * grid.cols + col, dx * dy);
    }
  }
}

/// Area that hard macros, soft macros and standard cells take of each grid cell, um^2. `occupied`: (G).
void occupied_area(const Design& design, const PlacementView& placement, std::vector<double>& occupied);

/// What each um^2 in the densest tenth of the cells adds to the density cost; of grids of at least 10 cells.
inline double density_per_area(const Grid& grid) {
  return 0.5 / (static_cast<double>(grid.size() / 10) * grid.cell_width * grid.cell_height);
}

/// Half the mean of the densest tenth of the cells; with fewer than 10 cells, of the occupied ones.
/// If it exceeds `enough` it may be a lower bound only that exceeds `enough` too.
double density_cost(const Grid& grid, const std::vector<double>& occupied, TopSum& top_sum,
                    double enough = std::numeric_limits<double>::infinity());

}  // namespace placecore
