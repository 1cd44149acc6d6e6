// Parser of LEF files: macros, sites and routing layers, as columns.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "def.hpp"
#include "scanner.hpp"

namespace lefdef {

struct Layer {
  std::string_view name, type, direction;
  double pitch_x = kNone, pitch_y = kNone, width = kNone;
};

struct Site {
  std::string_view name, type;  // `type`: CORE or PAD
  double width = kNone, height = kNone;
  std::vector<std::string_view> symmetry;
  int line = 0;
};

/// Rectangles of several owners: those of owner i are at `start[i]` to `start[i + 1]`.
struct Shapes {
  std::vector<std::int32_t> start{0}, layer;  // index into `Library::layer_name`, -1: none stated
  std::vector<Box> box;                       // around each shape; um, as the file states them
};

struct Library {
  std::string_view version, divider = "/", bus = "[]";
  double units = kNone, grid = kNone;
  std::vector<Layer> layers;
  std::vector<Site> sites;
  std::vector<std::string_view> layer_name;  // that shapes lie on, distinct

  std::vector<std::string_view> macro_name, macro_class, macro_subclass, macro_site;
  std::vector<std::vector<std::string_view>> macro_symmetry;
  std::vector<double> width, height, origin_x, origin_y;
  std::vector<std::int32_t> macro_line, pin_start{0};
  Shapes obstruction;  // of each macro

  std::vector<std::string_view> pin_name, pin_use;
  std::vector<std::uint8_t> pin_direction;  // a `Direction`
  std::vector<std::int32_t> pin_line;
  Shapes port;  // of each pin
};

/// `text` must outlive the library. Throws ParseError.
Library parse_lef(std::string_view text);

}  // namespace lefdef
