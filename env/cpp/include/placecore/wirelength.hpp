#pragma once

#include <vector>

#include "placecore/design.hpp"

namespace placecore {

/// Where the pins of a placement lie.
struct PinPositions {
  std::vector<double> x, y;           // (P) um
  std::vector<std::uint8_t> placed;   // (P)

  void compute(const Netlist& netlist, const PlacementView& placement);
};

/// Sum over nets of weight * half-perimeter, um. A net whose driver is unplaced counts width + height of the
/// canvas; one with an unplaced sink counts weight times that.
double wirelength(const Design& design, const PinPositions& pins);

/// Wirelength / ((width + height) * sum of net weights).
double wirelength_cost(const Design& design, double wirelength);

}  // namespace placecore
