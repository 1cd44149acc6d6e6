#include "placecore/cost.hpp"

#include <algorithm>
#include <atomic>
#include <thread>

namespace placecore {

Costs Evaluator::evaluate(const PlacementView& placement) {
  pins_.compute(design_.netlist, placement);
  TopSum density_top, congestion_top;  // new ones: the last digit must not depend on what was evaluated before
  Costs costs{};
  costs.wirelength = wirelength(design_, pins_);
  costs.wirelength_cost = wirelength_cost(design_, costs.wirelength);
  occupied_area(design_, placement, occupied_);
  costs.density_cost = density_cost(design_.canvas.grid(), occupied_, density_top);
  router_.route(design_, pins_, steps_);
  blocked_routes(design_, placement, blocked_);
  congestion_map_.compute(steps_, blocked_, congestion_);
  costs.congestion_cost = congestion_cost(congestion_, congestion_top);
  return costs;
}

std::vector<Costs> evaluate_many(const Design& design, const std::vector<PlacementView>& placements, int num_threads) {
  std::vector<Costs> costs(placements.size());
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    Evaluator evaluator(design);
    for (std::size_t i = next++; i < placements.size(); i = next++) costs[i] = evaluator.evaluate(placements[i]);
  };
  const std::size_t count = std::clamp<std::size_t>(num_threads, 1, std::max<std::size_t>(1, placements.size()));
  std::vector<std::jthread> threads;
  for (std::size_t i = 1; i < count; ++i) threads.emplace_back(work);
  work();
  threads.clear();
  return costs;
}

}  // namespace placecore
