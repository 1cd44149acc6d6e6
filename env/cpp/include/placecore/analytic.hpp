// Analytic placement: quadratic wirelength against an even spread of area.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "placecore/incremental.hpp"

namespace placecore {

struct AnalyticConfig {
  int rounds = 20;          // of spreading and solving
  int solver_steps = 8;     // conjugate-gradient steps a round and axis
  double first_pull = 0.01; // towards the spread positions, relative to the pull of the nets, in the first round
  double last_pull = 0.3;   // and in the last one
};

/// Places the movable nodes (hard and soft macros alike) with overlaps, by alternating two steps: (a) spread the nodes
/// over the free area of the canvas by recursive bisection, (b) minimise quadratic wirelength in the bound-to-bound net
/// model with a pull of each node towards its spread position, which grows from round to round. This is the scheme of
/// SimPL (Kim, Lee, Markov, ICCAD 2010). Deterministic; where the nodes were before does not matter if `from_centre`.
class AnalyticPlacer {
 public:
  AnalyticPlacer(const Design& design, const NetModel& nets, const PlacementView& placement,
                 std::span<const std::uint8_t> movable, double density = 1.0);

  /// `x`, `y`: (N), updated in place for the movable nodes.
  void place(std::vector<double>& x, std::vector<double>& y, const AnalyticConfig& config, bool from_centre);

 private:
  struct Edge {
    int a, b;  // ranks of movable nodes; b is -1 for a fixed end
    double weight, offset;  // minimises weight * (x_a - x_b - offset)^2; for a fixed end (x_a - offset)^2
  };

  void build_edges(const std::vector<double>& at, const std::vector<double>& slot_offset);
  void add_edge(int slot_a, int slot_b, double weight, const std::vector<double>& at,
                const std::vector<double>& slot_offset);
  void solve(std::vector<double>& at, const std::vector<double>& anchor, double pull, int steps);
  void spread(const std::vector<double>& x, const std::vector<double>& y);
  void spread_region(Box region, std::span<int> ranks);
  double capacity(const Box& box) const;

  const Design& design_;
  const NetModel& nets_;
  std::vector<int> movable_, rank_;           // nodes by rank; rank of each node or -1
  std::vector<double> area_, half_w_, half_h_; // by rank
  std::vector<double> slot_dx_, slot_dy_;     // as the macros lie
  std::vector<double> free_sum_;              // (rows + 1, cols + 1) running sums of free area
  std::vector<double> spread_x_, spread_y_;   // by rank
  std::vector<Edge> edges_;
  std::vector<double> diagonal_, right_, value_, residual_, direction_, product_, scaled_;
};

}  // namespace placecore
