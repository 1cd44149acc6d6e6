#include "bind.hpp"

NB_MODULE(_core, module) {
  module.doc() = "Compiled kernels: cost, search, floorplan episodes.";
  register_cost(module);
  register_search(module);
  register_floorplan(module);
}
