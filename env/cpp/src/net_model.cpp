#include <algorithm>
#include <map>
#include <numeric>
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
  for (const Net& net : merged) {
    for (const Place& place : *net.places) {
      slot_node.push_back(place.node);
      slot_net.push_back(static_cast<int>(net_weight.size()));
      slot_dx.push_back(place.dx);
      slot_dy.push_back(place.dy);
    }
    net_weight.push_back(net.weight);
    net_demand.push_back(net.demand);
    net_start.push_back(static_cast<int>(slot_node.size()));
  }
  node_start.assign(netlist.num_nodes() + 1, 0);
  for (const int node : slot_node) ++node_start[node + 1];
  for (int node = 0; node < netlist.num_nodes(); ++node) node_start[node + 1] += node_start[node];
  node_slot.resize(slot_node.size());
  std::vector<int> next(node_start.begin(), node_start.end() - 1);
  for (int slot = 0; slot < static_cast<int>(slot_node.size()); ++slot) node_slot[next[slot_node[slot]]++] = slot;
  find_places(netlist.num_nodes());
  find_touches();
}

/// Numbers the places: those of a node one after the other.
void NetModel::find_places(int num_nodes) {
  slot_place.resize(slot_node.size());
  place_start.push_back(0);
  for (int node = 0; node < num_nodes; ++node) {
    const auto slots = slots_of(node);
    std::vector<int> order(slots.begin(), slots.end());
    const auto offset = [&](int slot) { return std::tie(slot_dx[slot], slot_dy[slot]); };
    std::sort(order.begin(), order.end(), [&](int a, int b) { return offset(a) < offset(b); });
    for (std::size_t k = 0; k < order.size(); ++k) {
      if (k == 0 || offset(order[k]) != offset(order[k - 1])) {
        place_dx.push_back(slot_dx[order[k]]);
        place_dy.push_back(slot_dy[order[k]]);
      }
      slot_place[order[k]] = num_places() - 1;
    }
    place_start.push_back(num_places());
  }
}

/// Lists the nets of each place.
void NetModel::find_touches() {
  const auto is_pair = [&](int slot) { return net_start[slot_net[slot] + 1] - net_start[slot_net[slot]] == 2; };
  pair_start.assign(num_places() + 1, 0);
  touch_start.assign(num_places() + 1, 0);
  for (int slot = 0; slot < static_cast<int>(slot_place.size()); ++slot) {
    ++(is_pair(slot) ? pair_start : touch_start)[slot_place[slot] + 1];
  }
  std::partial_sum(pair_start.begin(), pair_start.end(), pair_start.begin());
  std::partial_sum(touch_start.begin(), touch_start.end(), touch_start.begin());
  pairs.resize(pair_start.back());
  touches.resize(touch_start.back());
  std::vector<int> next_pair = pair_start, next_touch = touch_start;
  for (int slot = 0; slot < static_cast<int>(slot_place.size()); ++slot) {
    const int net = slot_net[slot], begin = net_start[net], end = net_start[net + 1], place = slot_place[slot];
    const bool is_source = slot == begin;
    if (is_pair(slot)) {
      const int other = slot_place[is_source ? slot + 1 : slot - 1];
      pairs[next_pair[place]++] = {other, is_source, net_weight[net], net_demand[net]};
    } else {
      touches[next_touch[place]++] = {net, begin, end, is_source, net_weight[net], net_demand[net]};
    }
  }
}

}  // namespace placecore
