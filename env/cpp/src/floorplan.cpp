#include "placecore/floorplan.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "placecore/annealer.hpp"

namespace placecore {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kFirstPull = 0.05, kLastPull = 0.3;  // of the analytic placement at the end of an episode
constexpr int kSolverSteps = 5;
// Of the descent of soft macros there: its temperature, and by how much terms may be hoped to fall. Without that bound
// it takes twice as long, and the mean cost of five designs is .7328 instead of .7355.
constexpr double kDescent = 1e-7, kDescentHope = 1e-4;
constexpr double kFillTo = 0.75;

}  // namespace

FloorplanTask::FloorplanTask(const Design& design_, const PlacementView& start, std::vector<int> order_,
                             std::span<const std::uint8_t> fixed, Weights weights_, SoftPlacement soft_placement_,
                             std::vector<Point> cell_offset_)
    : design(design_),
      nets(design_, start.placed),
      order(std::move(order_)),
      start_x(start.x.begin(), start.x.end()),
      start_y(start.y.begin(), start.y.end()),
      orientation(start.orientation.begin(), start.orientation.end()),
      known(start.placed.begin(), start.placed.end()),
      cell_offset(std::move(cell_offset_)),
      soft(start.placed.size(), 0),
      weights(weights_),
      soft_placement(soft_placement_) {
  for (const int node : order) known[node] = 0;
  for (int node = 0; node < design.netlist.num_nodes(); ++node) {
    soft[node] = design.netlist.is_soft(node) && start.placed[node] && !fixed[node];
  }
}

Floorplan::Floorplan(std::shared_ptr<const FloorplanTask> task)
    : task_(std::move(task)),
      grid_(task_->design.canvas.grid()),
      routing_grid_(task_->design.canvas.congestion_grid()),
      congestion_map_(task_->design.canvas),
      rules_(task_->design),
      evaluator_(task_->design) {
  const NetModel& nets = task_->nets;
  const int num_nets = static_cast<int>(nets.net_weight.size());
  state_.net_extent.assign(num_nets, {kInfinity, -kInfinity, kInfinity, -kInfinity});
  state_.net_unplaced.resize(num_nets);
  for (int net = 0; net < num_nets; ++net) state_.net_unplaced[net] = nets.net_start[net + 1] - nets.net_start[net];
  state_.occupied.assign(grid_.size(), 0.0);
  state_.blocked.assign(2 * static_cast<std::size_t>(routing_grid_.size()), 0.0);
  state_.steps.reset(routing_grid_.rows, routing_grid_.cols);
  state_.wirelength = nets.constant_wirelength;
  seen_cells_.resize(routing_grid_.size());
  cells_.resize(routing_grid_.size() + 1);
  mask_.resize(grid_.size());
  x_ = task_->start_x;
  y_ = task_->start_y;
  placed_ = task_->known;
  for (int node = 0; node < task_->design.netlist.num_nodes(); ++node) {
    if (placed_[node]) add_node(node);
  }
  num_initial_obstacles_ = obstacles_.size();
  initial_ = state_;
  reset();
}

void Floorplan::reset() {
  state_ = initial_;
  x_ = task_->start_x;
  y_ = task_->start_y;
  placed_ = task_->known;
  obstacles_.resize(num_initial_obstacles_);
  obstacle_halos_.resize(num_initial_obstacles_);
  step_ = 0;
  update_mask();
}

Point Floorplan::centre_at(int node, int col, int row) const {
  const Box size = outline(task_->design.netlist, node, 0.0, 0.0, task_->orientation[node]);
  return rules_.at_cell(col, row, size.ux, size.uy, task_->cell_offset[node]);
}

Box Floorplan::box_at(int node, int cell) const {
  const Point at = centre_at(node, cell % grid_.cols, cell / grid_.cols);
  return outline(task_->design.netlist, node, at.x, at.y, task_->orientation[node]);
}

bool Floorplan::allows(std::int64_t cell) const {
  return !complete() && cell >= 0 && cell < grid_.size() && mask_[cell] != 0;
}

bool Floorplan::place(int cell) {
  if (!allows(cell)) return false;
  const int node = task_->order[step_++];
  const Box box = box_at(node, cell);
  x_[node] = 0.5 * (box.lx + box.ux);
  y_[node] = 0.5 * (box.ly + box.uy);
  placed_[node] = 1;
  add_node(node);
  update_mask();
  return true;
}

