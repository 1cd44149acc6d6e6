#include "grid_net.hpp"

#include <algorithm>

namespace policynet {

Maps::Maps(int rows, int cols, int channels)
    : rows_(rows), cols_(cols), channels_(channels),
      data_(static_cast<std::size_t>(rows + 2) * (cols + 2) * channels, 0.0f) {}

void Maps::clear() { std::fill(data_.begin(), data_.end(), 0.0f); }

Conv3x3::Conv3x3(const Weights& weights, const std::string& name, int in, int in_stride, int out)
    : in_(in_stride), out_(padded_channels(out)), bias_(find(weights, name + ".bias", {out})) {
  const std::vector<float>& weight = find(weights, name + ".weight", {out, in, 3, 3});
  weight_.assign(static_cast<std::size_t>(9) * in_ * out_, 0.0f);
  for (int o = 0; o < out; ++o) {
    for (int i = 0; i < in; ++i) {
      for (int k = 0; k < 9; ++k) {
        weight_[(static_cast<std::size_t>(k) * in_ + i) * out_ + o] = weight[(o * in + i) * 9 + k];
      }
    }
  }
  bias_.resize(out_, 0.0f);
}

template <int kVectors, int kCells>
void Conv3x3::apply_cells(const Maps& from, const float* shift, const Maps* residual, Maps& to, int row, int col,
                          int channel) const {
  Vector sum[kCells][kVectors];
  for (int v = 0; v < kVectors; ++v) {
    const Vector first = load(&bias_[channel + v * kLanes]) + load(&shift[channel + v * kLanes]);
    for (int c = 0; c < kCells; ++c) sum[c][v] = first;
  }
  for (int k = 0; k < 9; ++k) {
    const float* cell = from.at(row + k / 3 - 1, col + k % 3 - 1);
    const float* weight = &weight_[static_cast<std::size_t>(k) * in_ * out_ + channel];
    for (int i = 0; i < in_; ++i, weight += out_) {
      Vector w[kVectors];
      for (int v = 0; v < kVectors; ++v) w[v] = load(weight + v * kLanes);
      for (int c = 0; c < kCells; ++c) {
        for (int v = 0; v < kVectors; ++v) sum[c][v] += cell[c * in_ + i] * w[v];
      }
    }
  }
  for (int c = 0; c < kCells; ++c) {
    for (int v = 0; v < kVectors; ++v) {
      const int at = channel + v * kLanes;
      if (residual) sum[c][v] += load(residual->at(row, col + c) + at);
      store(to.at(row, col + c) + at, silu(sum[c][v]));
    }
  }
}

void Conv3x3::apply(const Maps& from, const float* shift, const Maps* residual, Maps& to) const {
  constexpr int kCells = 6;  // times two vectors: twelve sums, which stay in registers
  const auto cells = [&](int row, int col, int count, int channel, int vectors) {
    if (count == kCells && vectors == 2) return apply_cells<2, kCells>(from, shift, residual, to, row, col, channel);
    for (int c = 0; c < count; ++c) {
      for (int v = 0; v < vectors; ++v) {
        apply_cells<1, 1>(from, shift, residual, to, row, col + c, channel + v * kLanes);
      }
    }
  };
  const int cols = from.cols();
  for (int row = 0; row < from.rows(); ++row) {
    for (int channel = 0; channel < out_; channel += 2 * kLanes) {
      const int vectors = std::min(2, (out_ - channel) / kLanes);
      for (int col = 0; col < cols; col += kCells) {
        // The last cells of a row are computed with some before them, again.
        const int begin = cols >= kCells ? std::min(col, cols - kCells) : col;
        cells(row, begin, std::min(kCells, cols - begin), channel, vectors);
      }
    }
  }
}

}  // namespace policynet
