// Parser of AlphaChip's netlist files: a TensorFlow GraphDef as protobuf text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lexer.hpp"

namespace pbtext {

/// An attribute that has no column.
struct Attribute {
  std::int32_t node;  // -1: `__metadata__`
  std::string key, field, text;  // `text` as it stands in the file, quotes included
};

enum class Type : std::int8_t { none = -1, port, macro, macro_pin, stdcell };

/// One entry a node of the file, in its order, without `__metadata__`.
struct Columns {
  std::vector<std::string> name;
  std::vector<std::int8_t> type, orientation;  // a `Type`, an orientation code; -1 where the node does not say
  std::vector<std::int8_t> fixed;              // 0, 1, or -1 where the node does not say
  std::vector<double> x, y, width, height, x_offset, y_offset, weight;  // NaN where the node does not say
  std::vector<std::int32_t> line;                                       // on which the node begins
  std::vector<std::int32_t> input_start, input;                         // CSR of indices of the sinks
  std::vector<std::int32_t> macro;                                      // index of `macro_name`, -1 where there is none
  std::vector<Attribute> attributes;
};

/// Throws ParseError.
Columns parse(std::string_view text);

}  // namespace pbtext
