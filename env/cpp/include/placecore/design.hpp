// What every kernel reads: the netlist as flat arrays, the canvas, and a view of a placement.
// Microns, origin lower left, positions are centres, grids are (row, col) with row 0 at the bottom.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

namespace placecore {

enum class Kind : std::uint8_t { port = 0, hard_macro = 1, soft_macro = 2, stdcell = 3 };

struct Box {
  double lx, ly, ux, uy;
};

struct Point {
  double x, y;
};

struct Grid {
  int cols, rows;
  double cell_width, cell_height;

  int size() const { return cols * rows; }
  Point centre(int col, int row) const { return {(col + 0.5) * cell_width, (row + 0.5) * cell_height}; }
  /// Column or row of a place, the outermost one where it is beyond: far beyond it would be none that an int holds.
  int nearest_col(double x) const { return static_cast<int>(std::clamp(x / cell_width, 0.0, cols - 1.0)); }
  int nearest_row(double y) const { return static_cast<int>(std::clamp(y / cell_height, 0.0, rows - 1.0)); }
};

/// Where lower left corners of hard macros may lie along an axis; a pitch of 0: anywhere.
struct Pitch {
  double pitch = 0.0, offset = 0.0;
};

struct Canvas {
  double width, height;
  int cols, rows;
  double routes_hor, routes_ver;              // supply, routes per um
  double macro_routes_hor, macro_routes_ver;  // used up by hard macros, routes per um
  int smoothing;
  int congestion_cols, congestion_rows;
  double halo;
  std::vector<Box> blockages;
  double boundary = 0.0;  // least distance of hard macros to the edge, um
  Pitch snap_x, snap_y;

  double cell_width() const { return width / cols; }
  double cell_height() const { return height / rows; }
  Grid grid() const { return {cols, rows, width / cols, height / rows}; }
  Grid congestion_grid() const {
    return {congestion_cols, congestion_rows, width / congestion_cols, height / congestion_rows};
  }
};

/// Flat arrays of a netlist; see `netlists.Netlist` for their meaning.
struct Netlist {
  std::vector<std::uint8_t> kind;         // (N)
  std::vector<double> width, height;      // (N) in orientation N
  std::vector<int> pin_node;              // (P)
  std::vector<double> pin_dx, pin_dy;     // (P) in orientation N
  std::vector<int> net_start, net_pin;    // (E + 1), (...)
  std::vector<double> net_weight;         // (E)
  std::vector<double> halo;               // (N) least gap to other hard macros, um; `Design` fills in the canvas' own
  std::vector<std::uint8_t> allowed;      // (N) bit k: orientation k is allowed; `Design` fills in all

  int num_nodes() const { return static_cast<int>(kind.size()); }
  int num_pins() const { return static_cast<int>(pin_node.size()); }
  int num_nets() const { return static_cast<int>(net_weight.size()); }
  Kind kind_of(int node) const { return static_cast<Kind>(kind[node]); }
  bool is_hard(int node) const { return kind_of(node) == Kind::hard_macro; }
  bool allows(int node, std::uint8_t orientation) const { return (allowed[node] >> orientation & 1) != 0; }
  bool is_soft(int node) const { return kind[node] >= static_cast<std::uint8_t>(Kind::soft_macro); }
};

struct Design {
  Netlist netlist;
  Canvas canvas;
  double total_net_weight;

  Design(Netlist netlist_, Canvas canvas_);
};

struct PlacementView {
  std::span<const double> x, y;                 // (N) centres
  std::span<const std::uint8_t> orientation;    // (N)
  std::span<const std::uint8_t> placed;         // (N)
};

/// Orientation codes 4 and above (E, W, FE, FW) swap width and height.
inline bool swaps_size(std::uint8_t orientation) { return orientation >= 4; }

/// Pin offset as the macro lies; the table is DESIGN's, codes N FN S FS E W FE FW.
inline Point turn(double dx, double dy, std::uint8_t orientation) {
  switch (orientation) {
    case 1: return {-dx, dy};
    case 2: return {-dx, -dy};
    case 3: return {dx, -dy};
    case 4: return {dy, -dx};
    case 5: return {-dy, dx};
    case 6: return {-dy, -dx};
    case 7: return {dy, dx};
    default: return {dx, dy};
  }
}

/// Outline of a node whose centre is at (x, y).
inline Box outline(const Netlist& netlist, int node, double x, double y, std::uint8_t orientation) {
  double half_w = 0.5 * netlist.width[node], half_h = 0.5 * netlist.height[node];
  if (swaps_size(orientation)) std::swap(half_w, half_h);
  return {x - half_w, y - half_h, x + half_w, y + half_h};
}

}  // namespace placecore
