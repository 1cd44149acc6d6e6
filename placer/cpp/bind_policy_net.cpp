#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "policy_net.hpp"

namespace nb = nanobind;
using namespace nb::literals;
using namespace policynet;

namespace {

template <class T, int N>
using Array = nb::ndarray<const T, nb::ndim<N>, nb::c_contig, nb::device::cpu>;

using AnyArray = nb::ndarray<const float, nb::c_contig, nb::device::cpu>;

template <class A>
auto view(const A& array) {
  return std::span(array.data(), array.size());
}

void expect(bool holds, const char* what) {
  if (!holds) throw std::invalid_argument(what);
}

template <class A>
void expect_below(const A& indices, int limit, const char* what) {
  const auto all = view(indices);
  const bool holds = std::all_of(all.begin(), all.end(), [limit](auto index) { return index >= 0 && index < limit; });
  if (!holds) throw std::invalid_argument(std::string(what) + " is out of range");
}

/// Parts of a sequence of length `end` begin where `starts` says; they follow each other, and the last ends at its end.
void expect_starts(const Array<std::int64_t, 1>& starts, std::size_t end, const char* what) {
  const auto all = view(starts);
  const bool holds = !all.empty() && all.front() == 0 && all.back() == static_cast<std::int64_t>(end) &&
                     std::is_sorted(all.begin(), all.end());
  if (!holds) throw std::invalid_argument(std::string(what) + " does not run from 0 to the end");
}

Weights to_weights(const nb::dict& tensors) {
  Weights weights;
  for (const auto& [name, value] : tensors) {
    const auto array = nb::cast<AnyArray>(value);
    Tensor tensor;
    for (std::size_t axis = 0; axis < array.ndim(); ++axis) tensor.shape.push_back(static_cast<int>(array.shape(axis)));
    tensor.data.assign(array.data(), array.data() + array.size());
    weights.emplace(nb::cast<std::string>(name), std::move(tensor));
  }
  return weights;
}

template <int N>
using Output = nb::ndarray<float, nb::ndim<N>, nb::c_contig, nb::device::cpu>;

/// Edges between nodes whose number is `nodes`.
Edges to_edges(const Array<std::int64_t, 2>& edge_index, const Array<float, 1>& share,
               const Array<float, 1>& log_weight, std::size_t nodes) {
  const std::size_t edges = share.size();
  expect(edge_index.shape(0) == 2 && edge_index.shape(1) == edges && log_weight.size() == edges,
         "edge_index, share and log_weight differ in length");
  expect_below(edge_index, static_cast<int>(nodes), "edge_index");
  const auto ends = view(edge_index);
  return {ends.first(edges), ends.last(edges), view(share), view(log_weight)};
}

void sum_messages(Array<std::int64_t, 2> edge_index, Array<float, 1> share, Array<float, 1> log_weight,
                  Array<float, 1> gate_weight, Array<float, 1> gate_bias, Array<float, 2> from, Output<2> to,
                  int threads) {
  const std::size_t nodes = from.shape(0), channels = from.shape(1);
  const Edges edges = to_edges(edge_index, share, log_weight, nodes);
  expect(gate_weight.size() == channels && gate_bias.size() == channels, "the gate has another number of channels");
  expect(to.shape(0) == nodes && to.shape(1) == channels, "what is sent and what is received differ in shape");
  nb::gil_scoped_release release;
  gated_sum(edges, {view(gate_weight), view(gate_bias)}, view(from), {to.data(), to.size()}, threads);
}

void sum_messages_gradient(Array<std::int64_t, 2> edge_index, Array<float, 1> share, Array<float, 1> log_weight,
                           Array<float, 1> gate_weight, Array<float, 1> gate_bias, Array<float, 2> from,
                           Array<float, 2> to_gradient, Output<2> from_gradient, Output<1> weight_gradient,
                           Output<1> bias_gradient, int threads) {
  const std::size_t nodes = from.shape(0), channels = from.shape(1);
  const Edges edges = to_edges(edge_index, share, log_weight, nodes);
  for (const std::size_t size : {gate_weight.size(), gate_bias.size(), weight_gradient.size(), bias_gradient.size()}) {
    expect(size == channels, "the gate has another number of channels");
  }
  expect(to_gradient.shape(0) == nodes && to_gradient.shape(1) == channels && from_gradient.shape(0) == nodes &&
             from_gradient.shape(1) == channels,
         "gradients differ in shape from what is sent");
  nb::gil_scoped_release release;
  gated_sum_gradient(edges, {view(gate_weight), view(gate_bias)}, view(from), view(to_gradient),
                     {from_gradient.data(), from_gradient.size()}, {weight_gradient.data(), weight_gradient.size()},
                     {bias_gradient.data(), bias_gradient.size()}, threads);
}

/// Grids of `count` samples, padded to rows x cols.
Grids to_grids(int rows, int cols, std::size_t count, const Array<std::int64_t, 1>& own_rows,
               const Array<std::int64_t, 1>& own_cols) {
  expect(own_rows.size() == count && own_cols.size() == count, "rows or cols has another length");
  expect_below(own_rows, rows + 1, "rows");
  expect_below(own_cols, cols + 1, "cols");
  return {rows, cols, view(own_rows), view(own_cols)};
}

/// What both directions of a layer read; `from` is (B, rows, cols, in), the weight (out, in, 3, 3).
LayerInput to_layer_input(const Array<float, 4>& from, const Array<float, 4>& weight,
                          const Array<std::int64_t, 1>& own_rows, const Array<std::int64_t, 1>& own_cols) {
  const int rows = static_cast<int>(from.shape(1)), cols = static_cast<int>(from.shape(2));
  const int in = static_cast<int>(weight.shape(1)), out = static_cast<int>(weight.shape(0));
  expect(static_cast<int>(from.shape(3)) == in && weight.shape(2) == 3 && weight.shape(3) == 3,
         "the weight has another shape than (out, in, 3, 3)");
  return {to_grids(rows, cols, from.shape(0), own_rows, own_cols), in, out, view(weight), view(from)};
}

template <class A>
void expect_like(const A& array, const LayerInput& input, int channels) {
  const auto& grids = input.grids;
  expect(static_cast<int>(array.shape(0)) == grids.count() && static_cast<int>(array.shape(1)) == grids.rows &&
             static_cast<int>(array.shape(2)) == grids.cols && static_cast<int>(array.shape(3)) == channels,
         "arrays of a layer differ in shape");
}

void convolve_grids(Array<float, 4> from, Array<float, 4> weight, Array<float, 2> shift,
                    std::optional<Array<float, 4>> residual, Array<std::int64_t, 1> rows, Array<std::int64_t, 1> cols,
                    Output<4> before, Output<4> after, int threads) {
  const LayerInput input = to_layer_input(from, weight, rows, cols);
  expect(static_cast<int>(shift.shape(0)) == input.grids.count() && static_cast<int>(shift.shape(1)) == input.out,
         "shift has another shape");
  expect_like(before, input, input.out);
  expect_like(after, input, input.out);
  if (residual) expect_like(*residual, input, input.out);
  const auto added = residual ? view(*residual) : std::span<const float>{};
  nb::gil_scoped_release release;
  grid_layer(input, view(shift), added, {before.data(), before.size()}, {after.data(), after.size()}, threads);
}

void convolve_grids_gradient(Array<float, 4> from, Array<float, 4> weight, Array<std::int64_t, 1> rows,
                             Array<std::int64_t, 1> cols, Array<float, 4> before, Array<float, 4> after_gradient,
                             Output<4> from_gradient, Output<4> weight_gradient, Output<2> shift_gradient,
                             std::optional<Output<4>> residual_gradient, int threads) {
  const LayerInput input = to_layer_input(from, weight, rows, cols);
  expect_like(before, input, input.out);
  expect_like(after_gradient, input, input.out);
  if (residual_gradient) expect_like(*residual_gradient, input, input.out);
  expect_like(from_gradient, input, input.in);
  expect(weight_gradient.size() == weight.size(), "the gradient of the weight has another shape");
  expect(static_cast<int>(shift_gradient.shape(0)) == input.grids.count() &&
             static_cast<int>(shift_gradient.shape(1)) == input.out,
         "the gradient of the shift has another shape");
  const auto of_residual =
      residual_gradient ? std::span(residual_gradient->data(), residual_gradient->size()) : std::span<float>{};
  nb::gil_scoped_release release;
  grid_layer_gradient(input, view(before), view(after_gradient), {from_gradient.data(), from_gradient.size()},
                      {weight_gradient.data(), weight_gradient.size()}, {shift_gradient.data(), shift_gradient.size()},
                      of_residual, threads);
}

void embed(PolicyNet& net, Array<float, 2> x, Array<std::int64_t, 2> edge_index, Array<float, 1> share,
           Array<float, 1> log_weight, Array<std::int64_t, 1> graph_start) {
  expect(static_cast<int>(x.shape(1)) == net.sizes().node_features, "x has another number of features");
  const Edges edges = to_edges(edge_index, share, log_weight, x.shape(0));
  expect_starts(graph_start, x.shape(0), "graph_start");
  nb::gil_scoped_release release;
  net.embed(view(x), edges, view(graph_start));
}

/// No cell that counts lies beyond the grid of its sample.
void expect_on_grids(const Steps& steps) {
  const Grids& grids = steps.grids;
  for (int b = 0; b < grids.count(); ++b) {
    const auto on_grid = [&](std::int64_t cell) {
      return cell / grids.cols < grids.own_rows[b] && cell % grids.cols < grids.own_cols[b];
    };
    const int cells = grids.rows * grids.cols;
    for (int cell = 0; cell < cells; ++cell) {
      expect(!steps.legal[static_cast<std::size_t>(b) * cells + cell] || on_grid(cell), "legal reaches beyond a grid");
    }
    for (std::int64_t entry = steps.spread_start[b]; entry < steps.spread_start[b + 1]; ++entry) {
      expect(on_grid(steps.spread_cell[entry]), "spread_cell reaches beyond a grid");
    }
  }
}

void forward(const PolicyNet& net, Array<float, 4> maps, Array<float, 2> features, Array<std::uint8_t, 2> legal,
             Array<std::int64_t, 1> rows, Array<std::int64_t, 1> cols, Array<std::int64_t, 1> macro,
             Array<std::int64_t, 1> graph_of, Array<std::int64_t, 1> spread_start, Array<std::int64_t, 1> spread_node,
             Array<std::int64_t, 1> spread_cell, Output<2> logits, Output<1> values, int threads) {
  const std::size_t count = maps.shape(0), cells = maps.shape(1) * maps.shape(2);
  expect(static_cast<int>(maps.shape(3)) == net.sizes().maps, "maps has another number of channels");
  expect(features.shape(0) == count && static_cast<int>(features.shape(1)) == net.sizes().step_features,
         "features has another shape");
  expect(legal.shape(0) == count && legal.shape(1) == cells, "legal has another shape");
  expect(macro.size() == count && graph_of.size() == count && spread_start.size() == count + 1,
         "macro, graph_of or spread_start has another length");
  expect(spread_node.size() == spread_cell.size(), "spread_node and spread_cell differ in length");
  expect_starts(spread_start, spread_node.size(), "spread_start");
  expect_below(macro, net.num_nodes(), "macro");
  expect_below(graph_of, net.num_graphs(), "graph_of");
  expect_below(spread_node, net.num_nodes(), "spread_node");
  expect_below(spread_cell, static_cast<int>(cells), "spread_cell");
  const int padded_rows = static_cast<int>(maps.shape(1)), padded_cols = static_cast<int>(maps.shape(2));
  const Steps steps{to_grids(padded_rows, padded_cols, count, rows, cols),
                    view(maps), view(features), view(legal), view(macro), view(graph_of), view(spread_start),
                    view(spread_node), view(spread_cell)};
  expect_on_grids(steps);
  expect(logits.shape(0) == count && logits.shape(1) == cells && values.size() == count,
         "logits or values has another shape");
  nb::gil_scoped_release release;
  net.forward(steps, threads, {logits.data(), logits.size()}, {values.data(), values.size()});
}

}  // namespace

