// Parser of AlphaChip's netlist files: a TensorFlow GraphDef as protobuf text.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace pbtext {

/// What a file says against the format; `line` counts from 1.
struct ParseError : std::runtime_error {
  ParseError(int line_, const std::string& message) : std::runtime_error(message), line(line_) {}
  int line;
};

struct Attribute {
  int node;  // -1: `__metadata__`
  std::string key, field, text;
};

enum class Type : std::int8_t { none = -1, port, macro, macro_pin, stdcell };

/// One entry a node of the file, in its order, without `__metadata__`.
struct Columns {
  std::vector<std::string> name, orientation, macro_name;  // empty where the node does not say
  std::vector<std::int8_t> type;
  std::vector<double> x, y, width, height, x_offset, y_offset, weight;  // NaN where the node does not say
  std::vector<std::int32_t> line;                                       // on which the node begins
  std::vector<std::int32_t> input_start, input;                         // CSR of indices of the sinks
  std::vector<std::int32_t> macro;                                      // index of `macro_name`, -1 where there is none
  std::vector<Attribute> attributes;                                    // all that have no column
};

/// Throws ParseError.
Columns parse(std::string_view text);

}  // namespace pbtext
