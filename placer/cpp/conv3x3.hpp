// 3x3 convolutions over the grids of canvases, and their gradients.
#pragma once

#include <span>
#include <vector>

#include "vector.hpp"

namespace policynet {

/// Channels in whole vectors; those beyond the number that is meant stay zero.
inline int padded_channels(int channels) { return (channels + kLanes - 1) / kLanes * kLanes; }

/// Channels of a grid, channels last, padded to whole vectors, with the border of zeros that convolutions read.
class Maps {
 public:
  Maps(int rows, int cols, int channels);
  int rows() const { return rows_; }
  int cols() const { return cols_; }
  int stride() const { return stride_; }
  float* at(int row, int col) { return &data_[offset(row, col)]; }
  const float* at(int row, int col) const { return &data_[offset(row, col)]; }
  void clear();

 private:
  /// Row and column may be -1, and as much as two beyond the last: the border.
  std::size_t offset(int row, int col) const {
    return (static_cast<std::size_t>(row + 1) * (cols_ + 3) + (col + 1)) * stride_;
  }
  int rows_, cols_, stride_;
  std::vector<float> data_;
};

/// A 3x3 convolution without bias, by Winograd's minimal filtering F(2x2, 3x3) (Lavin and Gray 2016): 16 products for
/// four cells, where the sum as it is written takes 36.
class Conv3x3 {
 public:
  /// `weight` is (out, in, 3, 3).
  Conv3x3(std::span<const float> weight, int in, int out);
  /// The convolution that takes the gradient of what this one writes to that of what it reads.
  static Conv3x3 backward(std::span<const float> weight, int in, int out);

  int out() const { return out_; }
  /// `to`, of equal size, must not be `from`.
  void apply(const Maps& from, Maps& to) const;

 private:
  int in_, out_;
  std::vector<float> weight_;  // (16, in, padded out): transformed
};

/// The gradient of a convolution's weight, summed over the samples that are added.
class WeightGradient {
 public:
  WeightGradient(int in, int out);
  /// One sample: what the convolution read, and the gradient of what it wrote.
  void add(const Maps& from, const Maps& to_gradient);
  void add(const WeightGradient& other);
  /// Writes (out, in, 3, 3).
  void write(std::span<float> weight_gradient) const;

 private:
  int in_, out_;
  std::vector<float> sum_;  // (16, padded in, padded out): of the transformed weight
};

}  // namespace policynet
