#include "placecore/search.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <thread>

namespace placecore {

namespace {

constexpr long kBatch = 512;  // moves between looks at the clock

using Clock = std::chrono::steady_clock;

void anneal(Annealer& chain, double from, double to, double seconds, long moves, double guide) {
  const auto start = Clock::now();
  long done = 0;
  while (done < moves) {
    const double elapsed = std::chrono::duration<double>(Clock::now() - start).count();
    if (elapsed >= seconds) break;
    const double progress = std::max(elapsed / seconds, static_cast<double>(done) / static_cast<double>(moves));
    const long count = std::min(kBatch, moves - done);
    chain.run(count, from * std::pow(to / from, progress), guide);
    done += count;
  }
}

std::vector<int> movable_nodes(const Netlist& netlist, const PlacementView& placement,
                               std::span<const std::uint8_t> movable, bool hard) {
  std::vector<int> nodes;
  for (int node = 0; node < netlist.num_nodes(); ++node) {
    if (movable[node] && placement.placed[node] && (hard ? netlist.is_hard(node) : netlist.is_soft(node))) {
      nodes.push_back(node);
    }
  }
  return nodes;
}

}  // namespace

Search::Search(const Design& design, const PlacementView& placement, std::span<const std::uint8_t> movable,
               Weights weights, std::uint64_t seed, int num_threads) {
  const auto nets = std::make_shared<const NetModel>(design, placement.placed);
  const IncrementalCost cost(design, nets, placement, weights);
  const HardMacros macros(design, placement);
  const auto hard = movable_nodes(design.netlist, placement, movable, true);
  const auto soft = movable_nodes(design.netlist, placement, movable, false);
  for (int thread = 0; thread < std::max(1, num_threads); ++thread) {
    chains_.emplace_back(cost, macros, hard, soft, seed * 1000003ULL + thread);
    guided_.push_back(thread % 2 == 1);
  }
}

void Search::run(double from, double to, double seconds, long moves, double guide) {
  std::vector<std::jthread> threads;
  for (std::size_t i = 1; i < chains_.size(); ++i) {
    threads.emplace_back([&, i] { anneal(chains_[i], from, to, seconds, moves, guided_[i] ? guide : 0.0); });
  }
  anneal(chains_.front(), from, to, seconds, moves, guided_.front() ? guide : 0.0);
}

void Search::share() {
  const auto [best, worst] = std::minmax_element(
      chains_.begin(), chains_.end(), [](const Annealer& a, const Annealer& b) { return a.proxy() < b.proxy(); });
  if (best == worst) return;
  worst->adopt(*best);
  guided_[worst - chains_.begin()] = guided_[best - chains_.begin()];
}

const Snapshot& Search::best() const {
  return std::min_element(chains_.begin(), chains_.end(), [](const Annealer& a, const Annealer& b) {
           return a.best().proxy < b.best().proxy;
         })->best();
}

const Annealer& Search::leader() const {
  return *std::min_element(chains_.begin(), chains_.end(),
                           [](const Annealer& a, const Annealer& b) { return a.proxy() < b.proxy(); });
}

MoveCounts Search::counts() const {
  MoveCounts total;
  for (const Annealer& chain : chains_) {
    for (int kind = 0; kind < kMoveKinds; ++kind) {
      total.proposed[kind] += chain.counts().proposed[kind];
      total.accepted[kind] += chain.counts().accepted[kind];
    }
  }
  return total;
}

}  // namespace placecore
