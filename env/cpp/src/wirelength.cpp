#include "placecore/wirelength.hpp"

#include <algorithm>

namespace placecore {

void PinPositions::compute(const Netlist& netlist, const PlacementView& placement) {
  const int num_pins = netlist.num_pins();
  x.resize(num_pins);
  y.resize(num_pins);
  placed.resize(num_pins);
  for (int pin = 0; pin < num_pins; ++pin) {
    const int node = netlist.pin_node[pin];
    const Point offset = turn(netlist.pin_dx[pin], netlist.pin_dy[pin], placement.orientation[node]);
    x[pin] = placement.x[node] + offset.x;
    y[pin] = placement.y[node] + offset.y;
    placed[pin] = placement.placed[node];
  }
}

double wirelength(const Design& design, const PinPositions& pins) {
  const Netlist& netlist = design.netlist;
  const double half_perimeter = design.canvas.width + design.canvas.height;
  double total = 0.0;
  for (int net = 0; net < netlist.num_nets(); ++net) {
    const int begin = netlist.net_start[net], end = netlist.net_start[net + 1];
    const int driver = netlist.net_pin[begin];
    if (!pins.placed[driver]) {
      total += half_perimeter;
      continue;
    }
    double lx = pins.x[driver], ux = lx, ly = pins.y[driver], uy = ly;
    bool all_placed = true;
    for (int k = begin + 1; k < end; ++k) {
      const int pin = netlist.net_pin[k];
      all_placed &= pins.placed[pin] != 0;
      lx = std::min(lx, pins.x[pin]);
      ux = std::max(ux, pins.x[pin]);
      ly = std::min(ly, pins.y[pin]);
      uy = std::max(uy, pins.y[pin]);
    }
    total += netlist.net_weight[net] * (all_placed ? (ux - lx) + (uy - ly) : half_perimeter);
  }
  return total;
}

double wirelength_cost(const Design& design, double wirelength) {
  const double scale = (design.canvas.width + design.canvas.height) * design.total_net_weight;
  return scale > 0.0 ? wirelength / scale : 0.0;
}

}  // namespace placecore
