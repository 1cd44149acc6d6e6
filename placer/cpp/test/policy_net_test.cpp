// Drives the compiled policy without Python, on random graphs and grids, for the sanitizers (`make sanitize`); also
// checks what it computes. That it equals torch is tested in Python.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <random>

#include "policy_net.hpp"

using namespace policynet;

namespace {

using Random = std::mt19937_64;

void check(bool holds, const char* what, unsigned seed) {
  if (holds) return;
  std::printf("failed: %s, seed %u\n", what, seed);
  std::exit(1);
}

int between(Random& random, int least, int most) { return std::uniform_int_distribution<int>(least, most)(random); }

std::vector<float> normals(Random& random, std::size_t count) {
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float& value : values) value = normal(random);
  return values;
}

std::vector<std::int64_t> indices(Random& random, std::size_t count, int below) {
  std::vector<std::int64_t> values(count);
  for (std::int64_t& value : values) value = between(random, 0, below - 1);
  return values;
}

bool near(double found, double expected) { return std::abs(found - expected) <= 1e-3 * (1.0 + std::abs(expected)); }

bool all_near(const std::vector<float>& found, const std::vector<double>& expected) {
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (!near(found[i], expected[i])) return false;
  }
  return found.size() == expected.size();
}

struct Graph {
  std::vector<std::int64_t> source, target;
  std::vector<float> share, log_weight;

  Graph(Random& random, int nodes, std::size_t edges)
      : source(indices(random, edges, nodes)), target(indices(random, edges, nodes)), share(normals(random, edges)),
        log_weight(normals(random, edges)) {}

  Edges view() const { return {source, target, share, log_weight}; }
};

/// Message passing and its gradient, on one thread and on several, against plain sums.
void test_gated_sum(unsigned seed) {
  Random random(seed);
  const int nodes = between(random, 1, 60), channels = between(random, 1, 50);
  const Graph graph(random, nodes, between(random, 0, 1500));
  const std::size_t values = static_cast<std::size_t>(nodes) * channels;
  const auto weight = normals(random, channels), bias = normals(random, channels);
  const auto from = normals(random, values), to_gradient = normals(random, values);

  std::vector<double> to(values), from_gradient(values), of_weight(channels), of_bias(channels);
  for (std::size_t e = 0; e < graph.share.size(); ++e) {
    for (int c = 0; c < channels; ++c) {
      const std::size_t source = graph.source[e] * channels + c, target = graph.target[e] * channels + c;
      const double open = 1.0 / (1.0 + std::exp(-(weight[c] * graph.log_weight[e] + bias[c])));
      const double passed = graph.share[e] * open * to_gradient[target];
      to[target] += graph.share[e] * open * from[source];
      from_gradient[source] += passed;
      of_bias[c] += passed * (1.0 - open) * from[source];
      of_weight[c] += passed * (1.0 - open) * from[source] * graph.log_weight[e];
    }
  }
  for (const int threads : {1, 3}) {
    std::vector<float> found(values), found_from(values), found_weight(channels), found_bias(channels);
    gated_sum(graph.view(), {weight, bias}, from, found, threads);
    check(all_near(found, to), "sums of messages", seed);
    gated_sum_gradient(graph.view(), {weight, bias}, from, to_gradient, found_from, found_weight, found_bias, threads);
    check(all_near(found_from, from_gradient), "gradients of what is sent", seed);
    check(all_near(found_weight, of_weight) && all_near(found_bias, of_bias), "gradients of the gate", seed);
  }
}

