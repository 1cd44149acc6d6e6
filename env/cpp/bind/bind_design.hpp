#pragma once

#include <stdexcept>
#include <string>
#include <tuple>

#include "bind.hpp"
#include "placecore/cost.hpp"

using CostTuple = std::tuple<double, double, double, double>;

inline CostTuple to_tuple(const placecore::Costs& costs) {
  return {costs.wirelength, costs.wirelength_cost, costs.density_cost, costs.congestion_cost};
}

inline placecore::Weights to_weights(std::tuple<double, double, double> weights) {
  return {std::get<0>(weights), std::get<1>(weights), std::get<2>(weights)};
}

/// The five arrays of a `netlists.Placement`, kept alive while kernels read them.
struct PlacementArrays {
  Array1<double> x, y;
  Array1<std::uint8_t> orientation;
  Array1<bool> fixed, placed;

  PlacementArrays(Array1<double> x_, Array1<double> y_, Array1<std::uint8_t> orientation_, Array1<bool> fixed_,
                  Array1<bool> placed_)
      : x(x_), y(y_), orientation(orientation_), fixed(fixed_), placed(placed_) {
    for (const std::size_t size : {y.shape(0), orientation.shape(0), fixed.shape(0), placed.shape(0)}) {
      if (size != x.shape(0)) throw std::invalid_argument("placement: the arrays differ in length");
    }
  }

  std::span<const std::uint8_t> fixed_flags() const { return bytes(fixed); }

  placecore::PlacementView view(const placecore::Design& design) const {
    if (x.shape(0) != static_cast<std::size_t>(design.netlist.num_nodes())) {
      throw std::invalid_argument("placement: " + std::to_string(x.shape(0)) + " nodes, the netlist has " +
                                  std::to_string(design.netlist.num_nodes()));
    }
    return {::view(x), ::view(y), ::view(orientation), bytes(placed)};
  }

 private:
  static std::span<const std::uint8_t> bytes(const Array1<bool>& flags) {
    return {reinterpret_cast<const std::uint8_t*>(flags.data()), flags.shape(0)};
  }
};