void Floorplan::add_node(int node) {
  const NetModel& nets = task_->nets;
  const Design& design = task_->design;
  for (const int slot : nets.slots_of(node)) {
    const Point offset = turn(nets.slot_dx[slot], nets.slot_dy[slot], task_->orientation[node]);
    const double x = x_[node] + offset.x, y = y_[node] + offset.y;
    const int net = nets.slot_net[slot];
    Extent& extent = state_.net_extent[net];
    const double before = extent.lx > extent.ux ? 0.0 : (extent.ux - extent.lx) + (extent.uy - extent.ly);
    extent = {std::min(extent.lx, x), std::max(extent.ux, x), std::min(extent.ly, y), std::max(extent.uy, y)};
    state_.wirelength += nets.net_weight[net] * ((extent.ux - extent.lx) + (extent.uy - extent.ly) - before);
    if (--state_.net_unplaced[net] == 0) route(net);
  }
  if (design.netlist.kind_of(node) == Kind::port) return;
  const Box box = outline(design.netlist, node, x_[node], y_[node], task_->orientation[node]);
  for_each_overlap(grid_, box, [&](int cell, double area) { state_.occupied[cell] += area; });
  if (!design.netlist.is_hard(node)) return;
  for_each_blocked(design.canvas, routing_grid_, box, [&](int at, double routes) { state_.blocked[at] += routes; });
  obstacles_.push_back(box);
  obstacle_halos_.push_back(rules_.halo(node));
}

void Floorplan::route(int net) {
  const NetModel& nets = task_->nets;
  const Canvas& canvas = task_->design.canvas;
  seen_cells_.next_net();
  std::size_t count = 0;
  for (int slot = nets.net_start[net]; slot < nets.net_start[net + 1]; ++slot) {
    const int node = nets.slot_node[slot];
    const Point offset = turn(nets.slot_dx[slot], nets.slot_dy[slot], task_->orientation[node]);
    const int col = cell_along(x_[node] + offset.x, canvas.width, routing_grid_.cell_width, routing_grid_.cols);
    const int row = cell_along(y_[node] + offset.y, canvas.height, routing_grid_.cell_height, routing_grid_.rows);
    if (col < 0 || row < 0) return;
    const int cell = row * routing_grid_.cols + col;
    cells_[count] = {row, col};
    count += seen_cells_.is_new(cell);
  }
  Router(state_.steps, nets.net_demand[net]).net(cells_.data(), count);
}

void Floorplan::update_mask() {
  num_legal_ = 0;
  if (complete()) {
    std::fill(mask_.begin(), mask_.end(), std::uint8_t{0});
    return;
  }
  // Cells are tried against the same comparisons as any other legality check, but only those near an obstacle.
  const Canvas& canvas = task_->design.canvas;
  const int node = task_->order[step_];
  const double halo = rules_.halo(node);
  for (int cell = 0; cell < grid_.size(); ++cell) mask_[cell] = rules_.inside(box_at(node, cell));
  const Box size = outline(task_->design.netlist, node, 0.0, 0.0, task_->orientation[node]);
  // What moves a macro off its cell's centre.
  const Point offset = task_->cell_offset[node];
  const Point reach{canvas.snap_x.pitch + std::abs(offset.x), canvas.snap_y.pitch + std::abs(offset.y)};
  const auto forbid = [&](const Box& obstacle, double distance) {
    const double reach_x = distance + size.ux + reach.x, reach_y = distance + size.uy + reach.y;
    const int col_lo = std::max(0, grid_.nearest_col(obstacle.lx - reach_x) - 1);
    const int col_hi = std::min(grid_.cols - 1, grid_.nearest_col(obstacle.ux + reach_x) + 1);
    const int row_lo = std::max(0, grid_.nearest_row(obstacle.ly - reach_y) - 1);
    const int row_hi = std::min(grid_.rows - 1, grid_.nearest_row(obstacle.uy + reach_y) + 1);
    for (int row = row_lo; row <= row_hi; ++row) {
      for (int col = col_lo; col <= col_hi; ++col) {
        const int cell = row * grid_.cols + col;
        if (mask_[cell] && overlaps(box_at(node, cell), obstacle, distance)) mask_[cell] = 0;
      }
    }
  };
  for (std::size_t k = 0; k < obstacles_.size(); ++k) forbid(obstacles_[k], std::max(halo, obstacle_halos_[k]));
  for (const Box& blockage : canvas.blockages) forbid(blockage, rules_.blockage_gap());
  for (const std::uint8_t legal : mask_) num_legal_ += legal;
}

