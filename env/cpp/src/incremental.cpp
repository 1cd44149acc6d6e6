#include "placecore/incremental.hpp"

#include <algorithm>
#include <numeric>

namespace placecore {

namespace {

constexpr int kFewCells = 10;  // below, the density cost asks which cells are occupied at all: no rounding may remain
constexpr long kRebuildEvery = 1L << 22;  // accepted moves; bounds the rounding that running sums collect

}  // namespace

IncrementalCost::IncrementalCost(const Design& design, std::shared_ptr<const NetModel> nets,
                                 const PlacementView& placement, Weights weights)
    : design_(&design),
      nets_(std::move(nets)),
      weights_(weights),
      grid_(design.canvas.grid()),
      routing_grid_(design.canvas.congestion_grid()),
      wirelength_scale_(wirelength_cost(design, 1.0)),
      congestion_map_(design.canvas),
      x_(placement.x.begin(), placement.x.end()),
      y_(placement.y.begin(), placement.y.end()),
      orientation_(placement.orientation.begin(), placement.orientation.end()),
      placed_(placement.placed.begin(), placement.placed.end()) {
  net_seen_.assign(nets_->net_weight.size(), 0);
  net_rerouted_.assign(nets_->net_weight.size(), 0);
  cell_seen_.assign(routing_grid_.size(), 0);
  cells_.resize(routing_grid_.size() + 1);
  rebuild();
}

void IncrementalCost::rebuild() {
  const NetModel& nets = *nets_;
  const int num_slots = static_cast<int>(nets.slot_node.size()), num_nets = static_cast<int>(nets.net_weight.size());
  slot_x_.resize(num_slots);
  slot_y_.resize(num_slots);
  slot_cell_.resize(num_slots);
  for (int slot = 0; slot < num_slots; ++slot) {
    const int node = nets.slot_node[slot];
    const Point offset = turn(nets.slot_dx[slot], nets.slot_dy[slot], orientation_[node]);
    slot_x_[slot] = x_[node] + offset.x;
    slot_y_[slot] = y_[node] + offset.y;
    slot_cell_[slot] = cell_of(slot_x_[slot], slot_y_[slot]);
  }
  steps_.reset(routing_grid_.rows, routing_grid_.cols);
  Router router(steps_, 0.0);
  net_length_.resize(num_nets);
  costs_.wirelength = nets.constant_wirelength;
  for (int net = 0; net < num_nets; ++net) {
    net_length_[net] = net_length(net);
    costs_.wirelength += net_length_[net];
    router.weight = nets.net_demand[net];
    route(net, router);
  }
  trial_steps_ = steps_;

  const PlacementView placement{x_, y_, orientation_, placed_};
  occupied_area(*design_, placement, occupied_);
  blocked_routes(*design_, placement, blocked_);
  costs_.wirelength_cost = costs_.wirelength * wirelength_scale_;
  costs_.density_cost = density_cost(grid_, occupied_, density_top_);
  costs_.congestion_cost = measure_congestion(steps_);
  floor_ = floor_congestion();
}

int IncrementalCost::cell_of(double x, double y) const {
  const Canvas& canvas = design_->canvas;
  const int col = cell_along(x, canvas.width, routing_grid_.cell_width, routing_grid_.cols);
  const int row = cell_along(y, canvas.height, routing_grid_.cell_height, routing_grid_.rows);
  return col < 0 || row < 0 ? -1 : row * routing_grid_.cols + col;
}

double IncrementalCost::net_length(int net) const {
  const int begin = nets_->net_start[net], end = nets_->net_start[net + 1];
  double lx = slot_x_[begin], ux = lx, ly = slot_y_[begin], uy = ly;
  for (int slot = begin + 1; slot < end; ++slot) {
    lx = std::min(lx, slot_x_[slot]);
    ux = std::max(ux, slot_x_[slot]);
    ly = std::min(ly, slot_y_[slot]);
    uy = std::max(uy, slot_y_[slot]);
  }
  return nets_->net_weight[net] * ((ux - lx) + (uy - ly));
}

void IncrementalCost::route(int net, Router& router) {
  const int cols = routing_grid_.cols;
  ++cell_epoch_;
  std::size_t count = 0;
  for (int slot = nets_->net_start[net]; slot < nets_->net_start[net + 1]; ++slot) {
    const int cell = slot_cell_[slot];
    if (cell < 0) return;
    const int row = static_cast<int>(static_cast<unsigned>(cell) / static_cast<unsigned>(cols));
    cells_[count] = {row, cell - row * cols};
    count += cell_seen_[cell] != cell_epoch_;
    cell_seen_[cell] = cell_epoch_;
  }
  router.net(cells_.data(), count);
}

void IncrementalCost::move_slots(const Move& move) {
  for (const int slot : nets_->slots_of(move.node)) {
    const Point offset = turn(nets_->slot_dx[slot], nets_->slot_dy[slot], move.orientation);
    const double x = move.x + offset.x, y = move.y + offset.y;
    const int cell = cell_of(x, y), net = nets_->slot_net[slot];
    slot_log_.push_back({slot, slot_x_[slot], slot_y_[slot], cell});
    slot_x_[slot] = x;
    slot_y_[slot] = y;
    if (net_seen_[net] != epoch_) {
      net_seen_[net] = epoch_;
      net_log_.push_back({net, net_length_[net]});
    }
    if (cell != slot_cell_[slot] && net_rerouted_[net] != epoch_) {
      net_rerouted_[net] = epoch_;
      reroute_.push_back(net);
    }
  }
}

void IncrementalCost::move_area(const Move& move) {
  const Netlist& netlist = design_->netlist;
  const auto change = [&](double sign) {
    return [this, sign](int cell, double area) {
      area_log_.push_back({cell, occupied_[cell]});
      occupied_[cell] += sign * area;
    };
  };
  const Box before = outline(netlist, move.node, x_[move.node], y_[move.node], orientation_[move.node]);
  for_each_overlap(grid_, before, change(-1.0));
  for_each_overlap(grid_, outline(netlist, move.node, move.x, move.y, move.orientation), change(1.0));
}

void IncrementalCost::block(const Box& box, double sign) {
  for_each_blocked(design_->canvas, routing_grid_, box, [&](int at, double routes) {
    blocked_log_.push_back({at, blocked_[at]});
    blocked_[at] += sign * routes;
  });
}

void IncrementalCost::move_blocked(const Move& move) {
  const Netlist& netlist = design_->netlist;
  if (!netlist.is_hard(move.node)) return;
  block(outline(netlist, move.node, x_[move.node], y_[move.node], orientation_[move.node]), -1.0);
  block(outline(netlist, move.node, move.x, move.y, move.orientation), 1.0);
}

void IncrementalCost::route_changed() {
  trial_steps_.horizontal = steps_.horizontal;
  trial_steps_.vertical = steps_.vertical;
  Router router(trial_steps_, 0.0);
  for (const int net : reroute_) {
    router.weight = -nets_->net_demand[net];
    route(net, router);
  }
  for (SlotChange& change : slot_log_) std::swap(slot_cell_[change.slot], change.cell);
  for (const int net : reroute_) {
    router.weight = nets_->net_demand[net];
    route(net, router);
  }
  rerouted_ = true;
}

bool IncrementalCost::propose(std::span<const Move> moves, double limit) {
  ++epoch_;
  old_moves_.clear();
  slot_log_.clear();
  net_log_.clear();
  area_log_.clear();
  blocked_log_.clear();
  reroute_.clear();
  rerouted_ = false;
  trial_costs_ = costs_;
  trial_floor_ = floor_;
  const bool few_cells = grid_.size() < kFewCells;
  for (const Move& move : moves) {
    move_slots(move);
    if (!few_cells) move_area(move);
    move_blocked(move);
    old_moves_.push_back({move.node, x_[move.node], y_[move.node], orientation_[move.node]});
    x_[move.node] = move.x;
    y_[move.node] = move.y;
    orientation_[move.node] = move.orientation;
  }
  if (few_cells) {
    for (int cell = 0; cell < grid_.size(); ++cell) area_log_.push_back({cell, occupied_[cell]});
    occupied_area(*design_, {x_, y_, orientation_, placed_}, occupied_);
  }
  double delta = 0.0;
  for (const ValueChange& change : net_log_) {
    net_length_[change.at] = net_length(change.at);
    delta += net_length_[change.at] - change.old;
  }
  trial_costs_.wirelength += delta;
  trial_costs_.wirelength_cost = trial_costs_.wirelength * wirelength_scale_;
  if (!area_log_.empty()) trial_costs_.density_cost = density_cost(grid_, occupied_, density_top_);
  if (!blocked_log_.empty()) trial_floor_ = floor_congestion();
  const bool congestion_changes = !reroute_.empty() || !blocked_log_.empty();
  if (congestion_changes) trial_costs_.congestion_cost = trial_floor_;  // the least it can come to
  if (proposed_proxy() > limit) {
    revert();
    return false;
  }
  if (!reroute_.empty()) route_changed();
  if (congestion_changes) {
    trial_costs_.congestion_cost = measure_congestion(rerouted_ ? trial_steps_ : steps_);
    if (proposed_proxy() > limit) {
      revert();
      return false;
    }
  }
  return true;
}

void IncrementalCost::accept() {
  if (rerouted_) std::swap(steps_, trial_steps_);
  costs_ = trial_costs_;
  floor_ = trial_floor_;
  if (++accepted_ % kRebuildEvery == 0) rebuild();
}

void IncrementalCost::reject() { revert(); }

void IncrementalCost::revert() {
  if (rerouted_) {
    for (auto change = slot_log_.rbegin(); change != slot_log_.rend(); ++change) {
      std::swap(slot_cell_[change->slot], change->cell);
    }
  }
  for (auto change = slot_log_.rbegin(); change != slot_log_.rend(); ++change) {
    slot_x_[change->slot] = change->x;
    slot_y_[change->slot] = change->y;
  }
  const auto restore = [](const std::vector<ValueChange>& log, std::vector<double>& values) {
    for (auto change = log.rbegin(); change != log.rend(); ++change) values[change->at] = change->old;
  };
  restore(net_log_, net_length_);
  restore(area_log_, occupied_);
  restore(blocked_log_, blocked_);
  for (auto move = old_moves_.rbegin(); move != old_moves_.rend(); ++move) {
    x_[move->node] = move->x;
    y_[move->node] = move->y;
    orientation_[move->node] = move->orientation;
  }
}

double IncrementalCost::floor_congestion() {
  congestion_map_.compute_blocked(blocked_, congestion_);
  return congestion_cost(congestion_, floor_top_);
}

double IncrementalCost::measure_congestion(const RouteSteps& steps) {
  congestion_map_.compute(steps, blocked_, congestion_);
  return congestion_cost(congestion_, congestion_top_);
}

}  // namespace placecore
