// The forward pass of `placer.policy.Policy` on a CPU: no gradients, no torch.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "grid_net.hpp"
#include "node_net.hpp"

namespace policynet {

/// B observations, as in `placer.batching.StepBatch`: cells and nodes are those of the padded grid and of all graphs.
struct Steps {
  Grids grids;
  std::span<const float> maps;                  // (B, R, C, map channels)
  std::span<const float> features;              // (B, step features)
  std::span<const std::uint8_t> legal;          // (B, R * C), zero beyond each grid
  std::span<const std::int64_t> macro;          // (B) node to place
  std::span<const std::int64_t> graph_of;       // (B)
  std::span<const std::int64_t> spread_start;   // (B + 1) where each observation's entries begin in the two that follow
  std::span<const std::int64_t> spread_node, spread_cell;
};

/// Sizes of the networks (`placer.config.PolicyConfig`) and of what they read.
struct Sizes {
  int dim, layers, heads, channels, blocks;
  int node_features, step_features, maps;
};

class PolicyNet {
 public:
  /// Throws std::invalid_argument if a tensor is missing or has another shape.
  PolicyNet(const Weights& weights, const Sizes& sizes);

  /// Encodes K graphs side by side: x is (V, features), the nodes of graph k begin at graph_start[k], of K + 1. What
  /// `forward` says holds for these graphs from now on.
  void embed(std::span<const float> x, const Edges& edges, std::span<const std::int64_t> graph_start);

  const Sizes& sizes() const { return sizes_; }
  int num_nodes() const { return static_cast<int>(node_.size()) / sizes_.dim; }
  int num_graphs() const { return static_cast<int>(graph_.size()) / sizes_.dim; }

  /// Writes logits (B, R * C), -inf where illegal, and values (B). Observations are dealt to the threads; the result
  /// doesn't depend on them.
  void forward(const Steps& steps, int threads, std::span<float> logits, std::span<float> values) const;

 private:
  struct Scratch;
  void run_trunk(const float* context, Scratch& scratch) const;
  void write_logits(const Steps& steps, int b, const Scratch& scratch, float* logits) const;
  float value_of(const Scratch& scratch, const float* context) const;
  std::vector<float> context_of(const Steps& steps, int b) const;
  void fill_input(const Steps& steps, int b, Maps& input) const;

  Sizes sizes_;
  int head_dim_;
  Linear enter_;
  std::vector<NetConv> convs_;
  LayerNorm norm_;
  Linear key_, query_;
  Mlp context_, value_;
  GridLayer grid_enter_;
  struct Block {
    Linear shift;
    GridLayer first, second;
  };
  std::vector<Block> blocks_;
  std::vector<float> exit_;  // (channels)
  float exit_bias_, wire_prior_;
  std::vector<float> node_, node_key_, graph_;  // (V, dim), (V, width of keys), (K, dim)
};

}  // namespace policynet