void Floorplan::wire_mask(float* out) {
  const NetModel& nets = task_->nets;
  const Design& design = task_->design;
  const int node = task_->order[step_];
  by_col_.assign(grid_.cols, 0.0);
  by_row_.assign(grid_.rows, 0.0);
  centre_x_.resize(grid_.cols);
  centre_y_.resize(grid_.rows);
  for (int col = 0; col < grid_.cols; ++col) centre_x_[col] = centre_at(node, col, 0).x;
  for (int row = 0; row < grid_.rows; ++row) centre_y_[row] = centre_at(node, 0, row).y;
  // HPWL is a sum over axes, so the increase is too: one value a column plus one a row.
  const auto add = [](std::vector<double>& increase, const std::vector<double>& centres, double lo, double hi,
                      double first, double last, double weight) {
    const bool alone = lo > hi;
    for (std::size_t k = 0; k < increase.size(); ++k) {
      const double from = centres[k] + first, to = centres[k] + last;
      increase[k] += weight * (alone ? to - from : std::max(0.0, lo - from) + std::max(0.0, to - hi));
    }
  };
  const auto slots = nets.slots_of(node);
  for (std::size_t k = 0; k < slots.size();) {
    const int net = nets.slot_net[slots[k]];
    Extent own{kInfinity, -kInfinity, kInfinity, -kInfinity};
    for (; k < slots.size() && nets.slot_net[slots[k]] == net; ++k) {
      const Point offset = turn(nets.slot_dx[slots[k]], nets.slot_dy[slots[k]], task_->orientation[node]);
      own = {std::min(own.lx, offset.x), std::max(own.ux, offset.x), std::min(own.ly, offset.y), std::max(own.uy, offset.y)};
    }
    const Extent& extent = state_.net_extent[net];
    add(by_col_, centre_x_, extent.lx, extent.ux, own.lx, own.ux, nets.net_weight[net]);
    add(by_row_, centre_y_, extent.ly, extent.uy, own.ly, own.uy, nets.net_weight[net]);
  }
  const double scale = wirelength_cost(design, 1.0);
  for (int row = 0; row < grid_.rows; ++row) {
    for (int col = 0; col < grid_.cols; ++col) {
      out[row * grid_.cols + col] = static_cast<float>(scale * (by_col_[col] + by_row_[row]));
    }
  }
}

void Floorplan::observe(const FloorplanMaps& maps) {
  std::copy(mask_.begin(), mask_.end(), maps.action_mask);
  if (complete()) {
    std::fill(maps.wire_mask, maps.wire_mask + grid_.size(), 0.0F);
  } else {
    wire_mask(maps.wire_mask);
  }
  const double per_cell = 1.0 / (grid_.cell_width * grid_.cell_height);
  for (int cell = 0; cell < grid_.size(); ++cell) {
    maps.density[cell] = static_cast<float>(state_.occupied[cell] * per_cell);
  }
  congestion_map_.compute(state_.steps, state_.blocked, congestion_);
  const int size = routing_grid_.size(), rows = routing_grid_.rows, cols = routing_grid_.cols;
  for (int row = 0; row < rows; ++row) {
    for (int col = 0; col < cols; ++col) {
      maps.congestion_hor[row * cols + col] = static_cast<float>(congestion_[col * rows + row]);
    }
  }
  for (int i = 0; i < size; ++i) maps.congestion_ver[i] = static_cast<float>(congestion_[size + i]);
  const Canvas& canvas = task_->design.canvas;
  for (std::size_t node = 0; node < x_.size(); ++node) {
    maps.position[2 * node] = static_cast<float>(x_[node] / canvas.width);
    maps.position[2 * node + 1] = static_cast<float>(y_[node] / canvas.height);
  }
  std::copy(placed_.begin(), placed_.end(), maps.placed);
}

Costs Floorplan::partial_costs() {
  Costs costs{};
  costs.wirelength = state_.wirelength;
  costs.wirelength_cost = wirelength_cost(task_->design, state_.wirelength);
  costs.density_cost = density_cost(grid_, state_.occupied, density_top_);
  congestion_map_.compute(state_.steps, state_.blocked, congestion_);
  costs.congestion_cost = congestion_cost(congestion_, congestion_top_);
  return costs;
}

void Floorplan::finish(std::uint64_t seed) {
  const FloorplanTask& task = *task_;
  const PlacementView view{x_, y_, task.orientation, placed_};
  if (task.soft_placement.rounds > 0) {
    AnalyticPlacer placer(task.design, task.nets, view, task.soft, kFillTo);
    placer.place(x_, y_, {task.soft_placement.rounds, kSolverSteps, kFirstPull, kLastPull}, false);
  }
  if (task.soft_placement.moves > 0 && complete()) {
    std::vector<int> soft;
    for (int node = 0; node < task.design.netlist.num_nodes(); ++node) {
      if (task.soft[node]) soft.push_back(node);
    }
    const std::shared_ptr<const NetModel> nets(task_, &task_->nets);
    Annealer descent(IncrementalCost(task.design, nets, view, task.weights), HardMacros(task.design, view), {},
                     std::move(soft), seed);
    for (long done = 0; done < task.soft_placement.moves; done += 500) descent.run(500, kDescent, 0.0, kDescentHope);
    x_ = descent.best().x;
    y_ = descent.best().y;
  }
  costs_ = evaluator_.evaluate({x_, y_, task.orientation, placed_});
}

}  // namespace placecore
