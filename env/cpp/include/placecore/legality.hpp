#pragma once

#include <algorithm>
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

/// By how much a fixed macro, which nobody can move, may stick out of the canvas, and overlap another one or a blockage.
constexpr double kFixedEdge = 1e-2, kFixedOverlap = 1e-4;

/// What hard macros keep to beside one another: the one home of margins, gaps and the snapping grid.
class Rules {
 public:
  explicit Rules(const Design& design);

  /// Whether the outline is inside the canvas by the margin, off the blockages and on the grid.
  bool allow(const Box& box) const;
  bool inside(const Box& box) const {
    return box.lx >= margin_ && box.ly >= margin_ && box.ux <= canvas_->width - margin_ &&
           box.uy <= canvas_->height - margin_;
  }
  /// What two macros, the larger of the two counts, keep between them.
  double halo(int node) const { return std::max(design_->netlist.halo[node], kMinGap) - slack_; }
  double gap(int a, int b) const { return std::max(halo(a), halo(b)); }
  double blockage_gap() const { return -slack_; }
  bool snaps() const { return snaps_; }
  /// The centre moved so that the lower left corner is the nearest one on the grid, inside the margins if there is one.
  Point snap(Point centre, double half_w, double half_h) const;
  /// Along an axis, the least (largest) centre on the grid that is not below (above) the given one.
  double up(double centre, double half, const Pitch& pitch) const;
  double down(double centre, double half, const Pitch& pitch) const;
  double nearest(double centre, double half, const Pitch& pitch) const;
  /// Where an episode puts a macro that goes to a grid cell: off the cell's centre by so much, and moved so that the lower
  /// left corner lies on the snapping grid if there is one.
  Point at_cell(int col, int row, double half_w, double half_h, Point offset) const;
  /// Off a cell's centre, to where the macro with its halo covers least of other cells: on the left edge of the cell if
  /// it takes an even number of columns, on the lower one if it takes an even number of rows.
  Point whole_cells(int node, double half_w, double half_h) const;
  const Canvas& canvas() const { return *canvas_; }

 private:
  const Design* design_;
  const Canvas* canvas_;
  bool snaps_;
  double slack_;   // where corners lie on a grid, distances are often exact, and rounding must not forbid them
  double margin_;  // to the edge of the canvas
};

/// The hard macros' outlines, and whether another one fits among them.
class HardMacros {
 public:
  HardMacros(const Design& design, const PlacementView& placement);

  /// Whether the macro may have this outline: inside the canvas, off blockages, on the grid, and apart from every other
  /// hard macro that is placed (but `ignored`, a node that moves with it).
  bool fits(int node, const Box& box, int ignored = -1) const;
  void put(int node, const Box& box);
  Box box(int node) const;
  const Rules& rules() const { return rules_; }
  /// Whether every hard macro that is placed fits where it is. Fixed ones need only not overlap.
  bool all_fit(std::span<const std::uint8_t> fixed) const;

 private:
  bool fixed_fits(int node, std::span<const std::uint8_t> fixed) const;

  Rules rules_;
  bool uniform_;  // all halos are the same
  std::vector<int> nodes_, rank_;
  std::vector<double> lx_, ly_, ux_, uy_, halo_;  // by rank
};

struct Legalized {
  bool found;
  std::vector<double> x, y;  // (N)
  int blocked_node;          // the macro for which no place was found, or -1
};

/// Moves hard macros that are neither fixed nor legal to near places at which they are; the others stay.
Legalized legalize(const Design& design, const PlacementView& placement, std::span<const std::uint8_t> fixed);

}  // namespace placecore
