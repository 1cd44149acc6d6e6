#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <string_view>
#include <tuple>
#include <utility>

#include "pbtext.hpp"

namespace nb = nanobind;

namespace {

template <class T>
nb::ndarray<nb::numpy, T> to_numpy(std::vector<T> values) {
  auto* owned = new std::vector<T>(std::move(values));
  nb::capsule owner(owned, [](void* p) noexcept { delete static_cast<std::vector<T>*>(p); });
  return nb::ndarray<nb::numpy, T>(owned->data(), {owned->size()}, owner);
}

nb::dict parse(nb::bytes text) {
  pbtext::Columns columns = [&] {
    try {
      return pbtext::parse({text.c_str(), text.size()});
    } catch (const pbtext::ParseError& error) {
      // (line, message) as the arguments of a ValueError; the Python side adds the file.
      PyErr_SetObject(PyExc_ValueError, nb::make_tuple(error.line, error.what()).ptr());
      throw nb::python_error();
    }
  }();
  nb::dict result;
  result["name"] = nb::cast(columns.name);
  result["orientation"] = nb::cast(columns.orientation);
  result["type"] = to_numpy(std::move(columns.type));
  result["x"] = to_numpy(std::move(columns.x));
  result["y"] = to_numpy(std::move(columns.y));
  result["width"] = to_numpy(std::move(columns.width));
  result["height"] = to_numpy(std::move(columns.height));
  result["x_offset"] = to_numpy(std::move(columns.x_offset));
  result["y_offset"] = to_numpy(std::move(columns.y_offset));
  result["weight"] = to_numpy(std::move(columns.weight));
  result["line"] = to_numpy(std::move(columns.line));
  result["input_start"] = to_numpy(std::move(columns.input_start));
  result["input"] = to_numpy(std::move(columns.input));
  result["macro"] = to_numpy(std::move(columns.macro));
  nb::list attributes;
  for (const auto& a : columns.attributes) attributes.append(nb::make_tuple(a.node, a.key, a.field, a.text));
  result["attributes"] = attributes;
  return result;
}

}  // namespace

NB_MODULE(_pbtext, module) {
  module.doc() = "Parser of AlphaChip's netlist files.";
  module.def("parse", &parse, nb::arg("text"),
             "Columns of the file's nodes, `__metadata__` apart. Raises ValueError(line, message).");
}
