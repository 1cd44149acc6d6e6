#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "placecore/design.hpp"

namespace nb = nanobind;

template <class T>
using Array1 = nb::ndarray<const T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

template <class T>
std::span<const T> view(const Array1<T>& array) {
  return {array.data(), array.shape(0)};
}

template <class T>
std::vector<T> copy(const Array1<T>& array) {
  return {array.data(), array.data() + array.shape(0)};
}

/// Refuses an array of the wrong length.
inline void check_size(std::size_t found, std::size_t expected, const char* what) {
  if (found == expected) return;
  throw std::invalid_argument(std::string(what) + " has " + std::to_string(found) + " entries, expected " +
                              std::to_string(expected));
}

/// Hands a vector to Python as a NumPy array of this shape, without a copy.
template <class T>
nb::ndarray<nb::numpy, T> to_numpy(std::vector<T> values, std::initializer_list<std::size_t> shape) {
  auto* owned = new std::vector<T>(std::move(values));
  nb::capsule owner(owned, [](void* p) noexcept { delete static_cast<std::vector<T>*>(p); });
  return nb::ndarray<nb::numpy, T>(owned->data(), shape, owner);
}

void register_cost(nb::module_& module);
void register_search(nb::module_& module);
void register_floorplan(nb::module_& module);
