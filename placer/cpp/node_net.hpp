// Layers over the nodes of a graph: rows of a matrix, one a node.
#pragma once

#include <vector>

#include "gated_sum.hpp"
#include "tensor.hpp"

namespace policynet {

/// y = W x + b for every row.
class Linear {
 public:
  Linear(const Weights& weights, const std::string& name, int in, int out);
  int in() const { return in_; }
  int out() const { return out_; }
  /// `to` (out) of one row `from` (in).
  void apply(const float* from, float* to) const;
  /// (rows, out) of (rows, in).
  std::vector<float> apply_rows(const std::vector<float>& from) const;

 private:
  int in_, out_;
  std::vector<float> weight_;  // (in, out): rows of outputs are contiguous
  std::vector<float> bias_;
};

/// Two linear layers with SiLU between them; as torch names those of a Sequential.
class Mlp {
 public:
  Mlp(const Weights& weights, const std::string& name, int in, int hidden, int out)
      : first_(weights, name + ".0", in, hidden), second_(weights, name + ".2", hidden, out) {}
  int in() const { return first_.in(); }
  /// (rows, out) of (rows, in).
  std::vector<float> apply_rows(const std::vector<float>& from) const;

 private:
  Linear first_, second_;
};

/// Each row to mean 0 and variance 1, then scaled and shifted.
class LayerNorm {
 public:
  LayerNorm(const Weights& weights, const std::string& name, int dim);
  std::vector<float> apply_rows(const std::vector<float>& from) const;

 private:
  std::vector<float> scale_, shift_;
};

/// Residual message passing; the twin of `placer.layers.NetConv`.
class NetConv {
 public:
  NetConv(const Weights& weights, const std::string& name, int dim);
  void apply(std::vector<float>& h, const Edges& edges) const;

 private:
  LayerNorm norm_;
  std::vector<float> gate_weight_, gate_bias_;
  Linear source_;
  Mlp update_;
};

}  // namespace policynet
