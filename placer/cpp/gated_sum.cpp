#include "gated_sum.hpp"

#include <algorithm>
#include <vector>

#include "deal.hpp"
#include "vector.hpp"

namespace policynet {

namespace {

/// Some neighbouring channels, one vector of them; lanes beyond the last channel are zero.
struct Slice {
  int channels, begin, count;

  /// (rows, kLanes) of (rows, channels).
  std::vector<float> take_rows(std::span<const float> rows) const {
    const std::size_t number = rows.size() / channels;
    std::vector<float> lanes(number * kLanes, 0.0f);
    for (std::size_t r = 0; r < number; ++r) std::copy_n(&rows[r * channels + begin], count, &lanes[r * kLanes]);
    return lanes;
  }

  Vector take(std::span<const float> row) const { return load(take_rows(row).data()); }

  void put_rows(const std::vector<float>& lanes, std::span<float> rows) const {
    const std::size_t number = rows.size() / channels;
    for (std::size_t r = 0; r < number; ++r) std::copy_n(&lanes[r * kLanes], count, &rows[r * channels + begin]);
  }
};

/// Calls `work(slice)` for all slices of the channels, dealt to threads.
template <class Work>
void for_slices(int channels, int threads, const Work& work) {
  const int slices = (channels + kLanes - 1) / kLanes;
  deal(slices, threads, [&](int thread, int dealt) {
    for (int s = thread; s < slices; s += dealt) {
      work(Slice{channels, s * kLanes, std::min(kLanes, channels - s * kLanes)});
    }
  });
}

}  // namespace

void gated_sum(const Edges& edges, const Gate& gate, std::span<const float> from, std::span<float> to, int threads) {
  for_slices(static_cast<int>(gate.bias.size()), threads, [&](const Slice& slice) {
    const Vector weight = slice.take(gate.weight), bias = slice.take(gate.bias);
    const std::vector<float> sent = slice.take_rows(from);
    std::vector<float> received(sent.size(), 0.0f);
    for (std::size_t e = 0; e < edges.share.size(); ++e) {
      const Vector open = sigmoid(weight * edges.log_weight[e] + bias);
      float* at = &received[edges.target[e] * kLanes];
      store(at, load(at) + edges.share[e] * open * load(&sent[edges.source[e] * kLanes]));
    }
    slice.put_rows(received, to);
  });
}

void gated_sum_gradient(const Edges& edges, const Gate& gate, std::span<const float> from,
                        std::span<const float> to_gradient, std::span<float> from_gradient,
                        std::span<float> weight_gradient, std::span<float> bias_gradient, int threads) {
  constexpr std::size_t kChunk = 512;  // edges that are summed in single precision
  for_slices(static_cast<int>(gate.bias.size()), threads, [&](const Slice& slice) {
    const Vector weight = slice.take(gate.weight), bias = slice.take(gate.bias);
    const std::vector<float> sent = slice.take_rows(from), received_gradient = slice.take_rows(to_gradient);
    std::vector<float> sent_gradient(sent.size(), 0.0f);
    double of_weight[kLanes] = {}, of_bias[kLanes] = {};
    for (std::size_t begin = 0; begin < edges.share.size(); begin += kChunk) {
      Vector chunk_weight{}, chunk_bias{};
      for (std::size_t e = begin; e < std::min(begin + kChunk, edges.share.size()); ++e) {
        const Vector open = sigmoid(weight * edges.log_weight[e] + bias);
        const std::size_t source = edges.source[e] * kLanes;
        const Vector passed = edges.share[e] * open * load(&received_gradient[edges.target[e] * kLanes]);
        store(&sent_gradient[source], load(&sent_gradient[source]) + passed);
        const Vector opened = passed * (1.0f - open) * load(&sent[source]);
        chunk_weight += opened * edges.log_weight[e];
        chunk_bias += opened;
      }
      for (int lane = 0; lane < kLanes; ++lane) {
        of_weight[lane] += chunk_weight[lane];
        of_bias[lane] += chunk_bias[lane];
      }
    }
    slice.put_rows(sent_gradient, from_gradient);
    for (int lane = 0; lane < slice.count; ++lane) {
      weight_gradient[slice.begin + lane] = static_cast<float>(of_weight[lane]);
      bias_gradient[slice.begin + lane] = static_cast<float>(of_bias[lane]);
    }
  });
}

}  // namespace policynet
