#include "grid_net.hpp"

#include <algorithm>

#include "deal.hpp"

namespace policynet {

namespace {

/// Adds a shift and, where there is one, a residual to all cells.
void add(Maps& maps, const float* shift, const Maps* residual) {
  for (int row = 0; row < maps.rows(); ++row) {
    for (int col = 0; col < maps.cols(); ++col) {
      float* cell = maps.at(row, col);
      for (int channel = 0; channel < maps.stride(); channel += kLanes) {
        Vector sum = load(cell + channel) + load(shift + channel);
        if (residual) sum += load(residual->at(row, col) + channel);
        store(cell + channel, sum);
      }
    }
  }
}

void activate(Maps& maps) {
  for (int row = 0; row < maps.rows(); ++row) {
    float* first = maps.at(row, 0);
    for (int i = 0; i < maps.cols() * maps.stride(); i += kLanes) store(first + i, silu(load(first + i)));
  }
}

/// Multiplies a gradient by that of SiLU at `before`.
void activate_gradient(Maps& gradient, const Maps& before) {
  for (int row = 0; row < before.rows(); ++row) {
    float* first = gradient.at(row, 0);
    const float* from = before.at(row, 0);
    for (int i = 0; i < before.cols() * before.stride(); i += kLanes) {
      const Vector x = load(from + i), open = sigmoid(x);
      store(first + i, load(first + i) * open * (1.0f + x * (1.0f - open)));
    }
  }
}

/// One sample of an array (B, rows, cols, channels).
class Sample {
 public:
  Sample(const Grids& grids, int index, int channels)
      : rows_(static_cast<int>(grids.own_rows[index])), cols_(static_cast<int>(grids.own_cols[index])),
        padded_rows_(grids.rows), padded_cols_(grids.cols), channels_(channels),
        begin_(static_cast<std::size_t>(index) * grids.rows * grids.cols * channels) {}

  Maps maps() const { return {rows_, cols_, channels_}; }

  Maps read(std::span<const float> array) const {
    Maps made = maps();
    for (int row = 0; row < rows_; ++row) {
      const float* from = &array[begin_ + offset(row)];
      if (channels_ == made.stride()) {
        std::copy_n(from, cols_ * channels_, made.at(row, 0));
      } else {
        for (int col = 0; col < cols_; ++col) std::copy_n(from + col * channels_, channels_, made.at(row, col));
      }
    }
    return made;
  }

  void write(const Maps& maps, std::span<float> array) const {
    for (int row = 0; row < padded_rows_; ++row) {
      float* to = &array[begin_ + offset(row)];
      const int cols = row < rows_ ? cols_ : 0;
      if (channels_ == maps.stride()) {
        std::copy_n(maps.at(row, 0), cols * channels_, to);
      } else {
        for (int col = 0; col < cols; ++col) std::copy_n(maps.at(row, col), channels_, to + col * channels_);
      }
      std::fill_n(to + cols * channels_, (padded_cols_ - cols) * channels_, 0.0f);
    }
  }

 private:
  std::size_t offset(int row) const { return static_cast<std::size_t>(row) * padded_cols_ * channels_; }
  int rows_, cols_, padded_rows_, padded_cols_, channels_;
  std::size_t begin_;
};

}  // namespace

GridLayer::GridLayer(const Weights& weights, const std::string& name, int in, int out)
    : conv_(find(weights, name + ".weight", {out, in, 3, 3}), in, out), bias_(find(weights, name + ".bias", {out})) {
  bias_.resize(conv_.out(), 0.0f);
}

void GridLayer::apply(const Maps& from, const float* shift, const Maps* residual, Maps& to) const {
  std::vector<float> sum(bias_);
  for (std::size_t c = 0; c < sum.size(); ++c) sum[c] += shift[c];
  conv_.apply(from, to);
  add(to, sum.data(), residual);
  activate(to);
}

void grid_layer(const LayerInput& input, std::span<const float> shift, std::span<const float> residual,
                std::span<float> before, std::span<float> after, int threads) {
  const Conv3x3 conv(input.weight, input.in, input.out);
  deal(input.grids.count(), threads, [&](int thread, int dealt) {
    std::vector<float> padded_shift(conv.out(), 0.0f);
    for (int b = thread; b < input.grids.count(); b += dealt) {
      const Sample sample(input.grids, b, input.out);
      Maps to = sample.maps();
      conv.apply(Sample(input.grids, b, input.in).read(input.from), to);
      std::copy_n(&shift[static_cast<std::size_t>(b) * input.out], input.out, padded_shift.begin());
      if (residual.empty()) {
        add(to, padded_shift.data(), nullptr);
      } else {
        const Maps other = sample.read(residual);
        add(to, padded_shift.data(), &other);
      }
      sample.write(to, before);
      activate(to);
      sample.write(to, after);
    }
  });
}

void grid_layer_gradient(const LayerInput& input, std::span<const float> before, std::span<const float> after_gradient,
                         std::span<float> from_gradient, std::span<float> weight_gradient,
                         std::span<float> shift_gradient, std::span<float> residual_gradient, int threads) {
  const Conv3x3 backward = Conv3x3::backward(input.weight, input.in, input.out);
  std::vector<WeightGradient> sums(std::max(1, threads), WeightGradient(input.in, input.out));
  deal(input.grids.count(), threads, [&](int thread, int dealt) {
    for (int b = thread; b < input.grids.count(); b += dealt) {
      const Sample from(input.grids, b, input.in), to(input.grids, b, input.out);
      Maps gradient = to.read(after_gradient);
      activate_gradient(gradient, to.read(before));
      if (!residual_gradient.empty()) to.write(gradient, residual_gradient);
      const auto of_shift = shift_gradient.subspan(static_cast<std::size_t>(b) * input.out, input.out);
      std::fill(of_shift.begin(), of_shift.end(), 0.0f);
      for (int row = 0; row < gradient.rows(); ++row) {
        for (int col = 0; col < gradient.cols(); ++col) {
          for (int c = 0; c < input.out; ++c) of_shift[c] += gradient.at(row, col)[c];
        }
      }
      Maps read = from.read(input.from);
      sums[thread].add(read, gradient);
      backward.apply(gradient, read);
      from.write(read, from_gradient);
    }
  });
  for (std::size_t thread = 1; thread < sums.size(); ++thread) sums[0].add(sums[thread]);
  sums[0].write(weight_gradient);
}

}  // namespace policynet