/// A convolutional layer over grids of several sizes and its gradients, against plain sums.
void test_grid_layer(unsigned seed) {
  Random random(seed);
  const int count = between(random, 1, 4), in = between(random, 1, 40), out = between(random, 1, 40);
  const int rows = between(random, 1, 11), cols = between(random, 1, 11);
  std::vector<std::int64_t> own_rows, own_cols;
  for (int b = 0; b < count; ++b) own_rows.push_back(between(random, 0, rows)), own_cols.push_back(between(random, 0, cols));
  const std::size_t cells = static_cast<std::size_t>(count) * rows * cols;
  const auto from = normals(random, cells * in), weight = normals(random, static_cast<std::size_t>(out) * in * 9);
  const auto shift = normals(random, static_cast<std::size_t>(count) * out), residual = normals(random, cells * out);
  const auto after_gradient = normals(random, cells * out);
  const bool has_residual = between(random, 0, 1);

  std::vector<double> before(cells * out), after(cells * out), before_gradient(cells * out), from_gradient(cells * in);
  std::vector<double> weight_gradient(weight.size()), shift_gradient(shift.size());
  for (int b = 0; b < count; ++b) {
    const auto index = [&](int row, int col) { return (static_cast<std::size_t>(b) * rows + row) * cols + col; };
    const auto for_neighbours = [&](int row, int col, const auto& work) {
      for (int k = 0; k < 9; ++k) {
        const int r = row + k / 3 - 1, c = col + k % 3 - 1;
        if (r >= 0 && c >= 0 && r < own_rows[b] && c < own_cols[b]) work(k, index(r, c));
      }
    };
    for (int row = 0; row < own_rows[b]; ++row) {
      for (int col = 0; col < own_cols[b]; ++col) {
        for (int o = 0; o < out; ++o) {
          const std::size_t at = index(row, col) * out + o;
          double sum = shift[b * out + o] + (has_residual ? residual[at] : 0.0f);
          for_neighbours(row, col, [&](int k, std::size_t cell) {
            for (int i = 0; i < in; ++i) sum += weight[(o * in + i) * 9 + k] * from[cell * in + i];
          });
          const double open = 1.0 / (1.0 + std::exp(-sum));
          before[at] = sum, after[at] = sum * open;
          before_gradient[at] = after_gradient[at] * open * (1.0 + sum * (1.0 - open));
          shift_gradient[b * out + o] += before_gradient[at];
          for_neighbours(row, col, [&](int k, std::size_t cell) {
            for (int i = 0; i < in; ++i) {
              weight_gradient[(o * in + i) * 9 + k] += before_gradient[at] * from[cell * in + i];
              from_gradient[cell * in + i] += before_gradient[at] * weight[(o * in + i) * 9 + k];
            }
          });
        }
      }
    }
  }
  const LayerInput input{{rows, cols, own_rows, own_cols}, in, out, weight, from};
  for (const int threads : {1, 3}) {
    std::vector<float> found_before(before.size(), 1.0f), found_after(before.size(), 1.0f);
    std::vector<float> found_of_before(before.size(), 1.0f), found_from(from.size(), 1.0f);
    std::vector<float> found_weight(weight.size(), 1.0f), found_shift(shift.size(), 1.0f);
    grid_layer(input, shift, has_residual ? std::span(residual) : std::span<const float>{}, found_before, found_after,
               threads);
    check(all_near(found_before, before) && all_near(found_after, after), "convolutions", seed);
    grid_layer_gradient(input, found_before, after_gradient, found_from, found_weight, found_shift, found_of_before,
                        threads);
    check(all_near(found_of_before, before_gradient), "gradients before the activation", seed);
    check(all_near(found_from, from_gradient), "gradients of what is convolved", seed);
    check(all_near(found_weight, weight_gradient), "gradients of the weight", seed);
    check(all_near(found_shift, shift_gradient), "gradients of the shift", seed);
  }
}

Sizes random_sizes(Random& random) {
  Sizes sizes{};
  sizes.dim = between(random, 1, 40), sizes.layers = between(random, 0, 2), sizes.heads = between(random, 1, 5);
  sizes.channels = between(random, 1, 40), sizes.blocks = between(random, 0, 2);
  sizes.node_features = between(random, 1, 9), sizes.step_features = between(random, 1, 6);
  sizes.maps = between(random, 2, 9);
  return sizes;
}

Weights random_weights(Random& random, const Sizes& sizes) {
  Weights weights;
  const auto add = [&](const std::string& name, std::vector<int> shape) {
    std::size_t count = 1;
    for (const int length : shape) count *= length;
    Tensor tensor{std::move(shape), normals(random, count)};
    for (float& value : tensor.data) value *= 0.2f;
    weights.emplace(name, std::move(tensor));
  };
  const auto layer = [&](const std::string& name, std::vector<int> shape) {
    add(name + ".bias", {shape.front()});
    add(name + ".weight", std::move(shape));
  };
  const int dim = sizes.dim, channels = sizes.channels, width = sizes.heads * std::max(4, dim / sizes.heads);
  layer("encoder.enter", {dim, sizes.node_features});
  layer("encoder.norm", {dim});
  for (int i = 0; i < sizes.layers; ++i) {
    const std::string conv = "encoder.convs." + std::to_string(i);
    layer(conv + ".norm", {dim});
    layer(conv + ".weight_gate", {dim, 1});
    layer(conv + ".source", {dim, dim});
    layer(conv + ".update_mlp.0", {dim, 2 * dim});
    layer(conv + ".update_mlp.2", {dim, dim});
  }
  layer("policy_head.key", {width, dim});
  layer("policy_head.query", {width, dim});
  layer("policy_head.context.0", {channels, 2 * dim + sizes.step_features});
  layer("policy_head.context.2", {channels, channels});
  layer("policy_head.enter", {channels, sizes.maps + sizes.heads, 3, 3});
  for (int i = 0; i < sizes.blocks; ++i) {
    const std::string number = std::to_string(i);
    layer("policy_head.shifts." + number, {channels, channels});
    layer("policy_head.blocks." + number + ".first", {channels, channels, 3, 3});
    layer("policy_head.blocks." + number + ".second", {channels, channels, 3, 3});
  }
  layer("policy_head.exit", {1, channels, 1, 1});
  add("policy_head.wire_prior", {});
  layer("value_head.mlp.0", {64, 2 * channels});
  layer("value_head.mlp.2", {1, 64});
  return weights;
}

