// The exact cost of a placement that changes move by move.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <vector>

#include "placecore/cost.hpp"

namespace placecore {

/// Nets as the incremental cost reads them; immutable, shared by all states of one design.
///
/// A slot is where a net touches a node: pins of one net that coincide share a slot, nets with the same source slot and
/// the same other slots are one net with summed weight. Nets are sorted by their number of slots, those of two slots
/// first. Nets with an unplaced pin never change: they are a constant.
///
/// Slots of different nets that coincide share a place: a soft macro has one, at its centre. What moves is few places,
/// so that their positions stay in the cache; what a place's move changes lies side by side.
struct NetModel {
  std::vector<int> net_start;               // (E' + 1) offsets into the slots; the first slot of a net is its source
  std::vector<int> slot_node, slot_net;     // (S)
  std::vector<double> slot_dx, slot_dy;     // (S) in orientation N
  std::vector<double> net_weight;           // (E') weight in the wirelength
  std::vector<double> net_demand;           // (E') routes: sum of max(1, weight)
  std::vector<int> node_start, node_slot;   // slots of each node, ascending
  std::vector<int> slot_place;              // (S)
  std::vector<int> place_start;             // (N + 1) offsets into the places of each node
  std::vector<double> place_dx, place_dy;   // (P) in orientation N
  struct Pair {                             // a net of two slots, seen from one of its places
    int other;                              // place
    bool is_source;                         // this place, not the other one
    double weight, demand;
  };
  struct Touch {                            // a net of more slots, seen from one of its places
    int net, begin, end;                    // its slots
    bool is_source;
    double weight, demand;
  };
  std::vector<Pair> pairs;
  std::vector<Touch> touches;
  std::vector<int> pair_start, touch_start; // (P + 1) offsets of each place
  double constant_wirelength = 0.0;         // of nets with an unplaced pin

  NetModel(const Design& design, std::span<const std::uint8_t> placed);

  int num_places() const { return static_cast<int>(place_dx.size()); }

  std::span<const int> slots_of(int node) const {
    return {node_slot.data() + node_start[node], node_slot.data() + node_start[node + 1]};
  }
  std::span<const Pair> pairs_of(int place) const {
    return {pairs.data() + pair_start[place], pairs.data() + pair_start[place + 1]};
  }
  std::span<const Touch> touches_of(int place) const {
    return {touches.data() + touch_start[place], touches.data() + touch_start[place + 1]};
  }

 private:
  void find_places(int num_nodes);
  void find_touches();
};

/// A node's new centre and orientation.
struct Move {
  int node;
  double x, y;
  std::uint8_t orientation;
};

/// Cost of a placement under moves: `propose`, then `accept` or `reject`. Copies are independent.
///
/// A proposal is judged in the order of what costs least: about how the density changes, wirelength, density, the
/// congestion that hard macros alone cause, and only then routes. Routes are changed as differences to the demand, and only of nets of which a pin leaves
/// its grid cell, so a rejected proposal leaves no rounding behind.
class IncrementalCost {
 public:
  IncrementalCost(const Design& design, std::shared_ptr<const NetModel> nets, const PlacementView& placement,
                  Weights weights);

  /// Evaluates moves of distinct placed nodes. Returns false, with nothing to accept, as soon as it is certain that the
  /// proxy cost would exceed `limit`; such a proposal must not be rejected either. Refuses, too, what exceeds it by more
  /// than `hope` while terms that are not evaluated yet count as unchanged: they would have to fall by so much.
  bool propose(std::span<const Move> moves, double limit, double hope = std::numeric_limits<double>::infinity());
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

  /// The weight of a guide that is added to the proxy cost wherever a limit is compared with: the mean of the
  /// `kGuideShare` highest congestion values that hard macros alone cause. Where more grid cells are fully blocked than
  /// the congestion cost counts, that cost does not fall before many are freed; the guide falls with each.
  void set_guide(double weight);
  double guided_proxy() const { return proxy() + guide_ * guide_value_; }

