#include "placecore/search.hpp"

#include <algorithm>
#include <barrier>
#include <chrono>
#include <cmath>
#include <numeric>
#include <optional>
#include <thread>

namespace placecore {

namespace {

constexpr long kBatch = 64, kRoundBatch = 16;  // moves between looks at the clock, and in rounds of joined chains
// How long joined chains work on their own. In longer rounds each repairs the same crowded cells, and what they put
// together is worse than what they began with.
constexpr double kRoundSeconds = 0.0005;
constexpr long kRoundMoves = 200;
constexpr std::size_t kLeastSoftMacros = 8;  // of each chain
constexpr double kMostHardShare = 0.9;       // of the moves of the chain that moves the hard macros

using Clock = std::chrono::steady_clock;

void anneal(Annealer& chain, double from, double to, double seconds, long moves, double guide, long batch) {
  const auto start = Clock::now();
  long done = 0;
  while (done < moves) {
    const double elapsed = std::chrono::duration<double>(Clock::now() - start).count();
    if (elapsed >= seconds) break;
    const double progress = std::max(elapsed / seconds, static_cast<double>(done) / static_cast<double>(moves));
    const long count = std::min(batch, moves - done);
    chain.run(count, from * std::pow(to / from, progress), guide);
    done += count;
  }
}

/// Does the work of each chain on a thread of its own, the first one's on this one.
template <class Work>
void on_threads(std::size_t count, const Work& work) {
  std::vector<std::jthread> threads;
  for (std::size_t i = 1; i < count; ++i) threads.emplace_back(work, i);
  work(0);
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
               Weights weights, std::uint64_t seed, int num_threads, bool guided, bool on_cells)
    : rng_(seed) {
  const auto nets = std::make_shared<const NetModel>(design, placement.placed);
  const IncrementalCost cost(design, nets, placement, weights);
  const HardMacros macros(design, placement);
  const auto hard = movable_nodes(design.netlist, placement, movable, true);
  const auto soft = movable_nodes(design.netlist, placement, movable, false);
  for (int thread = 0; thread < std::max(1, num_threads); ++thread) {
    chains_.emplace_back(cost, macros, hard, soft, seed * 1000003ULL + thread, on_cells);
    guided_.push_back((thread % 2 == 1) != guided);
  }
  soft_ = soft;
  num_hard_ = hard.size();
}

void Search::run(double from, double to, double seconds, long moves, double guide) {
  if (joined_) return run_joined(from, to, seconds, moves, guide);
  on_threads(chains_.size(), [&](std::size_t i) {
    anneal(chains_[i], from, to, seconds, moves, guided_[i] ? guide : 0.0, kBatch);
  });
}

void Search::run_joined(double from, double to, double seconds, long moves, double guide) {
  const auto start = Clock::now();
  const bool timed = std::isfinite(seconds);
  const long before = proposed(), chains = static_cast<long>(chains_.size());
  struct Round {
    double temperature, seconds;
    long moves;
  };
  std::optional<Round> round;
  const auto next = [&]() noexcept {
    const double elapsed = std::chrono::duration<double>(Clock::now() - start).count();
    const long done = (proposed() - before) / chains;
    round.reset();
    if (done >= moves || elapsed >= seconds) return;
    deal();
    const double progress = std::max(elapsed / seconds, static_cast<double>(done) / static_cast<double>(moves));
    const double length = timed ? std::min(kRoundSeconds, seconds - elapsed) : seconds;
    const long count = timed ? moves - done : std::min(kRoundMoves, moves - done);
    round = {from * std::pow(to / from, progress), length, count};
  };
  next();
  std::barrier moved(static_cast<std::ptrdiff_t>(chains_.size()));
  std::barrier taken(static_cast<std::ptrdiff_t>(chains_.size()), next);
  on_threads(chains_.size(), [&](std::size_t i) {
    while (round) {
      anneal(chains_[i], round->temperature, round->temperature, round->seconds, round->moves,
             guided_[i] ? guide : 0.0, kRoundBatch);
      moved.arrive_and_wait();
      // Each reads of the others only where they have put macros of their own, which none of them changes any more.
      for (std::size_t other = 0; other < chains_.size(); ++other) {
        if (other != i) chains_[i].take(chains_[other]);
      }
      taken.arrive_and_wait();
    }
  });
}

void Search::join() {
  if (joined_) return;
  const auto best = std::min_element(chains_.begin(), chains_.end(),
                                     [](const Annealer& a, const Annealer& b) { return a.proxy() < b.proxy(); });
  guided_.assign(chains_.size(), guided_[best - chains_.begin()]);
  for (auto chain = chains_.begin(); chain != chains_.end(); ++chain) {
    if (chain != best) chain->adopt(*best);
  }
  // With few soft macros there is nothing to divide: the chains go on as before, until they are joined again.
  joined_ = chains_.size() > 1 && soft_.size() >= kLeastSoftMacros * chains_.size();
}

/// The first chain gets the hard macros, and soft ones for the time that it has left beside them.
void Search::deal() {
  for (std::size_t i = soft_.size(); i > 1; --i) std::swap(soft_[i - 1], soft_[rng_.index(static_cast<int>(i))]);
  const double chains = static_cast<double>(chains_.size());
  const double hard_share = num_hard_ == 0 ? 0.0 : std::min(kMostHardShare, Annealer::kHardShare * chains);
  const double first = (1.0 - hard_share) / (chains - hard_share);
  auto from = soft_.begin();
  for (std::size_t i = 0; i < chains_.size(); ++i) {
    const double end = first + (1.0 - first) * static_cast<double>(i) / (chains - 1.0);
    const auto to = soft_.begin() + std::lround(end * static_cast<double>(soft_.size()));
    chains_[i].restrict({from, to}, i == 0 ? hard_share : 0.0);
    from = to;
  }
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

long Search::proposed() const {
  const MoveCounts total = counts();
  return std::accumulate(total.proposed.begin(), total.proposed.end(), 0L);
}

}  // namespace placecore
