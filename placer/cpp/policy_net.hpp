// The forward pass of `placer.policy.Policy` for placing one design: logits only, no gradients, no torch.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "grid_net.hpp"
#include "node_net.hpp"

namespace policynet {

/// B observations of one design, as `placer.policy_net` collects them.
struct Steps {
  int count, rows, cols;
  std::span<const float> maps;            // (B, R, C, map channels)
  std::span<const float> features;        // (B, step features)
  std::span<const std::uint8_t> legal;    // (B, R * C)
  std::span<const std::int64_t> macro;    // (B) graph node to place
  std::span<const std::int64_t> spread_start;  // (B + 1) where each observation's entries begin in the two that follow
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

  /// Encodes a graph: x is (V, features). What `logits` says holds for this graph from now on.
  void embed(std::span<const float> x, const Edges& edges);

  const Sizes& sizes() const { return sizes_; }
  int num_nodes() const { return static_cast<int>(node_.size()) / sizes_.dim; }

  /// `logits` (B, R * C), -inf where illegal. Observations are dealt to the threads; the result doesn't depend on them.
  void logits(const Steps& steps, int threads, std::span<float> logits) const;

 private:
  struct Scratch;
  void logits_of(const Steps& steps, int b, Scratch& scratch, float* logits) const;
  std::vector<float> context_of(const Steps& steps, int b) const;
  void fill_input(const Steps& steps, int b, Maps& input) const;

  Sizes sizes_;
  int head_dim_;
  Linear enter_;
  std::vector<NetConv> convs_;
  LayerNorm norm_;
  Linear key_, query_, context_in_, context_out_;
  GridLayer grid_enter_;
  struct Block {
    Linear shift;
    GridLayer first, second;
  };
  std::vector<Block> blocks_;
  std::vector<float> exit_;  // (channels)
  float exit_bias_, wire_prior_;
  std::vector<float> node_, node_key_, graph_;
};

}  // namespace policynet
