#include "placecore/design.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace placecore {

namespace {

/// Orders the nets by their number of pins: loops over nets then branch predictably.
Netlist sort_nets(Netlist netlist) {
  const auto degree = [&](int net) { return netlist.net_start[net + 1] - netlist.net_start[net]; };
  std::vector<int> order(netlist.num_nets());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return degree(a) < degree(b); });
  std::vector<int> net_start{0}, net_pin;
  std::vector<double> net_weight;
  for (const int net : order) {
    const auto first = netlist.net_pin.begin() + netlist.net_start[net];
    net_pin.insert(net_pin.end(), first, first + degree(net));
    net_start.push_back(static_cast<int>(net_pin.size()));
    net_weight.push_back(netlist.net_weight[net]);
  }
  netlist.net_start = std::move(net_start);
  netlist.net_pin = std::move(net_pin);
  netlist.net_weight = std::move(net_weight);
  return netlist;
}

}  // namespace

Design::Design(Netlist netlist_, Canvas canvas_)
    : netlist(sort_nets(std::move(netlist_))),
      canvas(std::move(canvas_)),
      total_net_weight(std::accumulate(netlist.net_weight.begin(), netlist.net_weight.end(), 0.0)) {
  if (netlist.halo.empty()) netlist.halo.assign(netlist.kind.size(), canvas.halo);
  if (netlist.allowed.empty()) netlist.allowed.assign(netlist.kind.size(), std::uint8_t{0xFF});
}

}  // namespace placecore
