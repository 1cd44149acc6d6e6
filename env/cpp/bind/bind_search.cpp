#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

#include <limits>
#include <memory>
#include <string>
#include <tuple>
#include <utility>

#include "bind_design.hpp"
#include "placecore/analytic.hpp"
#include "placecore/incremental.hpp"
#include "placecore/legality.hpp"
#include "placecore/search.hpp"

using namespace placecore;

namespace {

std::span<const std::uint8_t> flags(const Design& design, const Array1<bool>& array) {
  if (array.shape(0) != static_cast<std::size_t>(design.netlist.num_nodes())) {
    throw std::invalid_argument("flags: one per node expected");
  }
  return {reinterpret_cast<const std::uint8_t*>(array.data()), array.shape(0)};
}

nb::tuple positions(std::vector<double> x, std::vector<double> y, std::vector<std::uint8_t> orientation) {
  const std::size_t count = x.size();
  return nb::make_tuple(to_numpy(std::move(x), {count}), to_numpy(std::move(y), {count}),
                        to_numpy(std::move(orientation), {count}));
}

/// Moves from arrays of equal length.
std::vector<Move> to_moves(const IncrementalCost& cost, const Array1<int>& node, const Array1<double>& x,
                           const Array1<double>& y, const Array1<std::uint8_t>& orientation) {
  const std::size_t count = node.shape(0);
  for (const std::size_t size : {x.shape(0), y.shape(0), orientation.shape(0)}) {
    if (size != count) throw std::invalid_argument("moves: the arrays differ in length");
  }
  std::vector<Move> moves;
  for (std::size_t i = 0; i < count; ++i) {
    if (node(i) < 0 || node(i) >= cost.design().netlist.num_nodes() || !cost.placed()[node(i)]) {
      throw std::invalid_argument("moves: node " + std::to_string(node(i)) + " is not a placed node");
    }
    moves.push_back({node(i), x(i), y(i), orientation(i)});
  }
  return moves;
}

std::unique_ptr<IncrementalCost> make_cost(const Design& design, const PlacementArrays& placement,
                                           std::tuple<double, double, double> weights) {
  const PlacementView view = placement.view(design);
  auto nets = std::make_shared<const NetModel>(design, view.placed);
  return std::make_unique<IncrementalCost>(design, std::move(nets), view, to_weights(weights));
}

}  // namespace

