#include "placecore/density.hpp"

#include <numeric>

namespace placecore {

void occupied_area(const Design& design, const PlacementView& placement, std::vector<double>& occupied) {
  const Netlist& netlist = design.netlist;
  const Grid grid = design.canvas.grid();
  occupied.assign(grid.size(), 0.0);
  for (int node = 0; node < netlist.num_nodes(); ++node) {
    if (netlist.kind_of(node) == Kind::port || !placement.placed[node]) continue;
    const Box box = outline(netlist, node, placement.x[node], placement.y[node], placement.orientation[node]);
    for_each_overlap(grid, box, [&](int cell, double area) { occupied[cell] += area; });
  }
}

double density_cost(const Grid& grid, const std::vector<double>& occupied, TopSum& top_sum, double enough) {
  const double cell_area = grid.cell_width * grid.cell_height;
  const int densest = grid.size() / 10;
  if (densest > 0) {
    const double per_area = density_per_area(grid);
    return per_area * top_sum(occupied, densest, enough / per_area);
  }
  const auto count = std::count_if(occupied.begin(), occupied.end(), [](double area) { return area > 0.0; });
  if (count == 0) return 0.0;
  return 0.5 * std::accumulate(occupied.begin(), occupied.end(), 0.0) / (static_cast<double>(count) * cell_area);
}

}  // namespace placecore
