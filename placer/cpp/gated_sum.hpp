// Message passing over the edges of a graph, and its gradient: no array as long as the edges is ever made.
#pragma once

#include <cstdint>
#include <span>

namespace policynet {

/// Directed edges with the share that each has in what its receiver gets, and the logarithm of its weight.
struct Edges {
  std::span<const std::int64_t> source, target;
  std::span<const float> share, log_weight;
};

/// How open each of the channels is to an edge: sigmoid(weight * log_weight + bias).
struct Gate {
  std::span<const float> weight, bias;
};

/// What every node receives: to[target] += share * gate * from[source] over all edges. Both are (nodes, channels); `to`
/// is overwritten. Threads share the channels out, so the result doesn't depend on them.
void gated_sum(const Edges& edges, const Gate& gate, std::span<const float> from, std::span<float> to, int threads);

/// Gradients with respect to `from` and the gate, given the one with respect to `to`; all are overwritten.
void gated_sum_gradient(const Edges& edges, const Gate& gate, std::span<const float> from,
                        std::span<const float> to_gradient, std::span<float> from_gradient,
                        std::span<float> weight_gradient, std::span<float> bias_gradient, int threads);

}  // namespace policynet
