// One episode of the floorplan environment: hard macros are placed one by one, soft macros at the end.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "placecore/analytic.hpp"
#include "placecore/cost.hpp"
#include "placecore/incremental.hpp"
#include "placecore/legality.hpp"

namespace placecore {

/// How soft macros are placed when all hard ones are.
struct SoftPlacement {
  int rounds = 2;    // of analytic placement
  long moves = 0;    // of exact descent after it
};

/// What all episodes of one design share.
///
/// Soft macros lie at provisional positions (those of `start`) while hard macros are placed, so that every net of a
/// hard macro leads somewhere; they are placed anew at the end.
struct FloorplanTask {
  const Design& design;
  NetModel nets;
  std::vector<int> order;                       // movable hard macros, in the order in which they are placed
  std::vector<double> start_x, start_y;         // (N)
  std::vector<std::uint8_t> orientation, known; // (N); known: placed at the start of an episode
  std::vector<Point> cell_offset;               // (N) of macros from the centres of the cells they go to
  std::vector<std::uint8_t> soft;               // (N) flags of the nodes that are placed at the end
  Weights weights;
  SoftPlacement soft_placement;

  FloorplanTask(const Design& design_, const PlacementView& start, std::vector<int> order_,
                std::span<const std::uint8_t> fixed, Weights weights_, SoftPlacement soft_placement_,
                std::vector<Point> cell_offset_);
};

/// Where an observation is written. Maps are per grid cell, flat (G), row 0 at the bottom; those of the congestion have
/// the size of its grid.
struct FloorplanMaps {
  std::uint8_t* action_mask;
  float* wire_mask;       // increase of the wirelength cost
  float* density;         // occupied share
  float* congestion_hor;  // demand over supply
  float* congestion_ver;
  float* position;        // (N, 2) as shares of width and height of the canvas
  std::uint8_t* placed;   // (N)
};

class Floorplan {
 public:
  explicit Floorplan(std::shared_ptr<const FloorplanTask> task);

  void reset();
  /// Whether the next macro may go to a grid cell.
  bool allows(std::int64_t cell) const;
  /// Puts the next macro on a grid cell. Returns false, changing nothing, if that is not legal.
  bool place(int cell);
  /// Writes what the next macro's placing needs; the mask is all zero if there is none.
  void observe(const FloorplanMaps& maps);
  /// Places soft macros; afterwards `costs` are those of the whole placement.
  void finish(std::uint64_t seed);

  int step() const { return step_; }
  bool complete() const { return step_ == static_cast<int>(task_->order.size()); }
  /// Whether the next macro fits anywhere.
  bool feasible() const { return complete() || num_legal_ > 0; }
  std::span<const std::uint8_t> action_mask() const { return mask_; }
  /// Costs of what is placed: nets over placed pins, density of placed macros, routes of nets without unplaced pins.
  Costs partial_costs();
  const Costs& costs() const { return costs_; }
  const FloorplanTask& task() const { return *task_; }
  std::span<const double> x() const { return x_; }
  std::span<const double> y() const { return y_; }
  std::span<const std::uint8_t> placed() const { return placed_; }

 private:
  struct Extent {
    double lx, ux, ly, uy;
  };
  struct State {  // of the nodes that are placed
    std::vector<Extent> net_extent;   // over placed slots
    std::vector<int> net_unplaced;    // slots of unplaced nodes
    std::vector<double> occupied, blocked;
    RouteSteps steps;
    double wirelength = 0.0;
  };

  void add_node(int node);
  void route(int net);
  void update_mask();
  void wire_mask(float* out);
  Point centre_at(int node, int col, int row) const;
  Box box_at(int node, int cell) const;

  std::shared_ptr<const FloorplanTask> task_;
  Grid grid_, routing_grid_;
  CongestionMap congestion_map_;
  Rules rules_;
  State state_, initial_;
  std::vector<double> x_, y_;
  std::vector<std::uint8_t> placed_;
  std::vector<Box> obstacles_;  // of hard macros that are placed
  std::vector<double> obstacle_halos_;
  std::size_t num_initial_obstacles_ = 0;
  std::vector<std::uint8_t> mask_;
  int step_ = 0, num_legal_ = 0;
  Costs costs_{};
  Evaluator evaluator_;
  TopSum density_top_, congestion_top_;
  std::vector<double> congestion_, by_col_, by_row_, centre_x_, centre_y_;
  SeenCells seen_cells_;
  std::vector<Cell> cells_;
};

}  // namespace placecore
