// The parser behind `parse_lef`; macros are in a file of their own.
#pragma once

#include <string_view>
#include <unordered_map>

#include "interner.hpp"
#include "lef.hpp"
#include "statements.hpp"

namespace lefdef {

class LefParser {
 public:
  explicit LefParser(std::string_view text) : scan_(text) {}

  Library parse();

 private:
  using Handler = void (LefParser::*)();
  static const std::unordered_map<std::string_view, Handler>& handlers();

  // lef.cpp
  void statement(const Token& keyword);
  void skip_named(std::string_view keyword, int line);
  void version() { library_.version = read_version(scan_); }
  void case_sensitive() { check_case_sensitive(scan_); }
  void divider() { library_.divider = read_divider(scan_); }
  void bus() { library_.bus = read_bus(scan_); }
  void grid();
  void units();
  void layer();
  void layer_statement(Layer& layer);
  void site();
  void extension();

  // lef_macro.cpp
  void macro();
  void macro_statement();
  void macro_class();
  void origin();
  void size();
  void pin();
  void pin_statement();
  void direction();
  void shapes(Shapes& into);
  void shape(Shapes& into, const Token& keyword, std::int32_t layer, double half_width);
  Point point();

  std::vector<std::string_view> words_to_semicolon(const char* what);

  Scanner scan_;
  Library library_;
  Interner macro_names_, layer_names_;
};

}  // namespace lefdef
