#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <stdexcept>
#include <string>
#include <tuple>

#include "bind.hpp"
#include "placecore/cost.hpp"
#include "bind_design.hpp"

using namespace placecore;

namespace {

Design make_design(Array1<std::uint8_t> kind, Array1<double> width, Array1<double> height, Array1<int> pin_node,
                   Array1<double> pin_dx, Array1<double> pin_dy, Array1<int> net_start, Array1<int> net_pin,
                   Array1<double> net_weight, std::tuple<double, double> size, std::tuple<int, int> grid,
                   std::tuple<double, double, double, double> routes, int smoothing,
                   std::tuple<int, int> congestion_grid, double halo,
                   const std::vector<std::tuple<double, double, double, double>>& blockages,
                   const Array1<double>& halos, const Array1<std::uint8_t>& allowed, double boundary,
                   std::tuple<double, double> pitch, std::tuple<double, double> offset) {
  Netlist netlist{copy(kind),      copy(width),  copy(height),    copy(pin_node), copy(pin_dx),
                  copy(pin_dy),    copy(net_start), copy(net_pin), copy(net_weight),
                  copy(halos),     copy(allowed)};
  Canvas canvas{std::get<0>(size),
                std::get<1>(size),
                std::get<0>(grid),
                std::get<1>(grid),
                std::get<0>(routes),
                std::get<1>(routes),
                std::get<2>(routes),
                std::get<3>(routes),
                smoothing,
                std::get<0>(congestion_grid),
                std::get<1>(congestion_grid),
                halo,
                {},
                boundary,
                {std::get<0>(pitch), std::get<0>(offset)},
                {std::get<1>(pitch), std::get<1>(offset)}};
  check_size(halos.shape(0), kind.shape(0), "halos");
  check_size(allowed.shape(0), kind.shape(0), "allowed");
  for (const auto& [lx, ly, ux, uy] : blockages) canvas.blockages.push_back({lx, ly, ux, uy});
  return Design(std::move(netlist), std::move(canvas));
}

nb::dict maps(const Design& design, const PlacementArrays& arrays) {
  Evaluator evaluator(design);
  evaluator.evaluate(arrays.view(design));
  const Grid grid = design.canvas.grid(), routing = design.canvas.congestion_grid();
  const double cell_area = grid.cell_width * grid.cell_height;
  std::vector<double> density = evaluator.occupied();
  for (double& value : density) value /= cell_area;
  const auto& congestion = evaluator.congestion();
  const int size = routing.size();
  std::vector<double> horizontal(size), vertical(congestion.begin() + size, congestion.end());
  for (int i = 0; i < size; ++i) horizontal[i] = congestion[i % routing.cols * routing.rows + i / routing.cols];
  const auto rows = static_cast<std::size_t>(grid.rows), cols = static_cast<std::size_t>(grid.cols);
  const auto routing_rows = static_cast<std::size_t>(routing.rows), routing_cols = static_cast<std::size_t>(routing.cols);
  nb::dict result;
  result["density"] = to_numpy(std::move(density), {rows, cols});
  result["congestion_hor"] = to_numpy(std::move(horizontal), {routing_rows, routing_cols});
  result["congestion_ver"] = to_numpy(std::move(vertical), {routing_rows, routing_cols});
  return result;
}

}  // namespace

void register_cost(nb::module_& module) {
  nb::class_<Design>(module, "Design", "Netlist and canvas as the kernels read them.")
      .def("__init__",
           [](Design* self, Array1<std::uint8_t> kind, Array1<double> width, Array1<double> height,
              Array1<int> pin_node, Array1<double> pin_dx, Array1<double> pin_dy, Array1<int> net_start,
              Array1<int> net_pin, Array1<double> net_weight, std::tuple<double, double> size,
              std::tuple<int, int> grid, std::tuple<double, double, double, double> routes, int smoothing,
              std::tuple<int, int> congestion_grid, double halo,
              const std::vector<std::tuple<double, double, double, double>>& blockages, Array1<double> halos,
              Array1<std::uint8_t> allowed, double boundary, std::tuple<double, double> pitch,
              std::tuple<double, double> offset) {
             new (self) Design(make_design(kind, width, height, pin_node, pin_dx, pin_dy, net_start, net_pin,
                                           net_weight, size, grid, routes, smoothing, congestion_grid, halo,
                                           blockages, halos, allowed, boundary, pitch, offset));
           },
           nb::kw_only(), nb::arg("kind").noconvert(), nb::arg("width").noconvert(), nb::arg("height").noconvert(),
           nb::arg("pin_node").noconvert(), nb::arg("pin_dx").noconvert(), nb::arg("pin_dy").noconvert(),
           nb::arg("net_start").noconvert(), nb::arg("net_pin").noconvert(), nb::arg("net_weight").noconvert(),
           nb::arg("size"), nb::arg("grid"), nb::arg("routes"), nb::arg("smoothing"), nb::arg("congestion_grid"),
           nb::arg("halo"), nb::arg("blockages"), nb::arg("halos").noconvert(), nb::arg("allowed").noconvert(),
           nb::arg("boundary"), nb::arg("pitch"), nb::arg("offset"))
      .def_prop_ro("num_nodes", [](const Design& self) { return self.netlist.num_nodes(); });

  nb::class_<PlacementArrays>(module, "Placement", "Positions as the kernels read them; holds on to the arrays.")
      .def(nb::init<Array1<double>, Array1<double>, Array1<std::uint8_t>, Array1<bool>, Array1<bool>>(),
           nb::arg("x").noconvert(), nb::arg("y").noconvert(), nb::arg("orientation").noconvert(),
           nb::arg("fixed").noconvert(), nb::arg("placed").noconvert());

  module.def(
      "evaluate",
      [](const Design& design, const std::vector<const PlacementArrays*>& placements, int num_threads) {
        std::vector<PlacementView> views;
        for (const auto* arrays : placements) views.push_back(arrays->view(design));
        std::vector<Costs> costs;
        {
          nb::gil_scoped_release release;  // everything below reads C++ memory that the arguments keep alive
          costs = evaluate_many(design, views, num_threads);
        }
        std::vector<CostTuple> result;
        for (const Costs& one : costs) result.push_back(to_tuple(one));
        return result;
      },
      nb::arg("design"), nb::arg("placements"), nb::arg("num_threads") = 1,
      "(wirelength, wirelength cost, density cost, congestion cost) of each placement.");
  module.def("maps", &maps, nb::arg("design"), nb::arg("placement"),
             "Density and congestion of each grid cell, (rows, cols).");
}
