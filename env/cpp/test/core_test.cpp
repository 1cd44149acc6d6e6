// Drives the core without Python, on random designs, for the sanitizers (`make sanitize`); also checks what it computes.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <numeric>

#include "placecore/floorplan_batch.hpp"
#include "placecore/search.hpp"

using namespace placecore;

namespace {

void check(bool holds, const char* what, std::uint64_t seed) {
  if (holds) return;
  std::printf("failed: %s, seed %llu\n", what, static_cast<unsigned long long>(seed));
  std::exit(1);
}

struct Case {
  Design design;
  std::vector<double> x, y;
  std::vector<std::uint8_t> orientation, placed, fixed;

  PlacementView view() const { return {x, y, orientation, placed}; }
};

Netlist random_netlist(Rng& rng, int num_nodes) {
  Netlist netlist;
  for (int node = 0; node < num_nodes; ++node) {
    const int kind = rng.index(4);
    netlist.kind.push_back(static_cast<std::uint8_t>(kind));
    netlist.width.push_back(kind == 0 ? 0.0 : 1.0 + 6.0 * rng.uniform());
    netlist.height.push_back(kind == 0 ? 0.0 : 1.0 + 6.0 * rng.uniform());
    for (int pin = rng.index(5); pin >= 0; --pin) {
      netlist.pin_node.push_back(node);
      netlist.pin_dx.push_back(kind == 1 ? rng.symmetric() : 0.0);
      netlist.pin_dy.push_back(kind == 1 ? rng.symmetric() : 0.0);
    }
  }
  netlist.net_start.push_back(0);
  for (int net = rng.index(3 * num_nodes); net > 0; --net) {
    for (int pin = 2 + rng.index(7); pin > 0; --pin) netlist.net_pin.push_back(rng.index(netlist.num_pins()));
    netlist.net_start.push_back(static_cast<int>(netlist.net_pin.size()));
    netlist.net_weight.push_back(rng.uniform() < 0.3 ? 0.5 : 1.0 + rng.index(3));
  }
  return netlist;
}

Case random_case(std::uint64_t seed) {
  Rng rng(seed);
  const int num_nodes = 2 + rng.index(40), cols = 1 + rng.index(20), rows = 1 + rng.index(20);
  Canvas canvas{60.0 + 60.0 * rng.uniform(), 60.0 + 60.0 * rng.uniform(), cols, rows, 2.0, 1.5, 1.0, 0.8, rng.index(4),
                1 + rng.index(20), 1 + rng.index(20), rng.uniform() < 0.5 ? 0.0 : 0.5, {}};
  if (rng.uniform() < 0.3) canvas.blockages.push_back({5.0, 5.0, 12.0, 9.0});
  Case made{Design(random_netlist(rng, num_nodes), canvas), {}, {}, {}, {}, {}};
  for (int node = 0; node < num_nodes; ++node) {
    made.x.push_back(canvas.width * (1.1 * rng.uniform() - 0.05));
    made.y.push_back(canvas.height * (1.1 * rng.uniform() - 0.05));
    made.orientation.push_back(made.design.netlist.kind_of(node) == Kind::port ? 0 : static_cast<std::uint8_t>(rng.index(8)));
    made.placed.push_back(1);
    made.fixed.push_back(made.design.netlist.kind_of(node) == Kind::port);
  }
  return made;
}

bool near(const Costs& a, const Costs& b) {
  const auto close = [](double u, double v) { return std::abs(u - v) <= 1e-9 * (1.0 + std::abs(u)); };
  return close(a.wirelength, b.wirelength) && close(a.density_cost, b.density_cost) &&
         close(a.congestion_cost, b.congestion_cost);
}

void test_incremental(const Case& made, std::uint64_t seed) {
  const Canvas& canvas = made.design.canvas;
  const auto nets = std::make_shared<const NetModel>(made.design, made.placed);
  IncrementalCost cost(made.design, nets, made.view(), {});
  Rng rng(seed + 1);
  for (int step = 0; step < 60; ++step) {
    const int node = rng.index(made.design.netlist.num_nodes());
    const Move move{node, canvas.width * (1.2 * rng.uniform() - 0.1), canvas.height * (1.2 * rng.uniform() - 0.1),
                    static_cast<std::uint8_t>(rng.index(8))};
    const double limit = rng.uniform() < 0.5 ? INFINITY : cost.proxy() + 0.05 * rng.symmetric();
    if (!cost.propose({&move, 1}, limit)) continue;
    rng.uniform() < 0.6 ? cost.accept() : cost.reject();
  }
  const PlacementView now{cost.xs(), cost.ys(), cost.orientations(), made.placed};
  check(near(cost.costs(), Evaluator(made.design).evaluate(now)), "incremental cost equals the full one", seed);
}

void test_search(Case made, std::uint64_t seed) {
  std::vector<std::uint8_t> movable(made.fixed.size());
  for (std::size_t node = 0; node < movable.size(); ++node) movable[node] = !made.fixed[node];
  const NetModel nets(made.design, made.placed);
  AnalyticPlacer(made.design, nets, made.view(), movable).place(made.x, made.y, {4, 5, 0.01, 1.0}, true);
  const Legalized legal = legalize(made.design, made.view(), made.fixed);
  if (!legal.found) return;
  made.x = legal.x;
  made.y = legal.y;
  check(HardMacros(made.design, made.view()).all_fit(made.fixed), "the legaliser's placement is legal", seed);
  Search search(made.design, made.view(), movable, {}, seed, 2);
  for (int slice = 0; slice < 3; ++slice) {
    search.run(1e-2, 1e-4, INFINITY, 600);
    search.share();
  }
  made.x = search.best().x;
  made.y = search.best().y;
  made.orientation = search.best().orientation;
  check(HardMacros(made.design, made.view()).all_fit(made.fixed), "the search's placement is legal", seed);
  check(near(search.best().costs, Evaluator(made.design).evaluate(made.view())), "the search's cost is true", seed);
}

void test_episodes(const Case& made, std::uint64_t seed) {
  std::vector<int> order;
  for (int node = 0; node < made.design.netlist.num_nodes(); ++node) {
    if (made.design.netlist.is_hard(node)) order.push_back(node);
  }
  if (order.empty()) return;
  const auto task = std::make_shared<const FloorplanTask>(made.design, made.view(), order, made.fixed, Weights{},
                                                          SoftPlacement{2, 500});
  FloorplanBatch batch({task, task, task}, 2);
  Rng rng(seed + 2);
  std::vector<StepResult> results(3);
  for (std::size_t step = 0; step < order.size(); ++step) {
    std::vector<std::int64_t> cells;
    for (int i = 0; i < 3; ++i) {
      const auto mask = batch.episode(i).action_mask();
      const int legal = std::accumulate(mask.begin(), mask.end(), 0);
      int wanted = rng.index(std::max(1, legal)), cell = 0;
      while (legal > 0 && (!mask[cell] || wanted-- > 0)) ++cell;
      cells.push_back(cell);
    }
    batch.step(cells, true, results);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::uint64_t count = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 300;
  for (std::uint64_t seed = 0; seed < count; ++seed) {
    const Case made = random_case(seed);
    test_incremental(made, seed);
    test_search(made, seed);
    test_episodes(made, seed);
  }
  std::printf("%llu random designs passed\n", static_cast<unsigned long long>(count));
}
