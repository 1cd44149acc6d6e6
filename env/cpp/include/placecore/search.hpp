#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "placecore/annealer.hpp"

namespace placecore {

/// Several chains of one design, each on its own thread.
class Search {
 public:
  /// `movable`: (N) flags; the movable hard macros must be legal.
  /// `guided`: the first chain is, and of the others every other one. `on_cells`: see `Annealer`.
  Search(const Design& design, const PlacementView& placement, std::span<const std::uint8_t> movable, Weights weights,
         std::uint64_t seed, int num_threads, bool guided = false, bool on_cells = false);

  /// Anneals all chains from one temperature to the other, geometrically, for so many seconds or moves a chain,
  /// whichever ends first. Bounded by moves alone the result depends on nothing but seed and number of threads; so does
  /// that of a single chain whose moves end first.
  /// `guide` (see `IncrementalCost::set_guide`) is for every other chain until chains join: it helps some designs and
  /// harms others.
  void run(double from, double to, double seconds, long moves, double guide = 0.0);
  /// From now on the chains work on one placement, that of the best one, guided if that is: in rounds of half
  /// a thousandth of a second each moves macros of its own, the first one all hard ones, and then they are put together.
  void join();

  const Snapshot& best() const;
  /// Where the best chain stands.
  double proxy() const { return leader().proxy(); }
  const Costs& costs() const { return leader().costs(); }
  MoveCounts counts() const;
  /// By all chains.
  long proposed() const;

 private:
  const Annealer& leader() const;
  void run_joined(double from, double to, double seconds, long moves, double guide);
  void deal();

  std::vector<Annealer> chains_;
  std::vector<bool> guided_;  // by chain
  std::vector<int> soft_;     // that may move
  std::size_t num_hard_;      // that may move
  bool joined_ = false;
  Rng rng_;
};

}  // namespace placecore