void register_search(nb::module_& module) {
  nb::class_<IncrementalCost>(module, "IncrementalCost", "Cost of a placement that changes move by move.")
      .def(nb::new_(&make_cost), nb::arg("design"), nb::arg("placement"), nb::arg("weights"),
           nb::keep_alive<0, 2>())  // 1 is the class, as in any __new__
      .def(
          "propose",
          [](IncrementalCost& self, Array1<int> node, Array1<double> x, Array1<double> y,
             Array1<std::uint8_t> orientation, double limit, double hope) {
            return self.propose(to_moves(self, node, x, y, orientation), limit, hope);
          },
          nb::arg("node").noconvert(), nb::arg("x").noconvert(), nb::arg("y").noconvert(),
          nb::arg("orientation").noconvert(), nb::arg("limit"),
          nb::arg("hope") = std::numeric_limits<double>::infinity(),
          "Evaluates moves of distinct nodes; False, with nothing to accept, if the proxy cost exceeds `limit`, or if terms\n"
          "that are not evaluated yet would have to fall by more than `hope` for it not to.")
      .def("accept", &IncrementalCost::accept, "Keeps what was proposed.")
      .def("reject", &IncrementalCost::reject, "Goes back to before the proposal.")
      .def(
          "probe",
          [](IncrementalCost& self, Array1<int> node, Array1<double> x, Array1<double> y,
             Array1<std::uint8_t> orientation) {
            const std::vector<Move> moves = to_moves(self, node, x, y, orientation);
            std::vector<double> proxy;
            {
              nb::gil_scoped_release release;  // the moves are copies
              for (const Move& move : moves) {
                self.propose({&move, 1}, std::numeric_limits<double>::infinity());
                proxy.push_back(self.proposed_proxy());
                self.reject();
              }
            }
            const std::size_t count = proxy.size();
            return to_numpy(std::move(proxy), {count});
          },
          nb::arg("node").noconvert(), nb::arg("x").noconvert(), nb::arg("y").noconvert(),
          nb::arg("orientation").noconvert(), "Proxy cost, (K,), after each of K moves alone; nothing is moved.")
      .def("copy", [](const IncrementalCost& self) { return std::make_unique<IncrementalCost>(self); },
           nb::keep_alive<0, 1>(), "An independent copy.")
      .def_prop_ro("costs", [](const IncrementalCost& self) { return to_tuple(self.costs()); })
      .def_prop_ro("proxy", [](const IncrementalCost& self) { return self.proxy(); })
      .def_prop_ro("proposed", [](const IncrementalCost& self) { return to_tuple(self.proposed()); })
      .def_prop_ro("positions", [](const IncrementalCost& self) {
        return positions({self.xs().begin(), self.xs().end()}, {self.ys().begin(), self.ys().end()},
                         {self.orientations().begin(), self.orientations().end()});
      });

  nb::class_<Search>(module, "Search", "Annealing chains over hard and soft macros, one a thread.")
      .def(
          "__init__",
          [](Search* self, const Design& design, const PlacementArrays& placement, Array1<bool> movable,
             std::tuple<double, double, double> weights, std::uint64_t seed, int num_threads, bool guided,
             bool on_cells) {
            new (self) Search(design, placement.view(design), flags(design, movable), to_weights(weights), seed,
                              num_threads, guided, on_cells);
          },
          nb::arg("design"), nb::arg("placement"), nb::arg("movable").noconvert(), nb::arg("weights"),
          nb::arg("seed"), nb::arg("num_threads"), nb::arg("guided") = false, nb::arg("on_cells") = false,
          nb::keep_alive<1, 2>())
      .def("run", &Search::run, nb::arg("start_temperature"), nb::arg("end_temperature"), nb::arg("seconds"),
           nb::arg("moves"), nb::arg("guide") = 0.0, nb::call_guard<nb::gil_scoped_release>(),
           "Anneals for so many seconds or moves a chain, whichever ends first.")
      .def("join", &Search::join, "From now on all chains work on the placement of the best one.")
      .def_prop_ro("proxy", &Search::proxy)
      .def_prop_ro("proposed", &Search::proposed)
      .def_prop_ro("costs", [](const Search& self) { return to_tuple(self.costs()); })
      .def_prop_ro("best_positions",
                   [](const Search& self) {
                     const Snapshot& best = self.best();
                     return positions(best.x, best.y, best.orientation);
                   })
      .def_prop_ro("counts", [](const Search& self) {
        const MoveCounts counts = self.counts();
        nb::dict result;
        for (int kind = 0; kind < kMoveKinds; ++kind) {
          result[kMoveNames[kind]] = nb::make_tuple(counts.proposed[kind], counts.accepted[kind]);
        }
        return result;
      });

  module.def(
      "legalize",
      [](const Design& design, const PlacementArrays& placement) -> nb::object {
        const PlacementView view = placement.view(design);
        Legalized result = legalize(design, view, placement.fixed_flags());
        if (!result.found) return nb::int_(result.blocked_node);
        return positions(std::move(result.x), std::move(result.y), {view.orientation.begin(), view.orientation.end()});
      },
      nb::arg("design"), nb::arg("placement"),
      "Legal positions near the given ones, or the node for which none was found.");
  module.def(
      "is_legal",
      [](const Design& design, const PlacementArrays& placement) {
        return HardMacros(design, placement.view(design)).all_fit(placement.fixed_flags());
      },
      nb::arg("design"), nb::arg("placement"), "Whether every placed hard macro fits where it is.");
  module.def(
      "free_places",
      [](const Design& design, const PlacementArrays& placement, int node, Array1<double> x, Array1<double> y) {
        const PlacementView view = placement.view(design);
        check_size(y.shape(0), x.shape(0), "y");
        if (node < 0 || node >= design.netlist.num_nodes() || !design.netlist.is_hard(node) || !view.placed[node]) {
          throw std::invalid_argument("free_places: node " + std::to_string(node) + " is not a placed hard macro");
        }
        const HardMacros macros(design, view);
        std::vector<std::uint8_t> free;
        for (std::size_t i = 0; i < x.shape(0); ++i) {
          free.push_back(macros.fits(node, outline(design.netlist, node, x(i), y(i), view.orientation[node])));
        }
        const std::size_t count = free.size();
        return to_numpy(std::move(free), {count});
      },
      nb::arg("design"), nb::arg("placement"), nb::arg("node"), nb::arg("x").noconvert(), nb::arg("y").noconvert(),
      "(K,) whether a hard macro fits with its centre at each of K points, the others where they are.");
  module.def(
      "whole_cells",
      [](const Design& design, const PlacementArrays& placement) {
        const PlacementView view = placement.view(design);
        const Rules rules(design);
        const std::size_t nodes = design.netlist.num_nodes();
        std::vector<double> offset(2 * nodes);
        for (std::size_t node = 0; node < nodes; ++node) {
          if (!design.netlist.is_hard(static_cast<int>(node))) continue;
          const Box size = outline(design.netlist, static_cast<int>(node), 0.0, 0.0, view.orientation[node]);
          const Point of_node = rules.whole_cells(static_cast<int>(node), size.ux, size.uy);
          offset[2 * node] = of_node.x, offset[2 * node + 1] = of_node.y;
        }
        return to_numpy(std::move(offset), {nodes, std::size_t{2}});
      },
      nb::arg("design"), nb::arg("placement"),
      "(N, 2) um from a cell's centre to where a hard macro that goes there covers least of other cells.");
  module.def(
      "place_analytically",
      [](const Design& design, const PlacementArrays& placement, Array1<bool> movable, int rounds, int solver_steps,
         double first_pull, double last_pull, bool from_centre, double density) {
        const PlacementView view = placement.view(design);
        const auto movable_flags = flags(design, movable);
        std::vector<double> x(view.x.begin(), view.x.end()), y(view.y.begin(), view.y.end());
        {
          nb::gil_scoped_release release;  // the arguments keep what is read below alive
          const NetModel nets(design, view.placed);
          AnalyticPlacer(design, nets, view, movable_flags, density)
              .place(x, y, {rounds, solver_steps, first_pull, last_pull}, from_centre);
        }
        return positions(std::move(x), std::move(y), {view.orientation.begin(), view.orientation.end()});
      },
      nb::arg("design"), nb::arg("placement"), nb::arg("movable").noconvert(), nb::arg("rounds"),
      nb::arg("solver_steps"), nb::arg("first_pull"), nb::arg("last_pull"), nb::arg("from_centre"), nb::arg("density"),
      "Positions of an analytic placement of the movable nodes; hard macros may overlap in it.");
}
