#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>

#include <cstddef>
#include <initializer_list>
#include <string_view>
#include <utility>
#include <vector>

#include "def.hpp"
#include "lef.hpp"

namespace nb = nanobind;

namespace {

template <class T>
nb::ndarray<nb::numpy, T> to_numpy(std::vector<T> values, std::initializer_list<std::size_t> shape) {
  auto* owned = new std::vector<T>(std::move(values));
  nb::capsule owner(owned, [](void* p) noexcept { delete static_cast<std::vector<T>*>(p); });
  return nb::ndarray<nb::numpy, T>(owned->data(), shape, owner);
}

template <class T>
nb::ndarray<nb::numpy, T> to_numpy(std::vector<T> values) {
  const std::size_t size = values.size();
  return to_numpy(std::move(values), {size});
}

/// (n, 4) boxes.
nb::ndarray<nb::numpy, double> to_numpy(const std::vector<lefdef::Box>& boxes) {
  std::vector<double> values;
  values.reserve(boxes.size() * 4);
  for (const auto& box : boxes) values.insert(values.end(), box.begin(), box.end());
  return to_numpy(std::move(values), {boxes.size(), 4});
}

// Names are ASCII; other text (divider and bus characters) is read byte by byte.
nb::object to_str(std::string_view text) {
  return nb::steal(PyUnicode_DecodeLatin1(text.data(), static_cast<Py_ssize_t>(text.size()), nullptr));
}

template <class Items, class Convert>
nb::tuple converted(const Items& items, Convert convert) {
  nb::list list;
  for (const auto& item : items) list.append(convert(item));
  return nb::tuple(list);
}

nb::tuple to_strs(const std::vector<std::string_view>& texts) { return converted(texts, to_str); }

nb::tuple point(lefdef::Point p) { return nb::make_tuple(p.x, p.y); }

nb::tuple points(const std::vector<lefdef::Point>& all) { return converted(all, point); }

nb::dict components(lefdef::Components& c) {
  nb::dict out;
  out["name"] = to_strs(c.name);
  out["macro_name"] = to_strs(c.macro_name);
  out["macro"] = to_numpy(std::move(c.macro));
  out["line"] = to_numpy(std::move(c.line));
  out["state"] = to_numpy(std::move(c.state));
  out["orientation"] = to_numpy(std::move(c.orientation));
  out["x"] = to_numpy(std::move(c.x));
  out["y"] = to_numpy(std::move(c.y));
  out["weight"] = to_numpy(std::move(c.weight));
  out["span_begin"] = to_numpy(std::move(c.span_begin));
  out["span_end"] = to_numpy(std::move(c.span_end));
  out["halo"] = converted(c.halo, [](const lefdef::Halo& h) {
    return nb::make_tuple(h.component, h.margin[0], h.margin[1], h.margin[2], h.margin[3], h.soft);
  });
  out["region"] = converted(c.region, [](const lefdef::InRegion& r) {
    return nb::make_tuple(r.component, to_str(r.region));
  });
  return out;
}

nb::dict pins(lefdef::Pins& p) {
  nb::dict out;
  out["name"] = to_strs(p.name);
  out["net"] = to_strs(p.net);
  out["use"] = to_strs(p.use);
  out["direction"] = to_numpy(std::move(p.direction));
  out["line"] = to_numpy(std::move(p.line));
  out["port_start"] = to_numpy(std::move(p.port_start));
  std::vector<std::uint8_t> state, orientation;
  std::vector<double> x, y;
  std::vector<lefdef::Box> box;
  for (const auto& port : p.port) {
    state.push_back(static_cast<std::uint8_t>(port.state));
    orientation.push_back(port.orientation);
    x.push_back(port.at.x);
    y.push_back(port.at.y);
    box.push_back(port.box);
  }
  out["port_state"] = to_numpy(std::move(state));
  out["port_orientation"] = to_numpy(std::move(orientation));
  out["port_x"] = to_numpy(std::move(x));
  out["port_y"] = to_numpy(std::move(y));
  out["port_box"] = to_numpy(box);
  return out;
}

nb::dict nets(lefdef::Nets& n) {
  nb::dict out;
  out["name"] = to_strs(n.name);
  out["use"] = to_strs(n.use);
  out["pin_name"] = to_strs(n.pin_name);
  out["weight"] = to_numpy(std::move(n.weight));
  out["line"] = to_numpy(std::move(n.line));
  out["entry_start"] = to_numpy(std::move(n.entry_start));
  out["component"] = to_numpy(std::move(n.component));
  out["pin"] = to_numpy(std::move(n.pin));
  out["entry_line"] = to_numpy(std::move(n.entry_line));
  return out;
}

nb::tuple boxes(const std::vector<lefdef::Box>& all) {
  return converted(all, [](const lefdef::Box& b) { return nb::make_tuple(b[0], b[1], b[2], b[3]); });
}

nb::tuple notes(const std::vector<lefdef::Note>& all) {
  return converted(all, [](const lefdef::Note& n) { return nb::make_tuple(n.line, n.text); });
}

nb::dict to_dict(lefdef::Block& block) {
  nb::dict out;
  out["version"] = to_str(block.version);
  out["design"] = to_str(block.design);
  out["divider"] = to_str(block.divider);
  out["bus"] = to_str(block.bus);
  out["units"] = block.units;
  out["die"] = points(block.die);
  out["die_line"] = block.die_line;
  out["rows"] = converted(block.rows, [](const lefdef::Row& r) {
    return nb::make_tuple(to_str(r.name), to_str(r.site), point(r.origin), r.orientation,
                          nb::make_tuple(r.count_x, r.count_y), point(r.step));
  });
  out["tracks"] = converted(block.tracks, [](const lefdef::Tracks& t) {
    return nb::make_tuple(to_str({&t.axis, 1}), t.start, t.count, t.step, to_strs(t.layers));
  });
  out["components"] = components(block.components);
  out["pins"] = pins(block.pins);
  out["nets"] = nets(block.nets);
  out["blockages"] = converted(block.blockages, [](const lefdef::Blocked& b) {
    return nb::make_tuple(boxes(b.boxes), converted(b.polygons, points), b.soft, b.density, b.pushdown,
                          to_str(b.component), b.line);
  });
  out["regions"] = converted(block.regions, [](const lefdef::Region& r) {
    return nb::make_tuple(to_str(r.name), to_str(r.type), boxes(r.boxes));
  });
  out["groups"] = converted(block.groups, [](const lefdef::Group& g) {
    return nb::make_tuple(to_str(g.name), to_str(g.region), to_strs(g.members), g.line);
  });
  out["notes"] = notes(block.notes);
  return out;
}

nb::dict shapes(lefdef::Shapes& s) {
  nb::dict out;
  out["start"] = to_numpy(std::move(s.start));
  out["layer"] = to_numpy(std::move(s.layer));
  out["box"] = to_numpy(s.box);
  return out;
}

nb::dict to_dict(lefdef::Library& library) {
  nb::dict out;
  out["version"] = to_str(library.version);
  out["divider"] = to_str(library.divider);
  out["bus"] = to_str(library.bus);
  out["units"] = library.units;
  out["grid"] = library.grid;
  out["layers"] = converted(library.layers, [](const lefdef::Layer& l) {
    return nb::make_tuple(to_str(l.name), to_str(l.type), to_str(l.direction), l.pitch_x, l.pitch_y, l.width);
  });
  out["sites"] = converted(library.sites, [](const lefdef::Site& s) {
    return nb::make_tuple(to_str(s.name), to_str(s.type), s.width, s.height, to_strs(s.symmetry), s.line);
  });
  out["layer_name"] = to_strs(library.layer_name);
  out["macro_name"] = to_strs(library.macro_name);
  out["macro_class"] = to_strs(library.macro_class);
  out["macro_subclass"] = to_strs(library.macro_subclass);
  out["macro_site"] = to_strs(library.macro_site);
  out["macro_symmetry"] = converted(library.macro_symmetry, [](const auto& words) { return to_strs(words); });
  out["width"] = to_numpy(std::move(library.width));
  out["height"] = to_numpy(std::move(library.height));
  out["origin_x"] = to_numpy(std::move(library.origin_x));
  out["origin_y"] = to_numpy(std::move(library.origin_y));
  out["macro_line"] = to_numpy(std::move(library.macro_line));
  out["pin_start"] = to_numpy(std::move(library.pin_start));
  out["pin_name"] = to_strs(library.pin_name);
  out["pin_use"] = to_strs(library.pin_use);
  out["pin_direction"] = to_numpy(std::move(library.pin_direction));
  out["pin_line"] = to_numpy(std::move(library.pin_line));
  out["port"] = shapes(library.port);
  out["obstruction"] = shapes(library.obstruction);
  return out;
}

template <class Parse>
nb::dict parse(nb::bytes text, Parse parser) {
  try {
    auto parsed = parser(std::string_view(text.c_str(), text.size()));
    return to_dict(parsed);
  } catch (const lefdef::ParseError& error) {
    // (line, message) as the arguments of a ValueError; the Python side adds the file.
    PyErr_SetObject(PyExc_ValueError, nb::make_tuple(error.line, error.what()).ptr());
    throw nb::python_error();
  }
}

}  // namespace

NB_MODULE(_lefdef, module) {
  module.doc() = "Parsers of LEF and DEF files.";
  module.def("parse_lef", [](nb::bytes text) { return parse(text, lefdef::parse_lef); }, nb::arg("text"),
             "Columns of a LEF file. Raises ValueError(line, message).");
  module.def("parse_def", [](nb::bytes text) { return parse(text, lefdef::parse_def); }, nb::arg("text"),
             "Columns of a DEF file. Raises ValueError(line, message).");
}
