#include "grid_net.hpp"

#include <algorithm>
#include <utility>

namespace policynet {

namespace {

/// Calls `work` with 0 .. count - 1 as constants: what they index stays in registers.
template <int kCount, class Work>
void unrolled(const Work& work) {
  [&]<int... kIndex>(std::integer_sequence<int, kIndex...>) {
    (work(std::integral_constant<int, kIndex>{}), ...);
  }(std::make_integer_sequence<int, kCount>{});
}

}  // namespace

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
  unrolled<kVectors>([&](auto v) {
    const Vector first = load(&bias_[channel + v * kLanes]) + load(&shift[channel + v * kLanes]);
    unrolled<kCells>([&](auto c) { sum[c][v] = first; });
  });
  for (int k = 0; k < 9; ++k) {
    const float* cell = from.at(row + k / 3 - 1, col + k % 3 - 1);
    const float* weight = &weight_[static_cast<std::size_t>(k) * in_ * out_ + channel];
    for (int i = 0; i < in_; ++i, weight += out_) {
      Vector w[kVectors];
      unrolled<kVectors>([&](auto v) { w[v] = load(weight + v * kLanes); });
      unrolled<kCells>([&](auto c) {
        const float value = cell[c * in_ + i];
        unrolled<kVectors>([&](auto v) { sum[c][v] += value * w[v]; });
      });
    }
  }
  unrolled<kCells>([&](auto c) {
    unrolled<kVectors>([&](auto v) {
      const int at = channel + v * kLanes;
      const Vector all = residual ? sum[c][v] + load(residual->at(row, col + c) + at) : sum[c][v];
      store(to.at(row, col + c) + at, silu(all));
    });
  });
}

void Conv3x3::apply(const Maps& from, const float* shift, const Maps* residual, Maps& to) const {
  constexpr int kVectors = 2, kCells = 6;  // at most, at a time: twelve sums, which stay in registers
  const int cols = from.cols(), blocks = (cols + kCells - 1) / kCells, count = (cols + blocks - 1) / blocks;
  const auto block = [&](int vectors, int row, int col, int channel) {
    unrolled<kVectors>([&](auto v) {
      unrolled<kCells>([&](auto c) {
        if (vectors == v + 1 && count == c + 1) apply_cells<v + 1, c + 1>(from, shift, residual, to, row, col, channel);
      });
    });
  };
  for (int row = 0; row < from.rows(); ++row) {
    for (int channel = 0; channel < out_; channel += kVectors * kLanes) {
      const int vectors = std::min(kVectors, (out_ - channel) / kLanes);
      for (int i = 0; i < blocks; ++i) {
        // Blocks of one size: the last one computes some cells of the one before it again.
        block(vectors, row, std::min(i * count, cols - count), channel);
      }
    }
  }
}

}  // namespace policynet
