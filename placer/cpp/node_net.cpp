#include "node_net.hpp"

#include <algorithm>

namespace policynet {

namespace {
constexpr float kEpsilon = 1e-5f;  // as in torch.nn.LayerNorm
}

Linear::Linear(const Weights& weights, const std::string& name, int in, int out)
    : in_(in), out_(out), bias_(find(weights, name + ".bias", {out})) {
  const std::vector<float>& weight = find(weights, name + ".weight", {out, in});
  weight_.resize(weight.size());
  for (int o = 0; o < out; ++o) {
    for (int i = 0; i < in; ++i) weight_[i * out + o] = weight[o * in + i];
  }
}

void Linear::apply(const float* from, float* to) const {
  std::copy(bias_.begin(), bias_.end(), to);
  for (int i = 0; i < in_; ++i) {
    const float value = from[i];
    const float* row = &weight_[static_cast<std::size_t>(i) * out_];
    for (int o = 0; o < out_; ++o) to[o] += value * row[o];
  }
}

std::vector<float> Linear::apply_rows(const std::vector<float>& from) const {
  const std::size_t rows = from.size() / in_;
  std::vector<float> to(rows * out_);
  for (std::size_t r = 0; r < rows; ++r) apply(&from[r * in_], &to[r * out_]);
  return to;
}

std::vector<float> Mlp::apply_rows(const std::vector<float>& from) const {
  std::vector<float> hidden = first_.apply_rows(from);
  for (float& value : hidden) value = silu(value);
  return second_.apply_rows(hidden);
}

LayerNorm::LayerNorm(const Weights& weights, const std::string& name, int dim)
    : scale_(find(weights, name + ".weight", {dim})), shift_(find(weights, name + ".bias", {dim})) {}

std::vector<float> LayerNorm::apply_rows(const std::vector<float>& from) const {
  const std::size_t dim = scale_.size();
  std::vector<float> to(from.size());
  for (std::size_t row = 0; row < from.size(); row += dim) {
    double sum = 0.0, square = 0.0;
    for (std::size_t d = 0; d < dim; ++d) sum += from[row + d];
    const double mean = sum / static_cast<double>(dim);
    for (std::size_t d = 0; d < dim; ++d) square += (from[row + d] - mean) * (from[row + d] - mean);
    const float factor = static_cast<float>(1.0 / std::sqrt(square / static_cast<double>(dim) + kEpsilon));
    for (std::size_t d = 0; d < dim; ++d) {
      to[row + d] = (from[row + d] - static_cast<float>(mean)) * factor * scale_[d] + shift_[d];
    }
  }
  return to;
}

NetConv::NetConv(const Weights& weights, const std::string& name, int dim)
    : norm_(weights, name + ".norm", dim),
      gate_weight_(find(weights, name + ".weight_gate.weight", {dim, 1})),
      gate_bias_(find(weights, name + ".weight_gate.bias", {dim})),
      source_(weights, name + ".source", dim, dim),
      update_(weights, name + ".update_mlp", 2 * dim, dim, dim) {}

void NetConv::apply(std::vector<float>& h, const Edges& edges) const {
  const std::size_t dim = source_.out(), nodes = h.size() / dim;
  const std::vector<float> normed = norm_.apply_rows(h);
  std::vector<float> message = source_.apply_rows(normed);
  for (float& value : message) value = silu(value);

  std::vector<float> received(h.size());
  gated_sum(edges, {gate_weight_, gate_bias_}, message, received, 1);

  // What each node receives stands beside its own embedding: the input of the update.
  std::vector<float> joined(2 * h.size());
  for (std::size_t v = 0; v < nodes; ++v) {
    std::copy_n(&normed[v * dim], dim, &joined[2 * v * dim]);
    std::copy_n(&received[v * dim], dim, &joined[(2 * v + 1) * dim]);
  }
  const std::vector<float> update = update_.apply_rows(joined);
  for (std::size_t i = 0; i < h.size(); ++i) h[i] += update[i];
}

}  // namespace policynet
