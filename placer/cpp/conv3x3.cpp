#include "conv3x3.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace policynet {

namespace {

constexpr int kPoints = 16;  // of a transformed tile
constexpr int kTiles = 6;    // multiplied at a time, by two vectors: twelve sums, which stay in registers
constexpr int kChunk = 4 * kTiles;  // tiles that are transformed before they are multiplied

/// Calls `work` with 0 .. count - 1 as constants: what they index stays in registers.
template <int kCount, class Work>
void unrolled(const Work& work) {
  [&]<int... kIndex>(std::integer_sequence<int, kIndex...>) {
    (work(std::integral_constant<int, kIndex>{}), ...);
  }(std::make_integer_sequence<int, kCount>{});
}

/// A grid cut into tiles of 2 x 2 cells; those at the end of odd sizes hang over.
struct Tiling {
  int cols, count;
  explicit Tiling(const Maps& maps) : cols((maps.cols() + 1) / 2), count((maps.rows() + 1) / 2 * cols) {}
  int row(int tile) const { return 2 * (tile / cols); }
  int col(int tile) const { return 2 * (tile % cols); }
};

/// Tiles [begin, end), transformed, are written as (16, kChunk, stride); the rest of the last kTiles are zero.
struct Chunk {
  int stride;
  std::vector<float> values;

