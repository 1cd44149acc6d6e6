#include "policy_net.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "deal.hpp"

namespace policynet {

namespace {

constexpr int kWireMask = 1;      // channel of the maps
constexpr int kValueHidden = 64;  // as in `placer.policy.ValueHead`

}  // namespace

/// Maps between the layers of the head, kept from one observation to the next of equal grid.
struct PolicyNet::Scratch {
  Maps input, x, y, z;

  Scratch(const Sizes& sizes, int rows, int cols)
      : input(rows, cols, sizes.maps + sizes.heads), x(rows, cols, sizes.channels), y(x), z(x) {}
  bool fits(int rows, int cols) const { return input.rows() == rows && input.cols() == cols; }
};

PolicyNet::PolicyNet(const Weights& weights, const Sizes& sizes)
    : sizes_(sizes),
      head_dim_(std::max(4, sizes.dim / sizes.heads)),
      enter_(weights, "encoder.enter", sizes.node_features, sizes.dim),
      norm_(weights, "encoder.norm", sizes.dim),
      key_(weights, "policy_head.key", sizes.dim, sizes.heads * head_dim_),
      query_(weights, "policy_head.query", sizes.dim, sizes.heads * head_dim_),
      context_(weights, "policy_head.context", 2 * sizes.dim + sizes.step_features, sizes.channels, sizes.channels),
      value_(weights, "value_head.mlp", 2 * sizes.channels, kValueHidden, 1),
      grid_enter_(weights, "policy_head.enter", sizes.maps + sizes.heads, sizes.channels),
      exit_(find(weights, "policy_head.exit.weight", {1, sizes.channels, 1, 1})),
      exit_bias_(find(weights, "policy_head.exit.bias", {1})[0]),
      wire_prior_(find(weights, "policy_head.wire_prior", {})[0]) {
  for (int i = 0; i < sizes.layers; ++i) convs_.emplace_back(weights, "encoder.convs." + std::to_string(i), sizes.dim);
  const int channels = sizes.channels;
  for (int i = 0; i < sizes.blocks; ++i) {
    const std::string block = "policy_head.blocks." + std::to_string(i);
    blocks_.push_back({Linear(weights, "policy_head.shifts." + std::to_string(i), channels, channels),
                       GridLayer(weights, block + ".first", channels, channels),
                       GridLayer(weights, block + ".second", channels, channels)});
  }
}

void PolicyNet::embed(std::span<const float> x, const Edges& edges, std::span<const std::int64_t> graph_start) {
  std::vector<float> h = enter_.apply_rows({x.begin(), x.end()});
  for (const NetConv& conv : convs_) conv.apply(h, edges);
  node_ = norm_.apply_rows(h);
  node_key_ = key_.apply_rows(node_);
  const int dim = sizes_.dim;
  graph_.clear();
  for (std::size_t k = 0; k + 1 < graph_start.size(); ++k) {
    std::vector<double> sum(dim, 0.0);
    for (std::int64_t i = graph_start[k] * dim; i < graph_start[k + 1] * dim; ++i) sum[i % dim] += node_[i];
    const double nodes = static_cast<double>(graph_start[k + 1] - graph_start[k]);
    for (const double of_graph : sum) graph_.push_back(static_cast<float>(of_graph / nodes));
  }
}

std::vector<float> PolicyNet::context_of(const Steps& steps, int b) const {
  std::vector<float> joined(context_.in());
  const int dim = sizes_.dim, features = sizes_.step_features;
  std::copy_n(&node_[steps.macro[b] * dim], dim, joined.begin());
  std::copy_n(&graph_[steps.graph_of[b] * dim], dim, joined.begin() + dim);
  std::copy_n(&steps.features[static_cast<std::size_t>(b) * features], features, joined.begin() + 2 * dim);
  std::vector<float> context = context_.apply_rows(joined);
  context.resize(padded_channels(sizes_.channels), 0.0f);
  return context;
}

void PolicyNet::fill_input(const Steps& steps, int b, Maps& input) const {
  input.clear();
  const int num_maps = sizes_.maps;
  const auto [rows, cols] = std::pair(steps.grids.rows, steps.grids.cols);
  for (int row = 0; row < input.rows(); ++row) {
    const float* map = &steps.maps[(static_cast<std::size_t>(b) * rows + row) * cols * num_maps];
    for (int col = 0; col < input.cols(); ++col, map += num_maps) std::copy_n(map, num_maps, input.at(row, col));
  }
  // Affinity maps: each node that lies on the canvas adds the product of its key with the macro's query.
  const int width = key_.out();
  std::vector<float> query(width);
  query_.apply(&node_[steps.macro[b] * sizes_.dim], query.data());
  for (std::int64_t entry = steps.spread_start[b]; entry < steps.spread_start[b + 1]; ++entry) {
    const float* key = &node_key_[steps.spread_node[entry] * width];
    const int cell = static_cast<int>(steps.spread_cell[entry]);
    float* to = input.at(cell / cols, cell % cols) + num_maps;
    for (int head = 0; head < sizes_.heads; ++head) {
      float product = 0.0f;
      for (int d = head * head_dim_; d < (head + 1) * head_dim_; ++d) product += query[d] * key[d];
      to[head] += product / static_cast<float>(head_dim_);
    }
  }
}

void PolicyNet::run_trunk(const float* context, Scratch& scratch) const {
  auto& [input, x, y, z] = scratch;
  grid_enter_.apply(input, context, nullptr, x);
  const std::vector<float> none(x.stride(), 0.0f);
  for (const Block& block : blocks_) {
    std::vector<float> shift(x.stride(), 0.0f);
    block.shift.apply(context, shift.data());
    block.first.apply(x, shift.data(), nullptr, y);
    block.second.apply(y, none.data(), &x, z);
    std::swap(x, z);
  }
}

void PolicyNet::write_logits(const Steps& steps, int b, const Scratch& scratch, float* logits) const {
  const auto [rows, cols] = std::pair(steps.grids.rows, steps.grids.cols);
  const std::uint8_t* legal = &steps.legal[static_cast<std::size_t>(b) * rows * cols];
  for (int cell = 0; cell < rows * cols; ++cell) {
    if (!legal[cell]) {
      logits[cell] = -std::numeric_limits<float>::infinity();
      continue;
    }
    const int row = cell / cols, col = cell % cols;
    float sum = exit_bias_ - wire_prior_ * scratch.input.at(row, col)[kWireMask];
    const float* channel = scratch.x.at(row, col);
    for (std::size_t c = 0; c < exit_.size(); ++c) sum += exit_[c] * channel[c];
    logits[cell] = sum;
  }
}

float PolicyNet::value_of(const Scratch& scratch, const float* context) const {
  const Maps& x = scratch.x;
  const int channels = sizes_.channels;
  std::vector<float> joined(value_.in(), 0.0f);
  for (int row = 0; row < x.rows(); ++row) {
    for (int col = 0; col < x.cols(); ++col) {
      for (int c = 0; c < channels; ++c) joined[c] += x.at(row, col)[c];
    }
  }
  for (int c = 0; c < channels; ++c) joined[c] /= static_cast<float>(x.rows() * x.cols());
  std::copy_n(context, channels, joined.begin() + channels);
  return value_.apply_rows(joined)[0];
}

void PolicyNet::forward(const Steps& steps, int threads, std::span<float> logits, std::span<float> values) const {
  const Grids& grids = steps.grids;
  const std::size_t cells = static_cast<std::size_t>(grids.rows) * grids.cols;
  deal(grids.count(), threads, [&](int thread, int dealt) {
    std::optional<Scratch> scratch;
    for (int b = thread; b < grids.count(); b += dealt) {
      const int rows = static_cast<int>(grids.own_rows[b]), cols = static_cast<int>(grids.own_cols[b]);
      if (!scratch || !scratch->fits(rows, cols)) scratch.emplace(sizes_, rows, cols);
      const std::vector<float> context = context_of(steps, b);
      fill_input(steps, b, scratch->input);
      run_trunk(context.data(), *scratch);
      write_logits(steps, b, *scratch, &logits[b * cells]);
      values[b] = value_of(*scratch, context.data());
    }
  });
}

}  // namespace policynet