/// Observations of several graphs, whose grids are of different sizes.
struct Observations {
  int count, rows, cols;
  std::vector<float> maps, features;
  std::vector<std::uint8_t> legal;
  std::vector<std::int64_t> own_rows, own_cols, macro, graph_of, spread_start{0}, spread_node, spread_cell;

  Observations(Random& random, const Sizes& sizes, int nodes, int graphs)
      : count(between(random, 1, 5)), rows(between(random, 1, 14)), cols(between(random, 1, 14)) {
    const std::size_t cells = static_cast<std::size_t>(rows) * cols;
    maps = normals(random, count * cells * sizes.maps);
    features = normals(random, static_cast<std::size_t>(count) * sizes.step_features);
    macro = indices(random, count, nodes);
    graph_of = indices(random, count, graphs);
    for (int b = 0; b < count; ++b) {
      own_rows.push_back(between(random, 1, rows)), own_cols.push_back(between(random, 1, cols));
      for (int row = 0; row < rows; ++row) {
        for (int col = 0; col < cols; ++col) {
          legal.push_back(row < own_rows[b] && col < own_cols[b] && between(random, 0, 3) > 0);
        }
      }
      const int entries = between(random, 0, nodes);
      spread_start.push_back(spread_start.back() + entries);
      for (int entry = 0; entry < entries; ++entry) {
        const int row = between(random, 0, static_cast<int>(own_rows[b]) - 1);
        spread_cell.push_back(row * cols + between(random, 0, static_cast<int>(own_cols[b]) - 1));
      }
    }
    spread_node = indices(random, spread_start.back(), nodes);
  }

  Steps view() const {
    return {{rows, cols, own_rows, own_cols}, maps, features, legal, macro, graph_of,
            spread_start, spread_node, spread_cell};
  }
};

/// Logits are finite where an action is legal, -inf elsewhere; neither they nor values depend on threads.
void test_policy_net(unsigned seed) {
  Random random(seed);
  const Sizes sizes = random_sizes(random);
  const int graphs = between(random, 1, 3), nodes = graphs * between(random, 1, 14);
  std::vector<std::int64_t> graph_start;
  for (int k = 0; k <= graphs; ++k) graph_start.push_back(k * nodes / graphs);
  PolicyNet net(random_weights(random, sizes), sizes);
  net.embed(normals(random, static_cast<std::size_t>(nodes) * sizes.node_features),
            Graph(random, nodes, between(random, 0, 200)).view(), graph_start);
  check(net.num_nodes() == nodes && net.num_graphs() == graphs, "as many embeddings as nodes and graphs", seed);
  const Observations seen(random, sizes, nodes, graphs);
  std::vector<float> found(seen.legal.size()), again(found), values(seen.count), values_again(values);
  net.forward(seen.view(), 1, found, values);
  net.forward(seen.view(), 3, again, values_again);
  check(found == again && values == values_again, "logits and values do not depend on threads", seed);
  check(std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); }),
        "values are finite", seed);
  for (std::size_t i = 0; i < found.size(); ++i) {
    const bool holds = seen.legal[i] ? std::isfinite(found[i]) : found[i] == -std::numeric_limits<float>::infinity();
    check(holds, "logits are finite where an action is legal", seed);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const unsigned runs = argc > 1 ? static_cast<unsigned>(std::atoi(argv[1])) : 100;
  for (unsigned seed = 0; seed < runs; ++seed) {
    test_gated_sum(seed);
    test_grid_layer(seed);
    test_policy_net(seed);
  }
  std::printf("%u random policies: ok\n", runs);
}
