#pragma once

#include <vector>

#include "placecore/congestion.hpp"
#include "placecore/density.hpp"
#include "placecore/design.hpp"
#include "placecore/topk.hpp"
#include "placecore/wirelength.hpp"

namespace placecore {

struct Weights {
  double wirelength = 1.0, density = 0.5, congestion = 0.5;
};

struct Costs {
  double wirelength;  // um
  double wirelength_cost, density_cost, congestion_cost;

  double proxy(const Weights& weights) const {
    return weights.wirelength * wirelength_cost + weights.density * density_cost +
           weights.congestion * congestion_cost;
  }
};

/// Evaluates placements of one design from scratch; the buffers are reused from call to call.
class Evaluator {
 public:
  explicit Evaluator(const Design& design) : design_(design), congestion_map_(design.canvas) {}

  Costs evaluate(const PlacementView& placement);

  // Of the last placement that was evaluated:
  const std::vector<double>& occupied() const { return occupied_; }           // (G) um^2
  const std::vector<double>& congestion() const { return congestion_; }       // (2G), see CongestionMap

 private:
  const Design& design_;
  PinPositions pins_;
  std::vector<double> occupied_;
  NetRouter router_;
  RouteSteps steps_;
  CongestionMap congestion_map_;
  std::vector<double> blocked_, congestion_;
};

/// Evaluates placements on up to `num_threads` threads; the result does not depend on their number.
std::vector<Costs> evaluate_many(const Design& design, const std::vector<PlacementView>& placements, int num_threads);

}  // namespace placecore
