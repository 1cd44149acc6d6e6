// Statements that LEF and DEF share.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "scanner.hpp"

namespace lefdef {

/// What follows VERSION.
inline std::string_view read_version(Scanner& scan) {
  const std::string_view text = scan.name("a version").text;
  scan.expect(";", "after the version");
  return text;
}

/// What follows NAMESCASESENSITIVE.
inline void check_case_sensitive(Scanner& scan) {
  if (!scan.accept("ON")) scan.fail("expected ON: names that differ in case only are different here");
  scan.expect(";", "after ON");
}

/// What follows DIVIDERCHAR.
inline std::string_view read_divider(Scanner& scan) {
  const std::string_view text = scan.string("the divider character");
  if (text.size() != 1) scan.fail("expected one divider character in quotes before this");
  scan.expect(";", "after the divider character");
  return text;
}

/// What follows BUSBITCHARS.
inline std::string_view read_bus(Scanner& scan) {
  const std::string_view text = scan.string("the bus bit characters");
  if (text.size() != 2) scan.fail("expected two bus bit characters in quotes before this");
  scan.expect(";", "after the bus bit characters");
  return text;
}

/// What follows DIRECTION of a pin, as `Direction` in Python codes it.
inline std::uint8_t read_direction(Scanner& scan) {
  constexpr std::string_view kDirections[] = {"", "INPUT", "OUTPUT", "INOUT", "FEEDTHRU"};
  const Token token = scan.name("a direction");
  for (std::uint8_t code = 1; code < 5; ++code) {
    if (token.is(kDirections[code])) return code;
  }
  scan.fail_at(token.line, "expected INPUT, OUTPUT, INOUT or FEEDTHRU, found '" + shown(token.text) + "'");
}

}  // namespace lefdef
