// Convolutions over the grid of one canvas.
#pragma once

#include <vector>

#include "tensor.hpp"
#include "vector.hpp"

namespace policynet {

/// Channels in whole vectors; those beyond the number that is meant stay zero.
inline int padded_channels(int channels) { return (channels + kLanes - 1) / kLanes * kLanes; }

/// Channels of a grid, channels last, with a border of zeros that convolutions read.
class Maps {
 public:
  Maps(int rows, int cols, int channels);
  int rows() const { return rows_; }
  int cols() const { return cols_; }
  int channels() const { return channels_; }
  float* at(int row, int col) { return &data_[offset(row, col)]; }
  const float* at(int row, int col) const { return &data_[offset(row, col)]; }
  void clear();

 private:
  /// Row and column may be -1 and one beyond the last: the border.
  std::size_t offset(int row, int col) const {
    return (static_cast<std::size_t>(row + 1) * (cols_ + 2) + (col + 1)) * channels_;
  }
  int rows_, cols_, channels_;
  std::vector<float> data_;
};

/// A 3x3 convolution and what follows it: SiLU(residual + convolution + shift).
class Conv3x3 {
 public:
  /// `in_stride` is the number of channels of the maps that it reads, at least `in`.
  Conv3x3(const Weights& weights, const std::string& name, int in, int in_stride, int out);
  int out() const { return out_; }
  /// `shift` has padded channels, as have `residual` (may be null) and `to`, which must not be `from`.
  void apply(const Maps& from, const float* shift, const Maps* residual, Maps& to) const;

 private:
  template <int kVectors, int kCells>
  void apply_cells(const Maps& from, const float* shift, const Maps* residual, Maps& to, int row, int col,
                   int channel) const;

  int in_, out_;  // channels of the maps it reads and writes
  std::vector<float> weight_;  // (3, 3, in, out)
  std::vector<float> bias_;
};

}  // namespace policynet
