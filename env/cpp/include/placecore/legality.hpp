#pragma once

#include <span>
#include <string>
#include <vector>

#include "placecore/design.hpp"

namespace placecore {

/// Least gap between hard macros, um; float32 readers still see no overlap.
constexpr double kMinGap = 1e-3;
/// Least distance of a hard macro to the edge of the canvas, um; six printed decimals keep it inside.
constexpr double kEdgeMargin = 1e-6;

inline bool overlaps(const Box& a, const Box& b, double gap) {
  return a.lx < b.ux + gap && b.lx < a.ux + gap && a.ly < b.uy + gap && b.ly < a.uy + gap;
}

/// The hard macros' outlines, and whether another one fits among them.
class HardMacros {
 public:
  HardMacros(const Design& design, const PlacementView& placement);

  /// Whether the macro may have this outline: inside the canvas, off blockages, apart from every other hard macro that
  /// is placed (but `ignored`, a node that moves with it).
  bool fits(int node, const Box& box, int ignored = -1) const;
  void put(int node, const Box& box);
  Box box(int node) const;
  double gap() const { return gap_; }
  /// Whether every hard macro that is placed fits where it is.
  bool all_fit() const;

 private:
  const Canvas* canvas_;
  double gap_;
  std::vector<int> nodes_, rank_;
  std::vector<double> lx_, ly_, ux_, uy_;  // by rank
};

struct Legalized {
  bool found;
  std::vector<double> x, y;  // (N)
  int blocked_node;          // the macro for which no place was found, or -1
};

/// Moves hard macros that are neither fixed nor legal to near places at which they are; the others stay.
Legalized legalize(const Design& design, const PlacementView& placement, std::span<const std::uint8_t> fixed);

}  // namespace placecore
