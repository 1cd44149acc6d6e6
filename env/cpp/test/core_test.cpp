// Drives the core without Python, on random designs, for the sanitizers (`make sanitize`); also checks what it computes.
// Every other design has constraints: halos, blockages, fixed macros, a distance to the edge, snapping, orientations.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
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

/// Values that change a little from call to call, many of them equal, against sorting.
void test_top_sum(std::uint64_t seed) {
  Rng rng(seed);
  const int count = 1 + rng.index(400), k = 1 + rng.index(count);
  const auto draw = [&] { return rng.uniform() < 0.3 ? static_cast<double>(rng.index(3)) : 2.0 * rng.uniform(); };
  std::vector<double> values(count), sorted;
  std::generate(values.begin(), values.end(), draw);
  TopSum top_sum;
  for (int call = 0; call < 100; ++call) {
    for (int changes = rng.index(12); changes > 0; --changes) values[rng.index(count)] = draw();
    sorted = values;
    std::sort(sorted.begin(), sorted.end(), std::greater<>());
    const double sum = std::accumulate(sorted.begin(), sorted.begin() + k, 0.0), enough = sum + 0.1 * rng.symmetric();
    const double found = top_sum(values, k, enough);
    check(found < sum + 1e-9, "a top sum, or a bound below it", seed);
    check(found > sum - 1e-9 || found > enough, "a bound that is not enough is the sum", seed);
  }
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

/// Fixes the macros that lie well in the canvas, off the blockages and one another; a third of all hard ones.
void fix_some(Case& made, Rng& rng) {
  const Netlist& netlist = made.design.netlist;
  const Canvas& canvas = made.design.canvas;
  std::vector<Box> taken = canvas.blockages;
  for (int node = 0; node < netlist.num_nodes(); ++node) {
    if (!netlist.is_hard(node) || rng.uniform() < 0.67) continue;
    const Box box = outline(netlist, node, made.x[node], made.y[node], made.orientation[node]);
    if (box.lx < 0.0 || box.ly < 0.0 || box.ux > canvas.width || box.uy > canvas.height) continue;
    if (std::ranges::any_of(taken, [&](const Box& other) { return overlaps(box, other, 0.0); })) continue;
    made.fixed[node] = 1;
    taken.push_back(box);
  }
}

/// A random design with constraints of every kind.
Case constrained_case(std::uint64_t seed) {
  Case made = random_case(seed);
  Rng rng(seed + 3);
  Canvas& canvas = made.design.canvas;
  Netlist& netlist = made.design.netlist;
  const double distances[] = {0.0, 0.7, 2.0}, pitches[] = {0.0, 0.0005, 0.19, 0.7};
  canvas.boundary = distances[rng.index(3)];
  canvas.snap_x = {pitches[rng.index(4)], rng.uniform()};
  canvas.snap_y = {pitches[rng.index(4)], -rng.uniform()};
  if (rng.uniform() < 0.5) canvas.blockages.push_back({30.0, 20.0, 33.3, 40.1});
  for (int node = 0; node < netlist.num_nodes(); ++node) {
    if (rng.uniform() < 0.5) netlist.halo[node] = 2.0 * rng.uniform();
    if (rng.uniform() < 0.4) netlist.allowed[node] = static_cast<std::uint8_t>(1 + rng.index(255));
    if (!netlist.is_hard(node)) continue;
    while (!netlist.allows(node, made.orientation[node])) made.orientation[node] = static_cast<std::uint8_t>(rng.index(8));
  }
  fix_some(made, rng);
  return made;
}

/// Whether a corner lies on its grid, to the rounding of arithmetic.
bool on_grid(double corner, const Pitch& pitch) {
  if (pitch.pitch <= 0.0) return true;
  return std::abs(std::remainder(corner - pitch.offset, pitch.pitch)) < 1e-9;
}

/// Checks one movable hard macro against all constraints, without `Rules`. `others`: flags of the nodes to keep apart from.
void check_macro(const Case& made, int node, std::span<const std::uint8_t> others, const char* whose, std::uint64_t seed) {
  constexpr double kRounding = 1e-9;
  const Netlist& netlist = made.design.netlist;
  const Canvas& canvas = made.design.canvas;
  const auto box_of = [&](int which) { return outline(netlist, which, made.x[which], made.y[which], made.orientation[which]); };
  const auto holds = [&](bool kept) { check(kept, whose, seed); };
  const Box box = box_of(node);
  const double low = canvas.boundary - kRounding;
  holds(box.lx >= low && box.ly >= low && box.ux <= canvas.width - low && box.uy <= canvas.height - low);
  holds(on_grid(box.lx, canvas.snap_x) && on_grid(box.ly, canvas.snap_y));
  holds(netlist.allows(node, made.orientation[node]));
  holds(std::ranges::none_of(canvas.blockages, [&](const Box& other) { return overlaps(box, other, -kRounding); }));
  for (int other = 0; other < netlist.num_nodes(); ++other) {
    if (other == node || !netlist.is_hard(other) || !others[other]) continue;
    const double gap = std::max({netlist.halo[node], netlist.halo[other], kMinGap});
    holds(!overlaps(box, box_of(other), gap - kRounding));
  }
}

/// Checks all hard macros that move against all constraints, and that what is fixed is where it was.
void check_constraints(const Case& before, const Case& made, const char* whose, std::uint64_t seed) {
  for (int node = 0; node < made.design.netlist.num_nodes(); ++node) {
    if (made.fixed[node]) {
      check(made.x[node] == before.x[node] && made.y[node] == before.y[node] &&
                made.orientation[node] == before.orientation[node], "what is fixed stays", seed);
    } else if (made.design.netlist.is_hard(node)) {
      check_macro(made, node, made.placed, whose, seed);
    }
  }
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

/// Returns whether the design has a legal placement that was found.
bool test_search(Case made, std::uint64_t seed) {
  const Case before = made;
  std::vector<std::uint8_t> movable(made.fixed.size());
  for (std::size_t node = 0; node < movable.size(); ++node) movable[node] = !made.fixed[node];
  const NetModel nets(made.design, made.placed);
  AnalyticPlacer(made.design, nets, made.view(), movable).place(made.x, made.y, {4, 5, 0.01, 1.0}, true);
  const Legalized legal = legalize(made.design, made.view(), made.fixed);
  if (!legal.found) return false;
  made.x = legal.x;
  made.y = legal.y;
  check(HardMacros(made.design, made.view()).all_fit(made.fixed), "the legaliser's placement is legal", seed);
  check_constraints(before, made, "the legaliser keeps the constraints", seed);
  const bool on_cells = seed / 2 % 2 == 1;  // of every other pair, constrained or not
  Search search(made.design, made.view(), movable, {}, seed, 2, false, on_cells);
  for (int slice = 0; slice < 3; ++slice) {
    search.run(1e-2, 1e-4, INFINITY, 600);
    search.join();
  }
  made.x = search.best().x;
  made.y = search.best().y;
  made.orientation = search.best().orientation;
  check(HardMacros(made.design, made.view()).all_fit(made.fixed), "the search's placement is legal", seed);
  check_constraints(before, made, "the search keeps the constraints", seed);
  check(near(search.best().costs, Evaluator(made.design).evaluate(made.view())), "the search's cost is true", seed);
  return true;
}

void test_episodes(Case made, std::uint64_t seed) {
  std::vector<int> order;
  for (int node = 0; node < made.design.netlist.num_nodes(); ++node) {
    if (made.design.netlist.is_hard(node) && !made.fixed[node]) order.push_back(node);
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
  for (int i = 0; i < 3; ++i) {
    const Floorplan& episode = batch.episode(i);
    made.x.assign(episode.x().begin(), episode.x().end());
    made.y.assign(episode.y().begin(), episode.y().end());
    for (const int node : order) {
      if (episode.placed()[node]) check_macro(made, node, episode.placed(), "an episode keeps the constraints", seed);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::uint64_t count = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 300;
  std::uint64_t searched = 0;
  for (std::uint64_t seed = 0; seed < count; ++seed) {
    const bool constrained = seed % 2 == 1;
    const Case made = constrained ? constrained_case(seed) : random_case(seed);
    test_top_sum(seed);
    test_incremental(made, seed);
    searched += test_search(made, seed) && constrained;
    test_episodes(made, seed);
  }
  check(count < 20 || searched > count / 5, "enough constrained designs have legal placements", searched);
  std::printf("%llu random designs passed; %llu with constraints were searched\n",
              static_cast<unsigned long long>(count), static_cast<unsigned long long>(searched));
}