  /// How crowded it is at a point on the canvas: share of the grid cell that is occupied plus the greater congestion.
  double crowding(const Point& at) const;

  const Design& design() const { return *design_; }
  const NetModel& nets() const { return *nets_; }
  std::span<const std::uint8_t> placed() const { return placed_; }
  const Point& slot(int slot) const { return place_at_[nets_->slot_place[slot]]; }

 private:
  using FlatCell = std::uint16_t;  // row * cols + col of the congestion grid
  static constexpr FlatCell kOffCanvas = 0xFFFF;

  struct PlaceChange {
    int place;
    FlatCell cell;  // the new one; the old one once routes are changed
    Point old;
  };
  struct BoxChange {
    int net;
    Box old;
  };
  struct ValueChange {
    int at;
    double old;
  };
  struct NetCells {  // of a net's slots
    std::uint16_t distinct, off_canvas;
  };
  struct NetChange {
    int net;
    NetCells old;
  };

  void rebuild();
  FlatCell cell_of(const Point& at) const;
  NetCells count_cells(int net);
  Box box_of(int begin, int end) const;
  double move_places(const Move& move);
  double grow_net(const NetModel::Touch& touch, const Point& old, const Point& now);
  double move_nodes(std::span<const Move> moves);
  void move_blocked(std::span<const Move> moves);
  void block(const Box& box, double sign);
  void change_routes();
  void change_pair(const NetModel::Pair& pair, FlatCell from, FlatCell to);
  void change_net(const NetModel::Touch& touch, int place, FlatCell to);
  void add_route(FlatCell source, FlatCell sink, double weight);
  void route_whole(int begin, int end, double weight);
  void touch(const Cell& cell) {
    route_columns_.add(cell.col);
    route_rows_.add(cell.row);
  }
  void sum_lines(const Lines& lines, int width, int offset, std::vector<double>& steps);
  void copy_lines(const std::vector<double>& from, std::vector<double>& to) const;
  double enough(double limit, double weight) const;
  void revert();
  double floor_congestion();
  double measure_guide();
  double judged() const { return proposed_proxy() + guide_ * trial_guide_value_; }

  const Design* design_;
  std::shared_ptr<const NetModel> nets_;
  Weights weights_;
  Grid grid_, routing_grid_;
  double wirelength_scale_;
  CongestionMap congestion_map_;
  std::vector<Cell> cell_at_;  // by flat cell

  std::vector<double> x_, y_;
  std::vector<std::uint8_t> orientation_, placed_;
  std::vector<Point> place_at_;       // (P)
  std::vector<FlatCell> place_cell_;  // (P)
  std::vector<Box> net_box_;          // (E') kept for nets of more than two slots, as is the next
  std::vector<NetCells> net_cells_;   // (E')
  std::vector<double> occupied_;
  std::vector<double> blocked_;      // as `congestion_`
  // Maps of the congestion grid, see CongestionMap; trial ones differ from the others in the changed lines at most.
  std::vector<double> demand_, trial_demand_, congestion_, trial_congestion_;
  RouteSteps steps_;                 // differences of a proposal's routes; zero between proposals
  double floor_ = 0.0;               // congestion cost that hard macros alone cause
  Costs costs_{}, trial_costs_{};
  double trial_floor_ = 0.0;
  double guide_ = 0.0, guide_value_ = 0.0, trial_guide_value_ = 0.0;

  std::vector<Move> old_moves_;
  std::vector<PlaceChange> place_log_;
  std::vector<BoxChange> box_log_;
  std::vector<NetChange> net_log_;
  std::vector<ValueChange> area_log_, blocked_log_;
  Lines route_columns_, route_rows_; // of horizontal and vertical demand that a proposal changes
  Lines columns_, rows_;             // and of congestion
  bool rerouted_ = false;
  long accepted_ = 0;

  TopSum density_top_, congestion_top_, floor_top_, guide_top_;
  SeenCells seen_cells_;
  std::vector<Cell> cells_;
  std::vector<double> running_, floor_map_;
};

}  // namespace placecore
