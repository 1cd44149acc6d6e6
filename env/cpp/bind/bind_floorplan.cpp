#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <memory>
#include <tuple>
#include <utility>

#include "bind_design.hpp"
#include "placecore/floorplan_batch.hpp"

using namespace placecore;

namespace {

template <class T>
using Buffer = nb::ndarray<T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

using Points = nb::ndarray<const double, nb::shape<-1, 2>, nb::c_contig, nb::device::cpu>;

std::shared_ptr<FloorplanTask> make_task(const Design& design, const PlacementArrays& start, Array1<int> order,
                                         std::tuple<double, double, double> weights, int soft_rounds,
                                         long soft_moves, Points cell_offset) {
  const std::size_t nodes = design.netlist.num_nodes();
  check_size(cell_offset.shape(0), nodes, "cell_offset");
  std::vector<Point> offset(nodes);
  for (std::size_t node = 0; node < nodes; ++node) offset[node] = {cell_offset(node, 0), cell_offset(node, 1)};
  return std::make_shared<FloorplanTask>(design, start.view(design), copy(order), start.fixed_flags(),
                                         to_weights(weights),
                                         SoftPlacement{soft_rounds, soft_moves}, std::move(offset));
}

/// (B, 7): legal, terminated, infeasible, wirelength, wirelength cost, density cost, congestion cost.
nb::ndarray<nb::numpy, double> step(FloorplanBatch& batch, Array1<std::int64_t> cells, bool partial_costs) {
  check_size(cells.shape(0), static_cast<std::size_t>(batch.size()), "actions");
  std::vector<StepResult> results(batch.size());
  {
    nb::gil_scoped_release release;  // `cells` is kept alive by the caller
    batch.step(view(cells), partial_costs, results);
  }
  std::vector<double> table;
  for (const StepResult& r : results) {
    const double legal = r.legal, terminated = r.terminated, infeasible = r.infeasible;
    table.insert(table.end(), {legal, terminated, infeasible, r.costs.wirelength, r.costs.wirelength_cost,
                               r.costs.density_cost, r.costs.congestion_cost});
  }
  return to_numpy(std::move(table), {results.size(), std::size_t{7}});
}

void observe(FloorplanBatch& batch, Buffer<std::uint8_t> mask, Buffer<float> wire, Buffer<float> density,
             Buffer<float> hor, Buffer<float> ver, Buffer<float> position, Buffer<std::uint8_t> placed) {
  std::size_t cells = 0, routing = 0, nodes = 0;
  for (int i = 0; i < batch.size(); ++i) {
    cells += batch.task(i).design.canvas.grid().size();
    routing += batch.task(i).design.canvas.congestion_grid().size();
    nodes += batch.task(i).design.netlist.num_nodes();
  }
  check_size(mask.shape(0), cells, "action_mask");
  check_size(wire.shape(0), cells, "wire_mask");
  check_size(density.shape(0), cells, "density");
  check_size(hor.shape(0), routing, "congestion_hor");
  check_size(ver.shape(0), routing, "congestion_ver");
  check_size(position.shape(0), 2 * nodes, "position");
  check_size(placed.shape(0), nodes, "placed");
  nb::gil_scoped_release release;
  batch.observe({mask.data(), wire.data(), density.data(), hor.data(), ver.data(), position.data(),
                 placed.data()});
}

nb::tuple arrays(std::span<const double> x, std::span<const double> y) {
  return nb::make_tuple(to_numpy<double>({x.begin(), x.end()}, {x.size()}), to_numpy<double>({y.begin(), y.end()}, {y.size()}));
}

}  // namespace

void register_floorplan(nb::module_& module) {
  nb::class_<FloorplanTask>(module, "FloorplanTask", "What all episodes of one design share.")
      .def(nb::new_(&make_task), nb::arg("design"), nb::arg("start"), nb::arg("order").noconvert(),
           nb::arg("weights"), nb::arg("soft_rounds"), nb::arg("soft_moves"), nb::arg("cell_offset").noconvert(),
           nb::keep_alive<0, 2>());  // 1 is the class, as in any __new__

  nb::class_<FloorplanBatch>(module, "FloorplanBatch", "Episodes of several designs, stepped in one call.")
      .def(
          "__init__",
          [](FloorplanBatch* self, const std::vector<std::shared_ptr<FloorplanTask>>& tasks, int num_threads) {
            new (self) FloorplanBatch({tasks.begin(), tasks.end()}, num_threads);
          },
          nb::arg("tasks"), nb::arg("num_threads"), nb::keep_alive<1, 2>())
      .def("reset", &FloorplanBatch::reset, nb::arg("episode"))
      .def("step", &step, nb::arg("cells").noconvert(), nb::arg("partial_costs"))
      .def("observe", &observe, nb::arg("action_mask").noconvert(), nb::arg("wire_mask").noconvert(),
           nb::arg("density").noconvert(), nb::arg("congestion_hor").noconvert(),
           nb::arg("congestion_ver").noconvert(), nb::arg("position").noconvert(), nb::arg("placed").noconvert())
      .def("steps",
           [](FloorplanBatch& self) {
             std::vector<int> steps;
             for (int i = 0; i < self.size(); ++i) steps.push_back(self.episode(i).step());
             return steps;
           })
      .def("positions",
           [](FloorplanBatch& self, int episode) {
             Floorplan& floorplan = self.episode(episode);
             const auto placed = floorplan.placed();
             return nb::make_tuple(arrays(floorplan.x(), floorplan.y()),
                                   to_numpy<std::uint8_t>({placed.begin(), placed.end()}, {placed.size()}));
           },
           nb::arg("episode"), "((x, y), placed) of an episode as it stands.");
}
