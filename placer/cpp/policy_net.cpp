#include "policy_net.hpp"

#include <algorithm>
#include <limits>

#include "deal.hpp"

namespace policynet {

namespace {

constexpr int kWireMask = 1;  // channel of the maps

}  // namespace

/// Maps between the layers of the head, kept from one observation to the next.
struct PolicyNet::Scratch {
  Maps input, x, y, z;
};

PolicyNet::PolicyNet(const Weights& weights, const Sizes& sizes)
    : sizes_(sizes),
      head_dim_(std::max(4, sizes.dim / sizes.heads)),
      enter_(weights, "encoder.enter", sizes.node_features, sizes.dim),
      norm_(weights, "encoder.norm", sizes.dim),
      key_(weights, "policy_head.key", sizes.dim, sizes.heads * head_dim_),
      query_(weights, "policy_head.query", sizes.dim, sizes.heads * head_dim_),
      context_in_(weights, "policy_head.context.0", 2 * sizes.dim + sizes.step_features, sizes.channels),
      context_out_(weights, "policy_head.context.2", sizes.channels, sizes.channels),
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

void PolicyNet::embed(std::span<const float> x, const Edges& edges) {
  std::vector<float> h = enter_.apply_rows({x.begin(), x.end()});
  for (const NetConv& conv : convs_) conv.apply(h, edges);
  node_ = norm_.apply_rows(h);
  node_key_ = key_.apply_rows(node_);
  const int dim = sizes_.dim;
  std::vector<double> sum(dim, 0.0);
  for (std::size_t i = 0; i < node_.size(); ++i) sum[i % dim] += node_[i];
  graph_.resize(dim);
  for (int d = 0; d < dim; ++d) graph_[d] = static_cast<float>(sum[d] / num_nodes());
}

std::vector<float> PolicyNet::context_of(const Steps& steps, int b) const {
  std::vector<float> joined(context_in_.in()), hidden(context_in_.out());
  const int dim = sizes_.dim, features = sizes_.step_features;
  std::copy_n(&node_[steps.macro[b] * dim], dim, joined.begin());
  std::copy_n(graph_.begin(), dim, joined.begin() + dim);
  std::copy_n(&steps.features[static_cast<std::size_t>(b) * features], features, joined.begin() + 2 * dim);
  context_in_.apply(joined.data(), hidden.data());
  for (float& value : hidden) value = silu(value);
  std::vector<float> context(padded_channels(context_out_.out()), 0.0f);
  context_out_.apply(hidden.data(), context.data());
  return context;
}

void PolicyNet::fill_input(const Steps& steps, int b, Maps& input) const {
  input.clear();
  const int num_maps = sizes_.maps;
  const float* map = &steps.maps[static_cast<std::size_t>(b) * steps.rows * steps.cols * num_maps];
  for (int row = 0; row < steps.rows; ++row) {
    for (int col = 0; col < steps.cols; ++col, map += num_maps) std::copy_n(map, num_maps, input.at(row, col));
  }
  // Affinity maps: each node that lies on the canvas adds the product of its key with the macro's query.
  const int width = key_.out();
  std::vector<float> query(width);
  query_.apply(&node_[steps.macro[b] * sizes_.dim], query.data());
  for (std::int64_t entry = steps.spread_start[b]; entry < steps.spread_start[b + 1]; ++entry) {
    const float* key = &node_key_[steps.spread_node[entry] * width];
    const int cell = static_cast<int>(steps.spread_cell[entry]);
    float* to = input.at(cell / steps.cols, cell % steps.cols) + num_maps;
    for (int head = 0; head < sizes_.heads; ++head) {
      float product = 0.0f;
      for (int d = head * head_dim_; d < (head + 1) * head_dim_; ++d) product += query[d] * key[d];
      to[head] += product / static_cast<float>(head_dim_);
    }
  }
}

void PolicyNet::logits_of(const Steps& steps, int b, Scratch& scratch, float* logits) const {
  auto& [input, x, y, z] = scratch;
  const std::vector<float> context = context_of(steps, b);
  fill_input(steps, b, input);
  grid_enter_.apply(input, context.data(), nullptr, x);
  const std::vector<float> none(x.stride(), 0.0f);
  for (const Block& block : blocks_) {
    std::vector<float> shift(x.stride(), 0.0f);
    block.shift.apply(context.data(), shift.data());
    block.first.apply(x, shift.data(), nullptr, y);
    block.second.apply(y, none.data(), &x, z);
    std::swap(x, z);
  }
  const std::size_t cells = static_cast<std::size_t>(steps.rows) * steps.cols;
  for (std::size_t cell = 0; cell < cells; ++cell) {
    const int row = static_cast<int>(cell) / steps.cols, col = static_cast<int>(cell) % steps.cols;
    if (!steps.legal[b * cells + cell]) {
      logits[cell] = -std::numeric_limits<float>::infinity();
      continue;
    }
    float sum = exit_bias_ - wire_prior_ * input.at(row, col)[kWireMask];
    const float* channel = x.at(row, col);
    for (std::size_t c = 0; c < exit_.size(); ++c) sum += exit_[c] * channel[c];
    logits[cell] = sum;
  }
}

void PolicyNet::logits(const Steps& steps, int threads, std::span<float> logits) const {
  const std::size_t cells = static_cast<std::size_t>(steps.rows) * steps.cols;
  deal(steps.count, threads, [&](int thread, int dealt) {
    const auto maps = [&](int channels) { return Maps(steps.rows, steps.cols, channels); };
    const int channels = sizes_.channels;
    Scratch scratch{maps(sizes_.maps + sizes_.heads), maps(channels), maps(channels), maps(channels)};
    for (int b = thread; b < steps.count; b += dealt) logits_of(steps, b, scratch, &logits[b * cells]);
  });
}

}  // namespace policynet
