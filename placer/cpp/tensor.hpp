// Weights by name, and the arithmetic that all layers share.
#pragma once

#include <cmath>
#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace policynet {

/// A dense array of floats, last axis fastest.
struct Tensor {
  std::vector<int> shape;
  std::vector<float> data;
};

using Weights = std::map<std::string, Tensor>;

/// The values of a tensor. Throws std::invalid_argument if it is missing or has another shape.
inline const std::vector<float>& find(const Weights& weights, const std::string& name, const std::vector<int>& shape) {
  const auto found = weights.find(name);
  if (found == weights.end()) throw std::invalid_argument("the weights lack '" + name + "'");
  if (found->second.shape != shape) throw std::invalid_argument("the shape of '" + name + "' does not fit the others");
  return found->second.data;
}

inline float sigmoid(float x) { return 1.0f / (1.0f + std::exp(-x)); }
inline float silu(float x) { return x * sigmoid(x); }

}  // namespace policynet