  explicit Chunk(int stride_) : stride(stride_), values(static_cast<std::size_t>(kPoints) * kChunk * stride_) {}
  float* at(int point, int tile) { return &values[(static_cast<std::size_t>(point) * kChunk + tile) * stride]; }
  const float* at(int point, int tile) const {
    return &values[(static_cast<std::size_t>(point) * kChunk + tile) * stride];
  }
  void clear_from(int tile) {
    for (int point = 0; point < kPoints; ++point) {
      std::fill(at(point, tile), at(point, tile) + (kTiles - tile % kTiles) % kTiles * stride, 0.0f);
    }
  }
};

/// The 4 x 4 cells around a tile, B'dB in the words of Lavin and Gray.
void transform_input(const Maps& from, int row, int col, int tile, Chunk& chunk) {
  for (int channel = 0; channel < chunk.stride; channel += kLanes) {
    Vector half[4][4];
    unrolled<4>([&](auto c) {
      const auto cell = [&](int r) { return load(from.at(row + r - 1, col + c - 1) + channel); };
      const Vector d0 = cell(0), d1 = cell(1), d2 = cell(2), d3 = cell(3);
      half[0][c] = d0 - d2, half[1][c] = d1 + d2, half[2][c] = d2 - d1, half[3][c] = d1 - d3;
    });
    unrolled<4>([&](auto r) {
      const auto put = [&](int c, Vector value) { store(chunk.at(4 * r + c, tile) + channel, value); };
      put(0, half[r][0] - half[r][2]);
      put(1, half[r][1] + half[r][2]);
      put(2, half[r][2] - half[r][1]);
      put(3, half[r][1] - half[r][3]);
    });
  }
}

/// A'mA: the 2 x 2 cells of a tile; those that hang over are left out.
void transform_output(const Chunk& chunk, int tile, int row, int col, Maps& to) {
  const bool second_row = row + 1 < to.rows(), second_col = col + 1 < to.cols();
  for (int channel = 0; channel < chunk.stride; channel += kLanes) {
    Vector half[2][4];
    unrolled<4>([&](auto c) {
      const auto point = [&](int r) { return load(chunk.at(4 * r + c, tile) + channel); };
      const Vector m0 = point(0), m1 = point(1), m2 = point(2), m3 = point(3);
      half[0][c] = m0 + m1 + m2, half[1][c] = m1 - m2 - m3;
    });
    unrolled<2>([&](auto r) {
      if (r == 1 && !second_row) return;
      store(to.at(row + r, col) + channel, half[r][0] + half[r][1] + half[r][2]);
      if (second_col) store(to.at(row + r, col + 1) + channel, half[r][1] - half[r][2] - half[r][3]);
    });
  }
}

/// The adjoint of `transform_output`: AgA' of the gradients of a tile's cells. Beyond the grid they are zero: the border.
void transform_gradient(const Maps& gradient, int row, int col, int tile, Chunk& chunk) {
  for (int channel = 0; channel < chunk.stride; channel += kLanes) {
    Vector half[4][2];
    unrolled<2>([&](auto c) {
      const Vector g0 = load(gradient.at(row, col + c) + channel), g1 = load(gradient.at(row + 1, col + c) + channel);
      half[0][c] = g0, half[1][c] = g0 + g1, half[2][c] = g0 - g1, half[3][c] = -g1;
    });
    unrolled<4>([&](auto r) {
      const auto put = [&](int c, Vector value) { store(chunk.at(4 * r + c, tile) + channel, value); };
      put(0, half[r][0]);
      put(1, half[r][0] + half[r][1]);
      put(2, half[r][0] - half[r][1]);
      put(3, -half[r][1]);
    });
  }
}

/// to (kTiles, kVectors vectors) = tiles (kTiles, in) times weight (in, out).
template <int kVectors>
void multiply(const float* tiles, int tile_stride, const float* weight, int in, int out, float* to) {
  Vector sum[kTiles][kVectors] = {};
  for (int i = 0; i < in; ++i, weight += out) {
    Vector w[kVectors];
    unrolled<kVectors>([&](auto v) { w[v] = load(weight + v * kLanes); });
    unrolled<kTiles>([&](auto t) {
      const float value = tiles[t * tile_stride + i];
      unrolled<kVectors>([&](auto v) { sum[t][v] += value * w[v]; });
    });
  }
  unrolled<kTiles>([&](auto t) {
    unrolled<kVectors>([&](auto v) { store(to + t * out + v * kLanes, sum[t][v]); });
  });
}

/// sum (kRows, kVectors vectors) += over tiles, of values (tiles, kRows) and gradients (tiles, kVectors vectors).
template <int kRows, int kVectors>
void add_products(const float* value, int value_stride, const float* gradient, int gradient_stride, int tiles,
                  float* sum) {
  Vector total[kRows][kVectors];
  unrolled<kRows>([&](auto r) {
    unrolled<kVectors>([&](auto v) { total[r][v] = load(sum + r * gradient_stride + v * kLanes); });
  });
  for (int t = 0; t < tiles; ++t, value += value_stride, gradient += gradient_stride) {
    Vector g[kVectors];
    unrolled<kVectors>([&](auto v) { g[v] = load(gradient + v * kLanes); });
    unrolled<kRows>([&](auto r) {
      unrolled<kVectors>([&](auto v) { total[r][v] += value[r] * g[v]; });
    });
  }
  unrolled<kRows>([&](auto r) {
    unrolled<kVectors>([&](auto v) { store(sum + r * gradient_stride + v * kLanes, total[r][v]); });
  });
}

/// Calls `work(first, vectors)` for pairs of vectors of channels, and the one that may be left.
template <class Work>
void for_vectors(int stride, const Work& work) {
  int channel = 0;
  for (; channel + 2 * kLanes <= stride; channel += 2 * kLanes) work(channel, std::integral_constant<int, 2>{});
  if (channel < stride) work(channel, std::integral_constant<int, 1>{});
}

/// Gg, along one axis of a filter.
std::array<float, 4> spread(float g0, float g1, float g2) {
  const float even = 0.5f * (g0 + g2), odd = 0.5f * g1;
  return {g0, even + odd, even - odd, g2};
}

/// Its adjoint G'u.
std::array<float, 3> gather(float u0, float u1, float u2, float u3) {
  const float even = 0.5f * (u1 + u2);
  return {u0 + even, 0.5f * (u1 - u2), even + u3};
}

}  // namespace

Maps::Maps(int rows, int cols, int channels)
    : rows_(rows), cols_(cols), stride_(padded_channels(channels)),
      data_(static_cast<std::size_t>(rows + 3) * (cols + 3) * stride_, 0.0f) {}

void Maps::clear() { std::fill(data_.begin(), data_.end(), 0.0f); }

Conv3x3::Conv3x3(std::span<const float> weight, int in, int out)
    : in_(in), out_(padded_channels(out)), weight_(static_cast<std::size_t>(kPoints) * in * out_, 0.0f) {
  for (int o = 0; o < out; ++o) {
    for (int i = 0; i < in; ++i) {
      const float* g = &weight[(static_cast<std::size_t>(o) * in + i) * 9];
      std::array<std::array<float, 4>, 3> half;  // by column
      for (int c = 0; c < 3; ++c) half[c] = spread(g[c], g[3 + c], g[6 + c]);
      for (int r = 0; r < 4; ++r) {
        const std::array<float, 4> points = spread(half[0][r], half[1][r], half[2][r]);
        for (int c = 0; c < 4; ++c) weight_[(static_cast<std::size_t>(4 * r + c) * in + i) * out_ + o] = points[c];
      }
    }
  }
}

