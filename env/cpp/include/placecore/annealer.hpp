// Exact accept/reject search over hard and soft macros.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "placecore/incremental.hpp"
#include "placecore/legality.hpp"
#include "placecore/rng.hpp"

namespace placecore {

enum class MoveKind {
  hard_shift, hard_median, hard_align, hard_swap, hard_flip, soft_shift, soft_median, soft_pull, soft_swap
};
constexpr int kMoveKinds = 9;
constexpr std::array<const char*, kMoveKinds> kMoveNames = {
    "hard_shift", "hard_median", "hard_align", "hard_swap", "hard_flip",
    "soft_shift", "soft_median", "soft_pull", "soft_swap",
};

struct MoveCounts {
  std::array<long, kMoveKinds> proposed{}, accepted{};
};

struct Snapshot {
  std::vector<double> x, y;
  std::vector<std::uint8_t> orientation;
  Costs costs;
  double proxy;
};

/// One chain of moves. Hard macros stay legal in every state; soft macros stay inside the canvas.
class Annealer {
 public:
  /// `hard` and `soft`: the nodes that may move. The hard macros must be legal.
  /// `on_cells`: hard macros move to where they cover whole cells only and are not turned, as in an episode of the policy.
  Annealer(IncrementalCost cost, HardMacros macros, std::vector<int> hard, std::vector<int> soft, std::uint64_t seed,
           bool on_cells = false);

  /// Proposes `count` moves at this temperature (of the proxy cost) and adapts the step sizes.
  /// `guide`: see `IncrementalCost::set_guide`. `least_hope`: see `IncrementalCost::propose`; where the temperature is
  /// much lower than what moves change, it says nothing of what may be hoped for.
  void run(long count, double temperature, double guide = 0.0, double least_hope = 0.0);

  const Snapshot& best() const { return best_; }
  double proxy() const { return cost_.proxy(); }
  const Costs& costs() const { return cost_.costs(); }
  const MoveCounts& counts() const { return counts_; }
  /// Goes on from where the other chain is.
  void adopt(const Annealer& other);
  /// From now on moves these soft macros only, and hard ones in so large a share of its moves.
  void restrict(std::span<const int> soft, double hard_share);
  /// Puts the macros that the other chain moves where that one has them. Of those this one must move none.
  void take(const Annealer& other);

  static constexpr double kHardShare = 0.3;  // of the moves; the rest moves soft macros

 private:
  struct Step {  // of shifts, as a share of the canvas; adapted to the acceptance
    double size;
    long proposed = 0, accepted = 0;
    void adapt();
  };

  MoveKind draw_kind();
  bool attempt(MoveKind kind);
  bool shift_hard(int node, double x, double y);
  Point beside_another(int rank);
  bool swap_hard(int node);
  bool flip_hard(int node);
  bool move_soft(int node, double x, double y);
  bool swap_soft(int node);
  Point inside(int node, Point centre) const;
  Point snapped(int node, Point centre) const;
  Point median_of(int node);
  Point random_net_point(int node);
  bool try_moves(std::span<const Move> moves);
  double accept_limit();
  void keep_best();

  IncrementalCost cost_;
  HardMacros macros_;
  std::vector<int> hard_, soft_;
  std::vector<std::vector<int>> same_size_;  // by rank in hard_: the other macros of the same size
  Rng rng_;
  bool on_cells_;
  double temperature_ = 0.0, hope_ = 0.0, hard_share_ = kHardShare;
  Step hard_step_{0.1}, soft_step_{0.1};
  MoveCounts counts_;
  std::vector<Move> moves_;  // that another chain made
  Snapshot best_;
};

}  // namespace placecore
