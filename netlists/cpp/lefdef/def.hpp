// Parser of DEF files: what a placer needs of them, as columns.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "scanner.hpp"

namespace lefdef {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

enum class State : std::uint8_t { unplaced, placed, fixed, cover };

enum class Direction : std::uint8_t { unknown, input, output, inout, feedthru };

struct Point {
  double x, y;
};

using Box = std::array<double, 4>;  // lx ly ux uy

struct Halo {
  std::int32_t component;
  std::array<double, 4> margin;  // left bottom right top
  bool soft;
};

/// The region that a component belongs in.
struct InRegion {
  std::int32_t component;
  std::string_view region;
};

/// One entry a component. Positions in database units; names are views of the file.
struct Components {
  std::vector<std::string_view> name, macro_name;  // distinct macros
  std::vector<std::int32_t> macro, line;           // index into `macro_name`
  std::vector<std::uint8_t> state, orientation;
  std::vector<double> x, y, weight;
  std::vector<std::int64_t> span_begin, span_end;  // bytes of the placement; empty before ';' where there is none
  std::vector<Halo> halo;
  std::vector<InRegion> region;
};

struct Port {
  State state = State::unplaced;
  std::uint8_t orientation = 0;
  Point at{kNone, kNone};
  Box box{kNone, kNone, kNone, kNone};  // around all shapes, relative to `at`, in N
};

struct Pins {
  std::vector<std::string_view> name, net, use;
  std::vector<std::uint8_t> direction;
  std::vector<std::int32_t> line, port_start{0};
  std::vector<Port> port;
};

struct Nets {
  std::vector<std::string_view> name, use, pin_name;  // `pin_name`: distinct ones
  std::vector<double> weight;
  std::vector<std::int32_t> line, entry_start{0};
  std::vector<std::int32_t> component;  // of each entry; -1: a pin of the design
  std::vector<std::int32_t> pin;        // index into `pin_name`, or into the pins of the design
  std::vector<std::int32_t> entry_line;
};

struct Row {
  std::string_view name, site;
  Point origin;
  std::uint8_t orientation;
  std::int32_t count_x, count_y;
  Point step;
};

struct Tracks {
  char axis;  // 'X': vertical lines at x = start + k * step
  double start;
  std::int32_t count;
  double step;
  std::vector<std::string_view> layers;
};

/// A placement blockage.
struct Blocked {
  bool soft = false, pushdown = false;
  double density = 0.0;  // largest share of the area that cells may take, percent
  std::string_view component;
  std::vector<Box> boxes;
  std::vector<std::vector<Point>> polygons;
  int line = 0;
};

struct Region {
  std::string_view name, type;
  std::vector<Box> boxes;
};

struct Group {
  std::string_view name, region;
  std::vector<std::string_view> members;
  int line = 0;
};

/// A part of the file that was skipped, or that says something odd.
struct Note {
  int line;
  std::string text;
};

struct Block {
  std::string_view version, design, divider = "/", bus = "[]";
  double units = 0.0;
  std::vector<Point> die;
  int die_line = 0;
  std::vector<Row> rows;
  std::vector<Tracks> tracks;
  Components components;
  Pins pins;
  Nets nets;
  std::vector<Blocked> blockages;
  std::vector<Region> regions;
  std::vector<Group> groups;
  std::vector<Note> notes;
};

/// `text` must outlive the block. Throws ParseError.
Block parse_def(std::string_view text);

}  // namespace lefdef
