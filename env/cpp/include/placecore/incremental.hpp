// The exact cost of a placement that changes move by move.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "placecore/cost.hpp"

namespace placecore {

/// Nets as the incremental cost reads them; immutable, shared by all states of one design.
///
/// A slot is a place at which a net touches a node: pins of one net that coincide share a slot, nets with the same
/// source slot and the same other slots are one net with summed weight. Nets with an unplaced pin never change: they
/// are a constant.
struct NetModel {
  std::vector<int> net_start;               // (E' + 1) offsets into the slots; the first slot of a net is its source
  std::vector<int> slot_node, slot_net;     // (S)
  std::vector<double> slot_dx, slot_dy;     // (S) in orientation N
  std::vector<double> net_weight;           // (E') weight in the wirelength
  std::vector<double> net_demand;           // (E') routes: sum of max(1, weight)
  std::vector<int> node_start, node_slot;   // slots of each node
  double constant_wirelength = 0.0;         // of nets with an unplaced pin

  NetModel(const Design& design, std::span<const std::uint8_t> placed);

  std::span<const int> slots_of(int node) const {
    return {node_slot.data() + node_start[node], node_slot.data() + node_start[node + 1]};
  }
};

/// A node's new centre and orientation.
struct Move {
  int node;
  double x, y;
  std::uint8_t orientation;
};

/// Cost of a placement under moves: `propose`, then `accept` or `reject`. Copies are independent.
///
/// A proposal works on a copy of the route steps, so a rejected one leaves no rounding behind.
class IncrementalCost {
 public:
  IncrementalCost(const Design& design, std::shared_ptr<const NetModel> nets, const PlacementView& placement,
                  Weights weights);

  /// Evaluates moves of distinct placed nodes. Returns false, with nothing to accept, as soon as it is certain that the
  /// proxy cost would exceed `limit`; such a proposal must not be rejected either.
  bool propose(std::span<const Move> moves, double limit);
  void accept();
  void reject();

  const Costs& costs() const { return costs_; }
  double proxy() const { return costs_.proxy(weights_); }
  const Costs& proposed() const { return trial_costs_; }
  double proposed_proxy() const { return trial_costs_.proxy(weights_); }

  double x(int node) const { return x_[node]; }
  double y(int node) const { return y_[node]; }
  std::uint8_t orientation(int node) const { return orientation_[node]; }
  std::span<const double> xs() const { return x_; }
  std::span<const double> ys() const { return y_; }
  std::span<const std::uint8_t> orientations() const { return orientation_; }

  const Design& design() const { return *design_; }
  const NetModel& nets() const { return *nets_; }
  std::span<const std::uint8_t> placed() const { return placed_; }
  double slot_x(int slot) const { return slot_x_[slot]; }
  double slot_y(int slot) const { return slot_y_[slot]; }

 private:
  struct SlotChange {
    int slot;
    double x, y;  // the old ones
    int cell;     // the new one
  };
  struct ValueChange {
    int at;
    double old;
  };

  void rebuild();
  double net_length(int net) const;
  void route(int net, Router& router);
  void move_slots(const Move& move);
  void move_area(const Move& move);
  void move_blocked(const Move& move);
  void block(const Box& box, double sign);
  int cell_of(double x, double y) const;
  void route_changed();
  void revert();
  double floor_congestion();
  double measure_congestion(const RouteSteps& steps);

  const Design* design_;
  std::shared_ptr<const NetModel> nets_;
  Weights weights_;
  Grid grid_, routing_grid_;
  double wirelength_scale_;
  CongestionMap congestion_map_;

  std::vector<double> x_, y_;
  std::vector<std::uint8_t> orientation_, placed_;
  std::vector<double> slot_x_, slot_y_;
  std::vector<int> slot_cell_;  // row * cols + col of the congestion grid, -1 off the canvas
  std::vector<double> net_length_;
  std::vector<double> occupied_;
  std::vector<double> blocked_;  // as `congestion_`
  RouteSteps steps_, trial_steps_;
  double floor_ = 0.0;  // congestion cost that hard macros alone cause
  Costs costs_{}, trial_costs_{};
  double trial_floor_ = 0.0;

  std::vector<Move> old_moves_;
  std::vector<SlotChange> slot_log_;
  std::vector<ValueChange> net_log_, area_log_, blocked_log_;
  std::vector<int> reroute_;
  std::vector<int> net_seen_, net_rerouted_, cell_seen_;
  int epoch_ = 0, cell_epoch_ = 0;
  bool rerouted_ = false;
  long accepted_ = 0;

  std::vector<double> congestion_;
  TopSum density_top_, congestion_top_, floor_top_;
  std::vector<Cell> cells_;
};

}  // namespace placecore
