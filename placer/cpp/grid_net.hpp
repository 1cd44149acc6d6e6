// Layers of convolutions over the grids of canvases: SiLU(residual + convolution + shift).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "conv3x3.hpp"
#include "tensor.hpp"

namespace policynet {

/// A layer whose weights are known.
class GridLayer {
 public:
  GridLayer(const Weights& weights, const std::string& name, int in, int out);
  int out() const { return conv_.out(); }
  /// `shift` has padded channels; `residual` may be null; `to` must not be `from`.
  void apply(const Maps& from, const float* shift, const Maps* residual, Maps& to) const;

 private:
  Conv3x3 conv_;
  std::vector<float> bias_;
};

/// Grids of several sizes in one batch, padded to rows x cols.
struct Grids {
  int rows, cols;
  std::span<const std::int64_t> own_rows, own_cols;  // (B)
  int count() const { return static_cast<int>(own_rows.size()); }
};

/// A layer that learns. Arrays are (B, rows, cols, channels), those of shifts (B, out), the weight (out, in, 3, 3).
struct LayerInput {
  Grids grids;
  int in, out;
  std::span<const float> weight, from;
};

/// Writes what goes into the SiLU and what comes out of it, zero beyond each grid. `residual` may be empty. Threads share
/// the samples out; the result does not depend on them.
void grid_layer(const LayerInput& input, std::span<const float> shift, std::span<const float> residual,
                std::span<float> before, std::span<float> after, int threads);

/// Gradients with respect to all inputs, given `before` and the gradient with respect to `after`; `residual_gradient` may
/// be empty. That of the weight is summed up thread by thread.
void grid_layer_gradient(const LayerInput& input, std::span<const float> before, std::span<const float> after_gradient,
                         std::span<float> from_gradient, std::span<float> weight_gradient,
                         std::span<float> shift_gradient, std::span<float> residual_gradient, int threads);

}  // namespace policynet