NB_MODULE(_policy_net, module) {
  module.doc() = "The policy's forward pass, its message passing and its convolutions, compiled.";
  module.def("sum_messages", &sum_messages, "edge_index"_a, "share"_a, "log_weight"_a, "gate_weight"_a, "gate_bias"_a,
             "sent"_a, "received"_a, "threads"_a = 1,
             "Writes to `received` (V, C), for every edge (2, K) from j to i, the sum at i of share times "
             "sigmoid(gate_weight * log_weight + gate_bias) times row j of `sent`.");
  module.def("sum_messages_gradient", &sum_messages_gradient, "edge_index"_a, "share"_a, "log_weight"_a,
             "gate_weight"_a, "gate_bias"_a, "sent"_a, "received_gradient"_a, "sent_gradient"_a,
             "gate_weight_gradient"_a, "gate_bias_gradient"_a, "threads"_a = 1,
             "Writes the gradients with respect to `sent` and the gate to the last three arrays.");
  module.def("convolve_grids", &convolve_grids, "x"_a, "weight"_a, "shift"_a, "residual"_a.none(), "rows"_a, "cols"_a,
             "before"_a, "after"_a, "threads"_a = 1,
             "Writes to `before` (B, R, C, out) the 3x3 convolution of x (B, R, C, in) plus shift (B, out) plus, where "
             "there is one, the residual, and to `after` what SiLU makes of it. Sample b has a grid of rows[b] x cols[b]; "
             "beyond it x counts as zero and zeros are written.");
  module.def("convolve_grids_gradient", &convolve_grids_gradient, "x"_a, "weight"_a, "rows"_a, "cols"_a, "before"_a,
             "after_gradient"_a, "x_gradient"_a, "weight_gradient"_a, "shift_gradient"_a,
             "residual_gradient"_a.none(), "threads"_a = 1,
             "Writes the gradients of all inputs to the last four arrays; without a residual the last one is None.");
  nb::class_<PolicyNet>(module, "PolicyNet", "Logits and values of a policy; see placer.policy.Policy.")
      .def("__init__",
           [](PolicyNet* self, const nb::dict& tensors, int dim, int layers, int heads, int channels, int blocks,
              int node_features, int step_features, int maps) {
             expect(dim > 0 && layers >= 0 && heads > 0 && channels > 0 && blocks >= 0, "expected sizes above 0");
             new (self) PolicyNet(to_weights(tensors),
                                  {dim, layers, heads, channels, blocks, node_features, step_features, maps});
           },
           "tensors"_a, nb::kw_only(), "dim"_a, "layers"_a, "heads"_a, "channels"_a, "blocks"_a, "node_features"_a,
           "step_features"_a, "maps"_a,
           "From tensors by name, float32. ValueError: one is missing or has another shape.")
      .def("embed", &embed, "x"_a, "edge_index"_a, "share"_a, "log_weight"_a, "graph_start"_a,
           "Encodes K graphs side by side: x (V, F), edge_index (2, E), share and log_weight (E,), graph_start (K + 1,) "
           "where the nodes of each begin. Holds until the next call.")
      .def("forward", &forward, "maps"_a, "features"_a, "legal"_a, "rows"_a, "cols"_a, "macro"_a, "graph_of"_a,
           "spread_start"_a, "spread_node"_a, "spread_cell"_a, "logits"_a, "values"_a, "threads"_a = 1,
           "Writes logits (B, R * C), -inf where illegal, and values (B,) of B observations to the last two arrays. The "
           "others are those of placer.batching.StepBatch, maps (B, R, C, M); sample b has a grid of rows[b] x cols[b].");
}
