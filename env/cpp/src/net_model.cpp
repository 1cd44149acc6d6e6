#include <algorithm>
#include <map>
#include <tuple>

#include "placecore/incremental.hpp"

namespace placecore {

namespace {

struct Place {  // where a net touches a node
  int node;
  double dx, dy;

  auto key() const { return std::tie(node, dx, dy); }
  friend bool operator<(const Place& a, const Place& b) { return a.key() < b.key(); }
  friend bool operator==(const Place& a, const Place& b) { return a.key() == b.key(); }
};

/// The distinct places of a net: its source, then the others in order.
std::vector<Place> places_of(const Netlist& netlist, int net) {
  std::vector<Place> places;
  for (int k = netlist.net_start[net]; k < netlist.net_start[net + 1]; ++k) {
    const int pin = netlist.net_pin[k];
    places.push_back({netlist.pin_node[pin], netlist.pin_dx[pin], netlist.pin_dy[pin]});
  }
  const Place source = places.front();
  std::sort(places.begin() + 1, places.end());
  places.erase(std::unique(places.begin() + 1, places.end()), places.end());
  places.erase(std::remove(places.begin() + 1, places.end(), source), places.end());
  return places;
}

}  // namespace

NetModel::NetModel(const Design& design, std::span<const std::uint8_t> placed) {
  const Netlist& netlist = design.netlist;
  const double half_perimeter = design.canvas.width + design.canvas.height;
  struct Net {
    const std::vector<Place>* places;
    double weight, demand;
  };
  std::map<std::vector<Place>, int> known;
  std::vector<Net> merged;
  for (int net = 0; net < netlist.num_nets(); ++net) {
    const double weight = netlist.net_weight[net];
    std::vector<Place> places = places_of(netlist, net);
    if (!placed[places.front().node]) {
      constant_wirelength += half_perimeter;
      continue;
    }
    if (!std::all_of(places.begin(), places.end(), [&](const Place& p) { return placed[p.node] != 0; })) {
      constant_wirelength += weight * half_perimeter;
      continue;
    }
    if (places.size() < 2) continue;  // no length, no routes
    const auto [entry, is_new] = known.try_emplace(std::move(places), static_cast<int>(merged.size()));
    if (is_new) merged.push_back({&entry->first, 0.0, 0.0});
    merged[entry->second].weight += weight;
    merged[entry->second].demand += std::max(1.0, weight);
  }
  std::stable_sort(merged.begin(), merged.end(),
                   [](const Net& a, const Net& b) { return a.places->size() < b.places->size(); });
  net_start.push_back(0);
  node_pairs.assign(netlist.num_nodes(), 0);
  for (const Net& net : merged) {
    for (const Place& place : *net.places) {
      slot_node.push_back(place.node);
      slot_net.push_back(static_cast<int>(net_weight.size()));
      slot_dx.push_back(place.dx);
      slot_dy.push_back(place.dy);
      node_pairs[place.node] += net.places->size() == 2;
    }
    net_weight.push_back(net.weight);
    net_demand.push_back(net.demand);
    spans.push_back({net_start.back(), static_cast<int>(slot_node.size()), net.demand});
    net_start.push_back(static_cast<int>(slot_node.size()));
  }
  node_start.assign(netlist.num_nodes() + 1, 0);
  for (const int node : slot_node) ++node_start[node + 1];
  for (int node = 0; node < netlist.num_nodes(); ++node) node_start[node + 1] += node_start[node];
  node_slot.resize(slot_node.size());
  std::vector<int> next(node_start.begin(), node_start.end() - 1);
  for (int slot = 0; slot < static_cast<int>(slot_node.size()); ++slot) node_slot[next[slot_node[slot]]++] = slot;
  for (const int slot : node_slot) {
    touches.push_back({slot, slot_net[slot], slot_dx[slot], slot_dy[slot], net_weight[slot_net[slot]]});
  }
}

}  // namespace placecore
