#include "placecore/analytic.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "placecore/density.hpp"

namespace placecore {

namespace {

constexpr double kLeastFree = 0.02;   // share of a grid cell that counts as free even under a macro
constexpr std::size_t kLeafNodes = 2;  // a region with so few nodes is not split

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

}  // namespace

AnalyticPlacer::AnalyticPlacer(const Design& design, const NetModel& nets, const PlacementView& placement,
                               std::span<const std::uint8_t> movable, double density)
    : design_(design), nets_(nets), rank_(design.netlist.num_nodes(), -1) {
  const Netlist& netlist = design.netlist;
  const Grid grid = design.canvas.grid();
  std::vector<double> free(grid.size(), density * grid.cell_width * grid.cell_height);
  const double least = kLeastFree * grid.cell_width * grid.cell_height;
  const auto take = [&](int cell, double area) { free[cell] = std::max(least, free[cell] - area); };
  for (int node = 0; node < netlist.num_nodes(); ++node) {
    if (netlist.kind_of(node) == Kind::port || !placement.placed[node]) continue;
    const Box box = outline(netlist, node, placement.x[node], placement.y[node], placement.orientation[node]);
    if (!movable[node]) {
      for_each_overlap(grid, box, take);
      continue;
    }
    rank_[node] = static_cast<int>(movable_.size());
    movable_.push_back(node);
    area_.push_back(std::max(1e-9, netlist.width[node] * netlist.height[node]));
    half_w_.push_back(0.5 * (box.ux - box.lx));
    half_h_.push_back(0.5 * (box.uy - box.ly));
  }
  for (const Box& blockage : design.canvas.blockages) for_each_overlap(grid, blockage, take);
  free_sum_.assign(static_cast<std::size_t>(grid.rows + 1) * (grid.cols + 1), 0.0);
  for (int row = 0; row < grid.rows; ++row) {
    double line = 0.0;
    for (int col = 0; col < grid.cols; ++col) {
      line += free[row * grid.cols + col];
      free_sum_[(row + 1) * (grid.cols + 1) + col + 1] = free_sum_[row * (grid.cols + 1) + col + 1] + line;
    }
  }
  for (std::size_t slot = 0; slot < nets.slot_node.size(); ++slot) {
    const Point offset = turn(nets.slot_dx[slot], nets.slot_dy[slot], placement.orientation[nets.slot_node[slot]]);
    slot_dx_.push_back(offset.x);
    slot_dy_.push_back(offset.y);
  }
  for (auto* values : {&spread_x_, &spread_y_, &diagonal_, &right_, &value_, &residual_, &direction_, &product_, &scaled_}) {
    values->resize(movable_.size());
  }
}

void AnalyticPlacer::place(std::vector<double>& x, std::vector<double>& y, const AnalyticConfig& config,
                           bool from_centre) {
  const Canvas& canvas = design_.canvas;
  const int count = static_cast<int>(movable_.size());
  if (count == 0) return;
  if (from_centre) {
    for (const int node : movable_) {
      x[node] = 0.5 * canvas.width;
      y[node] = 0.5 * canvas.height;
    }
    for (int k = 0; k < count; ++k) {
      spread_x_[k] = 0.5 * canvas.width;
      spread_y_[k] = 0.5 * canvas.height;
    }
  }
  for (int round = from_centre ? -1 : 0; round < config.rounds; ++round) {
    const double progress = config.rounds > 1 ? std::max(0, round) / (config.rounds - 1.0) : 1.0;
    const double pull = config.first_pull * std::pow(config.last_pull / config.first_pull, progress);
    if (round >= 0) spread(x, y);
    build_edges(x, slot_dx_);
    solve(x, spread_x_, pull, config.solver_steps);
    build_edges(y, slot_dy_);
    solve(y, spread_y_, pull, config.solver_steps);
    for (int k = 0; k < count; ++k) {
      const int node = movable_[k];
      x[node] = std::clamp(x[node], std::min(half_w_[k], 0.5 * canvas.width), std::max(canvas.width - half_w_[k], 0.5 * canvas.width));
      y[node] = std::clamp(y[node], std::min(half_h_[k], 0.5 * canvas.height), std::max(canvas.height - half_h_[k], 0.5 * canvas.height));
    }
  }
}

void AnalyticPlacer::add_edge(int slot_a, int slot_b, double weight, const std::vector<double>& at,
                              const std::vector<double>& slot_offset) {
  int node_a = nets_.slot_node[slot_a], node_b = nets_.slot_node[slot_b];
  if (node_a == node_b) return;
  if (rank_[node_a] < 0) {
    std::swap(node_a, node_b);
    std::swap(slot_a, slot_b);
  }
  if (rank_[node_a] < 0) return;
  const double offset = slot_offset[slot_b] - slot_offset[slot_a];
  if (rank_[node_b] >= 0) {
    edges_.push_back({rank_[node_a], rank_[node_b], weight, offset});
  } else {
    edges_.push_back({rank_[node_a], -1, weight, at[node_b] + offset});
  }
}

void AnalyticPlacer::build_edges(const std::vector<double>& at, const std::vector<double>& slot_offset) {
  const double least = 0.1 * std::min(design_.canvas.cell_width(), design_.canvas.cell_height());
  edges_.clear();
  const int num_nets = static_cast<int>(nets_.net_weight.size());
  for (int net = 0; net < num_nets; ++net) {
    const int begin = nets_.net_start[net], end = nets_.net_start[net + 1];
    const auto position = [&](int slot) { return at[nets_.slot_node[slot]] + slot_offset[slot]; };
    int low = begin, high = begin;
    for (int slot = begin + 1; slot < end; ++slot) {
      if (position(slot) < position(low)) low = slot;
      if (position(slot) >= position(high)) high = slot;
    }
    const double share = nets_.net_weight[net] / (end - begin - 1);
    const auto connect = [&](int a, int b) {
      add_edge(a, b, share / std::max(least, std::abs(position(a) - position(b))), at, slot_offset);
    };
    if (low != high) connect(low, high);
    for (int slot = begin; slot < end; ++slot) {
      if (slot == low || slot == high) continue;
      connect(slot, low);
      if (low != high) connect(slot, high);
    }
  }
}

void AnalyticPlacer::solve(std::vector<double>& at, const std::vector<double>& anchor, double pull, int steps) {
  // Conjugate gradients with the diagonal as preconditioner, from where the nodes are.
  const int count = static_cast<int>(movable_.size());
  std::fill(diagonal_.begin(), diagonal_.end(), 0.0);
  std::fill(right_.begin(), right_.end(), 0.0);
  for (const Edge& edge : edges_) {
    diagonal_[edge.a] += edge.weight;
    right_[edge.a] += edge.weight * edge.offset;
    if (edge.b >= 0) {
      diagonal_[edge.b] += edge.weight;
      right_[edge.b] -= edge.weight * edge.offset;
    }
  }
  const double mean = std::accumulate(diagonal_.begin(), diagonal_.end(), 0.0) / count + 1e-12;
  for (int k = 0; k < count; ++k) {
    const double weight = pull * (diagonal_[k] + 0.1 * mean);  // nodes with few nets follow the spread as well
    diagonal_[k] += weight;
    right_[k] += weight * anchor[k];
    value_[k] = at[movable_[k]];
  }
  const auto multiply = [&](const std::vector<double>& v, std::vector<double>& out) {
    for (int k = 0; k < count; ++k) out[k] = diagonal_[k] * v[k];
    for (const Edge& edge : edges_) {
      if (edge.b < 0) continue;
      out[edge.a] -= edge.weight * v[edge.b];
      out[edge.b] -= edge.weight * v[edge.a];
    }
  };
  multiply(value_, product_);
  for (int k = 0; k < count; ++k) residual_[k] = right_[k] - product_[k];
  for (int k = 0; k < count; ++k) direction_[k] = scaled_[k] = residual_[k] / diagonal_[k];
  double energy = dot(residual_, scaled_);
  for (int step = 0; step < steps && energy > 1e-18; ++step) {
    multiply(direction_, product_);
    const double length = energy / dot(direction_, product_);
    for (int k = 0; k < count; ++k) value_[k] += length * direction_[k];
    for (int k = 0; k < count; ++k) residual_[k] -= length * product_[k];
    for (int k = 0; k < count; ++k) scaled_[k] = residual_[k] / diagonal_[k];
    const double next = dot(residual_, scaled_);
    for (int k = 0; k < count; ++k) direction_[k] = scaled_[k] + next / energy * direction_[k];
    energy = next;
  }
  for (int k = 0; k < count; ++k) at[movable_[k]] = value_[k];
}

double AnalyticPlacer::capacity(const Box& box) const {
  const Grid grid = design_.canvas.grid();
  const int stride = grid.cols + 1;
  const auto below = [&](double x, double y) {  // free area left of x and below y
    const double u = std::clamp(x / grid.cell_width, 0.0, static_cast<double>(grid.cols));
    const double v = std::clamp(y / grid.cell_height, 0.0, static_cast<double>(grid.rows));
    const int col = std::min(static_cast<int>(u), grid.cols - 1), row = std::min(static_cast<int>(v), grid.rows - 1);
    const double fu = u - col, fv = v - row;
    const double* corner = free_sum_.data() + row * stride + col;
    return (1 - fv) * ((1 - fu) * corner[0] + fu * corner[1]) + fv * ((1 - fu) * corner[stride] + fu * corner[stride + 1]);
  };
  return below(box.ux, box.uy) - below(box.lx, box.uy) - below(box.ux, box.ly) + below(box.lx, box.ly);
}

void AnalyticPlacer::spread(const std::vector<double>& x, const std::vector<double>& y) {
  std::vector<int> ranks(movable_.size());
  std::iota(ranks.begin(), ranks.end(), 0);
  for (const int k : ranks) {
    spread_x_[k] = x[movable_[k]];
    spread_y_[k] = y[movable_[k]];
  }
  spread_region({0.0, 0.0, design_.canvas.width, design_.canvas.height}, ranks);
}

/// Moves nodes within a region, as little as halving it top down allows, so that no part holds more than its capacity.
void AnalyticPlacer::spread_region(Box region, std::span<int> ranks) {
  const Grid grid = design_.canvas.grid();
  for (const int k : ranks) {
    spread_x_[k] = std::clamp(spread_x_[k], region.lx, region.ux);
    spread_y_[k] = std::clamp(spread_y_[k], region.ly, region.uy);
  }
  const double width = region.ux - region.lx, height = region.uy - region.ly;
  if (ranks.size() < kLeafNodes || (width <= grid.cell_width && height <= grid.cell_height)) return;
  const bool vertical = width / grid.cell_width > height / grid.cell_height;
  auto& at = vertical ? spread_x_ : spread_y_;
  Box low = region, high = region;
  (vertical ? low.ux : low.uy) = (vertical ? high.lx : high.ly) =
      0.5 * (vertical ? region.lx + region.ux : region.ly + region.uy);
  const double middle = vertical ? low.ux : low.uy;
  const double low_capacity = capacity(low), high_capacity = capacity(high);
  std::sort(ranks.begin(), ranks.end(), [&](int a, int b) { return at[a] != at[b] ? at[a] < at[b] : a < b; });
  std::size_t half = 0;
  double low_area = 0.0, high_area = 0.0;
  for (const int k : ranks) {
    if (at[k] < middle) {
      low_area += area_[k];
      ++half;
    } else {
      high_area += area_[k];
    }
  }
  // A region that holds too much in all shares what is too much between its halves.
  const double fill = std::max(1.0, (low_area + high_area) / std::max(1e-12, low_capacity + high_capacity));
  while (half > 0 && low_area - 0.5 * area_[ranks[half - 1]] > fill * low_capacity) {
    const double area = area_[ranks[--half]];
    low_area -= area;
    high_area += area;
  }
  while (half < ranks.size() && high_area - 0.5 * area_[ranks[half]] > fill * high_capacity) {
    const double area = area_[ranks[half++]];
    low_area += area;
    high_area -= area;
  }
  spread_region(low, ranks.first(half));
  spread_region(high, ranks.subspan(half));
}

}  // namespace placecore
