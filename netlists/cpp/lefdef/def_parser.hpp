// The parser behind `parse_def`; its sections are in several files.
#pragma once

#include <string_view>
#include <unordered_map>

#include "def.hpp"
#include "interner.hpp"
#include "statements.hpp"

namespace lefdef {

class DefParser {
 public:
  explicit DefParser(std::string_view text) : scan_(text) {}

  Block parse();

 private:
  using Handler = void (DefParser::*)();
  static const std::unordered_map<std::string_view, Handler>& handlers();

  // def.cpp: the header and what belongs to no section
  void statement(const Token& keyword);
  void skip_section(std::string_view keyword, int line);
  void version() { block_.version = read_version(scan_); }
  void case_sensitive() { check_case_sensitive(scan_); }
  void divider() { block_.divider = read_divider(scan_); }
  void bus() { block_.bus = read_bus(scan_); }
  void design();
  void units();
  void die();
  void row();
  void tracks();
  void history();
  void extension();
  void property_definitions();

  // def_shapes.cpp
  void blockages();
  void regions();
  void groups();
  void blockage(int line);
  std::string_view region_of(std::string_view owner);

  // def_connectivity.cpp
  void components();
  void component();
  bool component_option(std::int32_t index);
  void halo(std::int32_t index);
  void pins();
  void pin();
  void pin_option();
  void nets();
  void net();
  void net_entry();
  void net_option();

  /// `count ;`, then every `- ...` of a section up to `END keyword`. `entry` reads one, its `-` taken.
  template <class Entry>
  void section(const char* keyword, Entry entry);

  Point point(const char* what);
  Box box(const char* what);
  std::vector<Point> points(const char* what, std::size_t least);
  std::uint8_t orientation();

  Scanner scan_;
  Block block_;
  Interner component_names_, macro_names_, pin_names_, net_pin_names_;
};

template <class Entry>
void DefParser::section(const char* keyword, Entry entry) {
  const int line = scan_.peek().line;
  const std::int32_t stated = scan_.count("the number of entries");
  scan_.expect(";", "after the number of entries");
  std::int32_t found = 0;
  while (!scan_.accept("END")) {
    scan_.expect("-", "to begin an entry, or 'END' to close the section");
    entry();
    ++found;
  }
  scan_.expect(keyword, "after 'END'");
  scan_.enter("");
  if (found != stated) {
    block_.notes.push_back({line, std::string(keyword) + " states " + std::to_string(stated) + " entries and holds " +
                                      std::to_string(found)});
  }
}

}  // namespace lefdef
