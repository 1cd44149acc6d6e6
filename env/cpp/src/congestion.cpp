#include "placecore/congestion.hpp"

namespace placecore {

namespace {

/// Sums steps along their first axis into `values` of (count, width).
void sum_steps(const double* steps, int count, int width, double* values) {
  std::copy(steps, steps + width, values);
  for (int k = 1; k < count; ++k) {
    const double* step = steps + static_cast<std::ptrdiff_t>(k) * width;
    const double* previous = values + static_cast<std::ptrdiff_t>(k - 1) * width;
    double* value = values + static_cast<std::ptrdiff_t>(k) * width;
    for (int i = 0; i < width; ++i) value[i] = previous[i] + step[i];
  }
}

/// Spreads each value of a line evenly over `range` neighbours on each side (clipped).
void smooth_line(const double* value, int width, int range, std::vector<double>& line) {
  line.assign(width, 0.0);
  for (int i = 0; i < width; ++i) {
    const int first = std::max(0, i - range), last = std::min(width - 1, i + range);
    const double share = value[i] / (last - first + 1);
    for (int j = first; j <= last; ++j) line[j] += share;
  }
}

}  // namespace

void NetRouter::locate(const Design& design, const PinPositions& pins) {
  const Canvas& canvas = design.canvas;
  const Grid grid = canvas.congestion_grid();
  const int num_pins = design.netlist.num_pins();
  pin_cell_.resize(num_pins);
  for (int pin = 0; pin < num_pins; ++pin) {
    const int col = cell_along(pins.x[pin], canvas.width, grid.cell_width, grid.cols);
    const int row = cell_along(pins.y[pin], canvas.height, grid.cell_height, grid.rows);
    const bool routable = pins.placed[pin] && col >= 0 && row >= 0;
    pin_cell_[pin] = {{row, col}, routable ? row * grid.cols + col : -1};
  }
}

void NetRouter::route(const Design& design, const PinPositions& pins, RouteSteps& steps) {
  const Netlist& netlist = design.netlist;
  const Grid grid = design.canvas.congestion_grid();
  locate(design, pins);
  steps.reset(grid.rows, grid.cols);
  seen_.assign(grid.size(), -1);
  cells_.resize(grid.size() + 1);  // one more: the cell at hand is written before it is known to be new
  Router router(steps, 0.0);
  Cell* const cells = cells_.data();
  int* const seen = seen_.data();
  int net = 0;
  for (; net < netlist.num_nets() && netlist.net_start[net + 1] == 2 * (net + 1); ++net) {
    const PinCell& source = pin_cell_[netlist.net_pin[2 * net]];  // the two-pin nets come first
    const PinCell& sink = pin_cell_[netlist.net_pin[2 * net + 1]];
    if (source.flat < 0 || sink.flat < 0) continue;
    const Cell ends[] = {source.cell, sink.cell};
    router.weight = std::max(1.0, netlist.net_weight[net]);
    router.star(ends, 2);
  }
  for (; net < netlist.num_nets(); ++net) {
    std::size_t count = 0;
    bool routable = true;
    for (int k = netlist.net_start[net]; k < netlist.net_start[net + 1]; ++k) {
      const PinCell& at = pin_cell_[netlist.net_pin[k]];
      if (at.flat < 0) {
        routable = false;
        break;
      }
      cells[count] = at.cell;
      count += seen[at.flat] != net;
      seen[at.flat] = net;
    }
    if (!routable) continue;
    router.weight = std::max(1.0, netlist.net_weight[net]);
    router.net(cells, count);
  }
}

void blocked_routes(const Design& design, const PlacementView& placement, std::vector<double>& blocked) {
  const Netlist& netlist = design.netlist;
  const Grid grid = design.canvas.congestion_grid();
  blocked.assign(2 * static_cast<std::size_t>(grid.size()), 0.0);
  for (int node = 0; node < netlist.num_nodes(); ++node) {
    if (!netlist.is_hard(node) || !placement.placed[node]) continue;
    const Box box = outline(netlist, node, placement.x[node], placement.y[node], placement.orientation[node]);
    for_each_blocked(design.canvas, grid, box, [&](int at, double routes) { blocked[at] += routes; });
  }
}

CongestionMap::CongestionMap(const Canvas& canvas)
    : grid_(canvas.congestion_grid()),
      smoothing_(canvas.smoothing),
      per_horizontal_(1.0 / (grid_.cell_height * canvas.routes_hor)),
      per_vertical_(1.0 / (grid_.cell_width * canvas.routes_ver)) {}

void CongestionMap::compute(const RouteSteps& steps, const std::vector<double>& blocked,
                            std::vector<double>& congestion) {
  congestion.resize(blocked.size());
  sum_steps(steps.horizontal.data(), grid_.cols, grid_.rows, congestion.data());
  sum_steps(steps.vertical.data(), grid_.rows, grid_.cols, congestion.data() + grid_.size());
  measure(congestion, blocked, {0, grid_.cols - 1}, {0, grid_.rows - 1}, congestion);
}

void CongestionMap::measure(const std::vector<double>& demand, const std::vector<double>& blocked,
                            const Lines& columns, const Lines& rows, std::vector<double>& congestion) {
  for (int col = columns.first; col <= columns.last; ++col) {
    const std::ptrdiff_t at = static_cast<std::ptrdiff_t>(col) * grid_.rows;
    measure_line(demand.data() + at, blocked.data() + at, grid_.rows, per_horizontal_, congestion.data() + at);
  }
  for (int row = rows.first; row <= rows.last; ++row) {
    const std::ptrdiff_t at = grid_.size() + static_cast<std::ptrdiff_t>(row) * grid_.cols;
    measure_line(demand.data() + at, blocked.data() + at, grid_.cols, per_vertical_, congestion.data() + at);
  }
}

void CongestionMap::measure_line(const double* demand, const double* blocked, int width, double per_capacity,
                                 double* congestion) {
  if (smoothing_ > 0) {
    smooth_line(demand, width, smoothing_, line_);
    demand = line_.data();
  }
  for (int i = 0; i < width; ++i) congestion[i] = (demand[i] + blocked[i]) * per_capacity;
}

void CongestionMap::compute_blocked(const std::vector<double>& blocked, std::vector<double>& congestion) const {
  const int size = grid_.size();
  congestion.resize(blocked.size());
  for (int i = 0; i < size; ++i) congestion[i] = blocked[i] * per_horizontal_;
  for (int i = size; i < 2 * size; ++i) congestion[i] = blocked[i] * per_vertical_;
}

double congestion_cost(const std::vector<double>& congestion, TopSum& top_sum, double enough) {
  const int highest = static_cast<int>(congestion.size()) / 20;
  if (highest == 0) return *std::max_element(congestion.begin(), congestion.end());
  return top_sum(congestion, highest, enough * highest) / highest;
}

}  // namespace placecore