Conv3x3 Conv3x3::backward(std::span<const float> weight, int in, int out) {
  std::vector<float> turned(weight.size());
  for (int o = 0; o < out; ++o) {
    for (int i = 0; i < in; ++i) {
      for (int k = 0; k < 9; ++k) turned[(i * out + o) * 9 + 8 - k] = weight[(o * in + i) * 9 + k];
    }
  }
  return {turned, out, in};
}

void Conv3x3::apply(const Maps& from, Maps& to) const {
  const Tiling tiling(from);
  Chunk input(from.stride()), product(out_);
  for (int begin = 0; begin < tiling.count; begin += kChunk) {
    const int count = std::min(kChunk, tiling.count - begin);
    for (int t = 0; t < count; ++t) transform_input(from, tiling.row(begin + t), tiling.col(begin + t), t, input);
    input.clear_from(count);
    for (int point = 0; point < kPoints; ++point) {
      const float* weight = &weight_[static_cast<std::size_t>(point) * in_ * out_];
      for_vectors(out_, [&](int channel, auto vectors) {
        for (int t = 0; t < count; t += kTiles) {
          multiply<vectors>(input.at(point, t), input.stride, weight + channel, in_, out_,
                            product.at(point, t) + channel);
        }
      });
    }
    for (int t = 0; t < count; ++t) transform_output(product, t, tiling.row(begin + t), tiling.col(begin + t), to);
  }
}

WeightGradient::WeightGradient(int in, int out)
    : in_(in), out_(out),
      sum_(static_cast<std::size_t>(kPoints) * padded_channels(in) * padded_channels(out), 0.0f) {}

void WeightGradient::add(const Maps& from, const Maps& to_gradient) {
  constexpr int kRows = 6;
  const Tiling tiling(from);
  Chunk value(from.stride()), gradient(to_gradient.stride());
  for (int begin = 0; begin < tiling.count; begin += kChunk) {
    const int count = std::min(kChunk, tiling.count - begin);
    for (int t = 0; t < count; ++t) {
      transform_input(from, tiling.row(begin + t), tiling.col(begin + t), t, value);
      transform_gradient(to_gradient, tiling.row(begin + t), tiling.col(begin + t), t, gradient);
    }
    for (int point = 0; point < kPoints; ++point) {
      float* sum = &sum_[static_cast<std::size_t>(point) * value.stride * gradient.stride];
      for_vectors(gradient.stride, [&](int channel, auto vectors) {
        const auto add_rows = [&](int row, auto rows) {
          add_products<rows, vectors>(value.at(point, 0) + row, value.stride, gradient.at(point, 0) + channel,
                                      gradient.stride, count, sum + row * gradient.stride + channel);
        };
        int row = 0;
        for (; row + kRows <= value.stride; row += kRows) add_rows(row, std::integral_constant<int, kRows>{});
        for (; row < value.stride; row += 2) add_rows(row, std::integral_constant<int, 2>{});
      });
    }
  }
}

void WeightGradient::add(const WeightGradient& other) {
  for (std::size_t i = 0; i < sum_.size(); ++i) sum_[i] += other.sum_[i];
}

void WeightGradient::write(std::span<float> weight_gradient) const {
  const std::size_t in = padded_channels(in_), out = padded_channels(out_);
  for (int o = 0; o < out_; ++o) {
    for (int i = 0; i < in_; ++i) {
      const auto point = [&](int r, int c) { return sum_[((4 * r + c) * in + i) * out + o]; };
      std::array<std::array<float, 3>, 4> half;  // by column
      for (int c = 0; c < 4; ++c) half[c] = gather(point(0, c), point(1, c), point(2, c), point(3, c));
      for (int r = 0; r < 3; ++r) {
        const std::array<float, 3> filter = gather(half[0][r], half[1][r], half[2][r], half[3][r]);
        std::copy(filter.begin(), filter.end(), &weight_gradient[(static_cast<std::size_t>(o) * in_ + i) * 9 + 3 * r]);
      }
    }
  }
}

}  // namespace policynet
